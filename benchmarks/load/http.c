// HTTP/1.1 over TCP and Unix streams: each connection keeps `depth` GET requests in flight; see
// modes.h.
//
// One request at the beginning shows the size of a response. All responses must have it, and begin
// with status 200. So the generator needs no parser in the loop, and the server gets more of the
// two cores.
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "benchmarks/load/dial.h"
#include "benchmarks/load/modes.h"

enum {
  EVENTS_MAX = 256,
  REQUEST_BYTES_MAX = 512,
  HEAD_BYTES_MAX = 8192,
  BUFFER_BYTES = 256 * 1024,
  PROBE_MS = 10000,
};

static const char good_start[] = "HTTP/1.1 200";

struct http_conn {
  int fd;
  bool awaits_room;  // EPOLLOUT is watched
  uint32_t index;
  uint32_t in_flight;
  uint32_t oldest;  // index in sent_ns of the request whose response is next
  uint64_t unsent_bytes;
  uint64_t response_bytes;  // received bytes of an incomplete response
  uint64_t *sent_ns;        // ring of depth
};

static struct http {
  struct run *run;
  const struct load_options *options;
  int epoll_fd;
  uint64_t in_flight;  // over all connections
  struct http_conn *conns;
  uint64_t *sent_ns;  // memory of all connections' rings
  char *requests;     // depth of them
  size_t request_bytes;
  uint64_t response_bytes;  // of each response
  char buffer[BUFFER_BYTES];
} http;

static int watch(struct http *h, struct http_conn *c, int op) {
  struct epoll_event event = {.events = c->awaits_room ? EPOLLIN | EPOLLOUT : EPOLLIN,
                              .data = {.ptr = c}};
  if (epoll_ctl(h->epoll_fd, op, c->fd, &event) == 0) return 0;
  return run_fail("epoll_ctl: %s", strerror(errno));
}

static int send_rest(struct http *h, struct http_conn *c) {
  bool full = false;
  if (c->unsent_bytes > 0) {
    // The unsent bytes are the end of a sequence of requests.
    const char *rest = h->requests + h->request_bytes * h->options->depth - c->unsent_bytes;
    ssize_t sent = send(c->fd, rest, (size_t)c->unsent_bytes, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno != EAGAIN && errno != EINTR) {
        return run_fail("connection %u: send: %s", c->index, strerror(errno));
      }
      sent = 0;
    }
    c->unsent_bytes -= (uint64_t)sent;
    full = c->unsent_bytes > 0;
  }
  if (full == c->awaits_room) return 0;
  c->awaits_room = full;
  return watch(h, c, EPOLL_CTL_MOD);
}

static int issue(struct http *h, struct http_conn *c, uint32_t count, uint64_t now_ns) {
  const uint32_t depth = h->options->depth;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t slot = c->oldest + c->in_flight;
    c->sent_ns[slot < depth ? slot : slot - depth] = now_ns;
    c->in_flight++;
  }
  h->in_flight += count;
  c->unsent_bytes += (uint64_t)count * h->request_bytes;
  return send_rest(h, c);
}

// Checks the first bytes of each response among `size` received ones.
static int check(struct http *h, struct http_conn *c, size_t size) {
  const uint64_t start_bytes = sizeof(good_start) - 1;
  uint64_t place = c->response_bytes;
  for (size_t at = 0; at < size;) {
    if (place < start_bytes) {
      if (h->buffer[at++] != good_start[place++])
        return run_fail("connection %u: a response does not begin with %s", c->index, good_start);
      continue;
    }
    const uint64_t rest = h->response_bytes - place;
    if (rest > size - at) break;
    at += (size_t)rest;
    place = 0;
  }
  return 0;
}

static int receive(struct http *h, struct http_conn *c) {
  ssize_t got = recv(c->fd, h->buffer, sizeof(h->buffer), 0);
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) return 0;
    return run_fail("connection %u: recv: %s", c->index, strerror(errno));
  }
  if (got == 0) return run_fail("connection %u: closed by the server", c->index);
  if (check(h, c, (size_t)got) < 0) return -1;
  uint64_t now_ns = run_now_ns();
  h->run->progress_ns = now_ns;
  c->response_bytes += (uint64_t)got;
  uint32_t responses = 0;
  while (c->response_bytes >= h->response_bytes) {
    if (responses == c->in_flight)
      return run_fail("connection %u: a response without a request", c->index);
    c->response_bytes -= h->response_bytes;
    if (run_reply(h->run, now_ns, c->sent_ns[c->oldest]) < 0) return -1;
    c->oldest = c->oldest + 1 < h->options->depth ? c->oldest + 1 : 0;
    responses++;
  }
  c->in_flight -= responses;
  h->in_flight -= responses;
  return responses > 0 && run_is_issuing(h->run) ? issue(h, c, responses, now_ns) : 0;
}

