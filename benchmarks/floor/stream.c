// The echo loop for TCP and Unix streams; see floor.h.
//
// A connection reads until the kernel takes only a part of a send. Then it stores the rest, stops
// reading, and waits for room:
//
//             send took all              send took a part
//          .----------------.   .-------------------------------------.
//          v                |   |                                     v
//      [ reading ]----------'---'                                [ flushing ]
//          ^                                                          |
//          '----------------------------------------------------------'
//                               rest is sent

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "benchmarks/floor/floor.h"

// After this many accepts, the loop serves the connections; the level-triggered listener reports
// the remaining ones again.
enum { ACCEPTS_PER_TURN_MAX = 64 };

struct connection {
  uint8_t *rest;        // bytes that the kernel has not taken yet; NULL while reading
  uint32_t rest_begin;  // rest[rest_begin, rest_end) is unsent
  uint32_t rest_end;
  int fd;
  bool readable;  // edge-triggered: an event was reported, and unread bytes may be left
  bool ended;     // edge-triggered: the peer's FIN was reported; read until recv returns 0
};

static void connection_close(struct connection *c) {
  close(c->fd);  // also removes it from the epoll set, because the descriptor is not duplicated
  free(c->rest);
  free(c);
}

// The edge-triggered floor watches for room from the start.
static bool connection_watch(struct floor *floor, struct connection *c, uint32_t events) {
  if (floor->trigger == FLOOR_EDGE) return true;
  struct epoll_event event = {.events = events, .data = {.ptr = c}};
  return epoll_ctl(floor->epoll_fd, EPOLL_CTL_MOD, c->fd, &event) == 0;
}

static bool would_block(void) { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

static bool connection_keep(struct floor *floor, struct connection *c, size_t begin, size_t end) {
  c->rest = malloc(end - begin);
  if (c->rest == NULL) return false;
  memcpy(c->rest, floor->buffer + begin, end - begin);
  c->rest_begin = 0;
  c->rest_end = (uint32_t)(end - begin);
  return connection_watch(floor, c, EPOLLOUT);
}

// The functions below return false if the connection must be closed.

static bool connection_read(struct floor *floor, struct connection *c) {
  for (;;) {
    ssize_t got = recv(c->fd, floor->buffer, sizeof(floor->buffer), 0);
    if (got <= 0) {
      c->readable = false;
      return got < 0 && would_block();
    }
    ssize_t sent = send(c->fd, floor->buffer, (size_t)got, MSG_NOSIGNAL);
    if (sent != got) {
      if (sent < 0 && !would_block()) return false;
      return connection_keep(floor, c, sent < 0 ? 0 : (size_t)sent, (size_t)got);
    }
    if (floor->trigger == FLOOR_LEVEL) return true;
    // A short read has emptied the socket, and new bytes cause a new edge (epoll(7)). But a FIN
    // that was reported together with these bytes causes no further edge.
    if ((size_t)got < sizeof(floor->buffer) && !c->ended) {
      c->readable = false;
      return true;
    }
  }
}

static bool connection_flush(struct floor *floor, struct connection *c) {
  size_t rest_bytes = c->rest_end - c->rest_begin;
  ssize_t sent = send(c->fd, c->rest + c->rest_begin, rest_bytes, MSG_NOSIGNAL);
  if (sent < 0) return would_block();
  c->rest_begin += (uint32_t)sent;
  if (c->rest_begin < c->rest_end) return true;
  free(c->rest);
  c->rest = NULL;
  return connection_watch(floor, c, EPOLLIN);
}

static bool connection_turn(struct floor *floor, struct connection *c, uint32_t events) {
  if (events & EPOLLERR) return false;
  if (floor->trigger == FLOOR_LEVEL) {
    return c->rest == NULL ? connection_read(floor, c) : connection_flush(floor, c);
  }
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)) c->readable = true;
  if (events & (EPOLLRDHUP | EPOLLHUP)) c->ended = true;
  if (c->rest != NULL) {
    if (!connection_flush(floor, c)) return false;
    if (c->rest != NULL) return true;
  }
  return !c->readable || connection_read(floor, c);
}

static int accept_turn(struct floor *floor) {
  const uint32_t events =
      floor->trigger == FLOOR_EDGE ? EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET : EPOLLIN;
  for (int i = 0; i < ACCEPTS_PER_TURN_MAX; i++) {
    int fd = accept4(floor->socket_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (would_block()) return 0;
      if (errno == ECONNABORTED || errno == EPROTO) continue;
      // Out of descriptors or memory: later measurements would be invalid.
      int error = errno;
      fprintf(stderr, "floor: accept4: %s\n", strerror(error));
      return -error;
    }
    struct connection *c = calloc(1, sizeof(*c));
    if (c == NULL) {
      close(fd);
      return -ENOMEM;
    }
    c->fd = fd;
    struct epoll_event event = {.events = events, .data = {.ptr = c}};
    if (epoll_ctl(floor->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
      int error = errno;
      fprintf(stderr, "floor: epoll_ctl: %s\n", strerror(error));
      connection_close(c);
      return -error;
    }
  }
  return 0;
}

int floor_stream_run(struct floor *floor) {
  struct epoll_event events[FLOOR_EVENTS_MAX];
  for (;;) {
    int count = epoll_wait(floor->epoll_fd, events, FLOOR_EVENTS_MAX, -1);
    if (count < 0 && errno != EINTR) return -errno;
    for (int i = 0; i < count; i++) {
      void *key = events[i].data.ptr;
      if (key == &floor->signal_fd) return 0;
      if (key == &floor->socket_fd) {
        int status = accept_turn(floor);
        if (status < 0) return status;
        continue;
      }
      // A connection has at most one event in a turn, so no later event refers to a closed one.
      struct connection *c = key;
      if (!connection_turn(floor, c, events[i].events)) connection_close(c);
    }
  }
}
