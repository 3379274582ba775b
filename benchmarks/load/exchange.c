// HTTP/1.1 and RESP over TCP and Unix streams; see modes.h. In the closed loop each connection keeps
// `depth` requests in flight. In the open loop (--rate) requests are due at equal intervals, and go
// to the connections in turn.
//
// All requests are the same. All replies must have the size and the first bytes that exchange.h
// gives. So the generator needs no parser in the loop, and the server gets more of the two cores.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "benchmarks/load/dial.h"
#include "benchmarks/load/exchange.h"
#include "benchmarks/load/modes.h"
#include "benchmarks/load/pace.h"

enum {
  EVENTS_MAX = 256,
  BUFFER_BYTES = 256 * 1024,
};

struct exchange_conn {
  int fd;
  bool awaits_room;  // EPOLLOUT is watched
  uint32_t index;
  uint32_t in_flight;
  uint32_t oldest;  // index in sent_ns of the request whose reply is next
  uint64_t unsent_bytes;
  uint64_t reply_bytes;  // received bytes of an incomplete reply
  uint64_t *sent_ns;     // ring of depth
};

static struct state {
  struct run *run;
  const struct load_options *options;
  int epoll_fd;
  uint64_t in_flight;  // over all connections
  struct exchange_conn *conns;
  uint64_t *sent_ns;  // memory of all connections' rings
  struct exchange exchange;
  size_t start_bytes;
  char *requests;  // depth of them
  struct pace pace;
  uint32_t next_index;  // open loop: of the connection whose turn it is
  char buffer[BUFFER_BYTES];
} state;

static int watch(struct state *s, struct exchange_conn *c, int op) {
  struct epoll_event event = {.events = c->awaits_room ? EPOLLIN | EPOLLOUT : EPOLLIN,
                              .data = {.ptr = c}};
  if (epoll_ctl(s->epoll_fd, op, c->fd, &event) == 0) return 0;
  return run_fail("epoll_ctl: %s", strerror(errno));
}

static int send_rest(struct state *s, struct exchange_conn *c) {
  bool full = false;
  if (c->unsent_bytes > 0) {
    // The unsent bytes are the end of a sequence of requests.
    const char *rest =
        s->requests + s->exchange.request_bytes * s->options->depth - c->unsent_bytes;
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
  return watch(s, c, EPOLL_CTL_MOD);
}

// Sends `count` requests whose latency counts from since_ns.
static int issue(struct state *s, struct exchange_conn *c, uint32_t count, uint64_t since_ns) {
  const uint32_t depth = s->options->depth;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t slot = c->oldest + c->in_flight;
    c->sent_ns[slot < depth ? slot : slot - depth] = since_ns;
    c->in_flight++;
  }
  s->in_flight += count;
  c->unsent_bytes += (uint64_t)count * s->exchange.request_bytes;
  return send_rest(s, c);
}

// Checks the first bytes of each reply among `size` received ones.
static int check(struct state *s, struct exchange_conn *c, size_t size) {
  uint64_t place = c->reply_bytes;
  for (size_t at = 0; at < size;) {
    if (place < s->start_bytes) {
      if (s->buffer[at++] != s->exchange.start[place++])
        return run_fail("connection %u: a reply does not begin with %s", c->index,
                        s->exchange.start);
      continue;
    }
    const uint64_t rest = s->exchange.reply_bytes - place;
    if (rest > size - at) break;
    at += (size_t)rest;
    place = 0;
  }
  return 0;
}

static int receive(struct state *s, struct exchange_conn *c) {
  ssize_t got = recv(c->fd, s->buffer, sizeof(s->buffer), 0);
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) return 0;
    return run_fail("connection %u: recv: %s", c->index, strerror(errno));
  }
  if (got == 0) return run_fail("connection %u: closed by the server", c->index);
  if (check(s, c, (size_t)got) < 0) return -1;
  uint64_t now_ns = run_now_ns();
  s->run->progress_ns = now_ns;
  c->reply_bytes += (uint64_t)got;
  uint32_t replies = 0;
  while (c->reply_bytes >= s->exchange.reply_bytes) {
    if (replies == c->in_flight)
      return run_fail("connection %u: a reply without a request", c->index);
    c->reply_bytes -= s->exchange.reply_bytes;
    if (run_reply(s->run, now_ns, c->sent_ns[c->oldest]) < 0) return -1;
    c->oldest = c->oldest + 1 < s->options->depth ? c->oldest + 1 : 0;
    replies++;
  }
  c->in_flight -= replies;
  s->in_flight -= replies;
  if (replies == 0 || !run_is_issuing(s->run) || s->options->rate != 0) return 0;
  return issue(s, c, replies, now_ns);
}