// Receives at least one byte. Returns -1 after a line on stderr.
static ssize_t receive_soon(int fd, char *out, size_t size) {
  struct pollfd readable = {.fd = fd, .events = POLLIN};
  const ssize_t got = poll(&readable, 1, PROBE_MS) == 1 ? recv(fd, out, size, 0) : -1;
  return got > 0 ? got : run_fail("connection 0: no response");
}

// Sends one request and reads the whole response. Returns its size; -1 after a line on stderr.
static int64_t probe(struct http *h, int fd) {
  char *head = h->buffer;
  size_t used = 0;
  if (send(fd, h->requests, h->request_bytes, MSG_NOSIGNAL) != (ssize_t)h->request_bytes)
    return run_fail("send: %s", strerror(errno));
  const char *end = NULL;
  while (end == NULL) {
    const ssize_t got = receive_soon(fd, head + used, HEAD_BYTES_MAX - used);
    if (got < 0) return -1;
    used += (size_t)got;
    head[used] = '\0';
    end = strstr(head, "\r\n\r\n");
  }
  if (strncmp(head, good_start, sizeof(good_start) - 1) != 0)
    return run_fail("connection 0: a response does not begin with %s", good_start);
  const char *length = strcasestr(head, "\r\ncontent-length:");
  if (length == NULL || length > end) return run_fail("the response has no Content-Length");
  const int64_t size = end + 4 - head + strtoll(length + 17, NULL, 10);
  for (int64_t left = size - (int64_t)used; left > 0;) {
    const ssize_t got = receive_soon(fd, h->buffer, BUFFER_BYTES);
    if (got < 0) return -1;
    left -= got;
  }
  return size;
}

static int make_requests(struct http *h) {
  char request[REQUEST_BYTES_MAX];
  const int size = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
                            h->options->target);
  h->request_bytes = (size_t)size;
  h->requests = malloc(h->request_bytes * h->options->depth);
  if (h->requests == NULL) return run_fail("out of memory");
  for (uint32_t i = 0; i < h->options->depth; i++)
    memcpy(h->requests + h->request_bytes * i, request, h->request_bytes);
  return 0;
}

// As connect_all of stream.c.
static int connect_all(struct http *h, int *fds) {
  const uint32_t count = h->options->connections;
  if (dial_all(&h->options->address, count, fds) < 0) return -1;
  h->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (h->epoll_fd < 0) return run_fail("epoll_create1: %s", strerror(errno));
  for (uint32_t i = 0; i < count; i++) {
    struct http_conn *c = &h->conns[i];
    c->fd = fds[i];
    c->index = i;
    c->sent_ns = h->sent_ns + (size_t)i * h->options->depth;
    if (watch(h, c, EPOLL_CTL_ADD) < 0) return -1;
  }
  const int64_t response_bytes = probe(h, fds[0]);
  h->response_bytes = (uint64_t)response_bytes;
  return response_bytes < 0 ? -1 : 0;
}

static int http_open(struct run *run, const struct load_options *options) {
  struct http *h = &http;
  h->run = run;
  h->options = options;
  const uint32_t count = options->connections;
  int *fds = calloc(count, sizeof(*fds));
  h->conns = calloc(count, sizeof(*h->conns));
  h->sent_ns = calloc((size_t)count * options->depth, sizeof(*h->sent_ns));
  int status = fds != NULL && h->conns != NULL && h->sent_ns != NULL ? make_requests(h)
                                                                     : run_fail("out of memory");
  if (status == 0) status = connect_all(h, fds);
  free(fds);
  return status;
}

static void http_close(void) {
  struct http *h = &http;
  for (uint32_t i = 0; i < h->options->connections; i++) close(h->conns[i].fd);
  close(h->epoll_fd);
  free(h->conns);
  free(h->sent_ns);
  free(h->requests);
}

static int http_run(void) {
  struct http *h = &http;
  for (uint32_t i = 0; i < h->options->connections; i++) {
    if (issue(h, &h->conns[i], h->options->depth, run_now_ns()) < 0) return -1;
  }
  struct epoll_event events[EVENTS_MAX];
  int wait_ms = 0;
  while (run_is_issuing(h->run) || h->in_flight > 0) {
    int count = epoll_wait(h->epoll_fd, events, EVENTS_MAX, wait_ms);
    if (count < 0 && errno != EINTR) return run_fail("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < count; i++) {
      struct http_conn *c = events[i].data.ptr;
      if ((events[i].events & EPOLLOUT) && send_rest(h, c) < 0) return -1;
      if ((events[i].events & ~(uint32_t)EPOLLOUT) && receive(h, c) < 0) return -1;
    }
    if (run_turn(h->run, run_now_ns(), &wait_ms) < 0) return -1;
  }
  return 0;
}

const struct load_driver http_driver = {
    .open = http_open,
    .run = http_run,
    .close = http_close,
};
