// The loop that answers HTTP requests without reading them; see floor.h. Every request has
// FLOOR_HTTP_REQUEST_BYTES, and every response is the same, so the loop only counts bytes: the
// denominator for a server that parses.
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "benchmarks/floor/floor.h"

static const char response[] =
    "HTTP/1.1 200 OK\r\n"
    "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    "Server: floor\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "Content-Length: 13\r\n"
    "\r\n"
    "Hello, World!";

enum {
  ACCEPTS_PER_TURN_MAX = 64,
  RESPONSE_BYTES = sizeof(response) - 1,
  RESPONSES_MAX = FLOOR_BUFFER_BYTES / FLOOR_HTTP_REQUEST_BYTES + 1,
};

struct connection {
  int fd;
  uint32_t partial_bytes;  // received bytes of an incomplete request
};

static char responses[RESPONSES_MAX * RESPONSE_BYTES];

// Returns false if the connection must be closed. A response that does not fit in the send buffer
// would need a queue; the load generator never lets that happen.
static bool connection_read(struct floor *floor, struct connection *c) {
  ssize_t got = recv(c->fd, floor->buffer, sizeof(floor->buffer), 0);
  if (got <= 0) return got < 0 && (errno == EAGAIN || errno == EINTR);
  const size_t bytes = c->partial_bytes + (size_t)got;
  const size_t count = bytes / FLOOR_HTTP_REQUEST_BYTES;
  c->partial_bytes = (uint32_t)(bytes % FLOOR_HTTP_REQUEST_BYTES);
  if (count == 0) return true;
  const size_t size = count * RESPONSE_BYTES;
  return send(c->fd, responses, size, MSG_NOSIGNAL) == (ssize_t)size;
}

static void connection_close(struct connection *c) {
  close(c->fd);
  free(c);
}

static int accept_turn(struct floor *floor) {
  for (int i = 0; i < ACCEPTS_PER_TURN_MAX; i++) {
    int fd = accept4(floor->socket_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EAGAIN || errno == EINTR) return 0;
      int error = errno;
      fprintf(stderr, "floor: accept4: %s\n", strerror(error));
      return -error;
    }
    struct connection *c = calloc(1, sizeof(*c));
    if (c == NULL) return -ENOMEM;
    c->fd = fd;
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = c}};
    if (epoll_ctl(floor->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) return -errno;
  }
  return 0;
}

int floor_http_run(struct floor *floor) {
  struct epoll_event events[FLOOR_EVENTS_MAX];
  for (size_t i = 0; i < RESPONSES_MAX; i++)
    memcpy(responses + i * RESPONSE_BYTES, response, RESPONSE_BYTES);
  for (;;) {
    int count = epoll_wait(floor->epoll_fd, events, FLOOR_EVENTS_MAX, -1);
    if (count < 0 && errno != EINTR) return -errno;
    for (int i = 0; i < count; i++) {
      void *key = events[i].data.ptr;
      if (key == &floor->signal_fd) return 0;
      if (key == &floor->socket_fd) {
        int status = accept_turn(floor);
        if (status < 0) return status;
      } else if (!connection_read(floor, key)) {
        connection_close(key);
      }
    }
  }
}