// Sends the requests that are due, as far as connections have room. As issue_due of stream.c.
static int issue_due(struct state *s, uint64_t now_ns) {
  const uint32_t count = s->options->connections;
  uint32_t full = 0;  // connections without room, in a row
  while (full < count && pace_due_ns(&s->pace) <= now_ns) {
    struct exchange_conn *c = &s->conns[s->next_index];
    s->next_index = s->next_index + 1 < count ? s->next_index + 1 : 0;
    if (c->in_flight == s->options->depth) {
      full++;
      continue;
    }
    full = 0;
    if (issue(s, c, 1, pace_due_ns(&s->pace)) < 0) return -1;
    s->pace.sent++;
  }
  return 0;
}

// Prepares the exchange on a connected socket, and repeats the request `depth` times in memory.
static int prepare(struct state *s, int fd) {
  struct exchange *e = &s->exchange;
  const int status = s->options->mode == LOAD_HTTP ? exchange_http(s->options, fd, e)
                                                   : exchange_resp(s->options, fd, e);
  if (status < 0) return -1;
  s->start_bytes = strlen(e->start);
  s->requests = malloc(e->request_bytes * s->options->depth);
  if (s->requests == NULL) return run_fail("out of memory");
  for (uint32_t i = 0; i < s->options->depth; i++)
    memcpy(s->requests + e->request_bytes * i, e->request, e->request_bytes);
  return 0;
}

// As connect_all of stream.c.
static int connect_all(struct state *s, int *fds) {
  const uint32_t count = s->options->connections;
  if (dial_all(&s->options->address, count, fds) < 0) return -1;
  s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (s->epoll_fd < 0) return run_fail("epoll_create1: %s", strerror(errno));
  for (uint32_t i = 0; i < count; i++) {
    struct exchange_conn *c = &s->conns[i];
    c->fd = fds[i];
    c->index = i;
    c->sent_ns = s->sent_ns + (size_t)i * s->options->depth;
    if (watch(s, c, EPOLL_CTL_ADD) < 0) return -1;
  }
  return prepare(s, fds[0]);
}

static int exchange_open(struct run *run, const struct load_options *options) {
  struct state *s = &state;
  s->run = run;
  s->options = options;
  const uint32_t count = options->connections;
  int *fds = calloc(count, sizeof(*fds));
  s->conns = calloc(count, sizeof(*s->conns));
  s->sent_ns = calloc((size_t)count * options->depth, sizeof(*s->sent_ns));
  const int status = fds != NULL && s->conns != NULL && s->sent_ns != NULL
                         ? connect_all(s, fds)
                         : run_fail("out of memory");
  free(fds);
  return status;
}

static void exchange_close(void) {
  struct state *s = &state;
  for (uint32_t i = 0; i < s->options->connections; i++) close(s->conns[i].fd);
  close(s->epoll_fd);
  free(s->conns);
  free(s->sent_ns);
  free(s->requests);
  free(s->exchange.request);
}

// Sends the first requests.
static int begin(struct state *s) {
  pace_start(&s->pace, s->options->rate, run_now_ns());
  if (s->options->rate != 0) return issue_due(s, s->pace.begin_ns);
  for (uint32_t i = 0; i < s->options->connections; i++) {
    if (issue(s, &s->conns[i], s->options->depth, run_now_ns()) < 0) return -1;
  }
  return 0;
}

static int exchange_run(void) {
  struct state *s = &state;
  if (begin(s) < 0) return -1;
  struct epoll_event events[EVENTS_MAX];
  int wait_ms = 0;
  while (run_is_issuing(s->run) || s->in_flight > 0) {
    int count = pace_wait(&s->pace, s->run, s->epoll_fd, events, EVENTS_MAX, wait_ms);
    if (count < 0 && errno != EINTR) return run_fail("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < count; i++) {
      struct exchange_conn *c = events[i].data.ptr;
      if ((events[i].events & EPOLLOUT) && send_rest(s, c) < 0) return -1;
      if ((events[i].events & ~(uint32_t)EPOLLOUT) && receive(s, c) < 0) return -1;
    }
    const uint64_t now_ns = run_now_ns();
    if (run_turn(s->run, now_ns, &wait_ms) < 0) return -1;
    if (s->options->rate != 0 && run_is_issuing(s->run) && issue_due(s, now_ns) < 0) return -1;
  }
  pace_finish(&s->pace, s->run);
  return 0;
}

const struct load_driver exchange_driver = {
    .open = exchange_open,
    .run = exchange_run,
    .close = exchange_close,
};
