// Echo over TCP and Unix streams; see modes.h. In the closed loop each connection keeps `depth`
// requests in flight. In the open loop (--rate) requests are due at equal intervals, and go to the
// connections in turn.
//
// Each request takes one recv and one send, as in the server, and one send carries all requests
// that follow the replies of one recv. The less CPU time the generator needs, the more the server
// gets of the two cores.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "benchmarks/load/dial.h"
#include "benchmarks/load/modes.h"
#include "benchmarks/load/pace.h"
#include "benchmarks/load/pattern.h"

enum { EVENTS_MAX = 256 };

struct stream_conn {
  int fd;
  bool awaits_room;  // EPOLLOUT is watched
  uint32_t index;
  uint32_t in_flight;      // requests without a complete reply
  uint32_t oldest;         // index in sent_ns of the request whose reply is next
  uint32_t send_place;     // position in the pattern
  uint32_t receive_place;  // position in the pattern
  uint64_t unsent_bytes;
  uint64_t reply_bytes;  // received bytes of an incomplete reply
  uint64_t received_bytes;
  uint64_t *sent_ns;  // ring of depth
};

static struct stream {
  struct run *run;
  const struct load_options *options;
  int epoll_fd;
  uint64_t in_flight;  // over all connections

  struct pace pace;
  uint32_t next_index;  // open loop: of the connection whose turn it is

  struct stream_conn *conns;
  uint64_t *sent_ns;  // memory of all connections' rings
  uint8_t buffer[PATTERN_CHUNK_MAX];
} stream;

static int watch(struct stream *s, struct stream_conn *c, int op) {
  struct epoll_event event = {.events = c->awaits_room ? EPOLLIN | EPOLLOUT : EPOLLIN,
                              .data = {.ptr = c}};
  if (epoll_ctl(s->epoll_fd, op, c->fd, &event) == 0) return 0;
  return run_fail("epoll_ctl: %s", strerror(errno));
}

static int send_rest(struct stream *s, struct stream_conn *c) {
  bool full = false;
  while (c->unsent_bytes > 0 && !full) {
    size_t size = c->unsent_bytes < PATTERN_CHUNK_MAX ? (size_t)c->unsent_bytes : PATTERN_CHUNK_MAX;
    ssize_t sent = send(c->fd, pattern_at(c->send_place), size, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno != EAGAIN && errno != EINTR) {
        return run_fail("connection %u: send: %s", c->index, strerror(errno));
      }
      sent = 0;
    }
    c->unsent_bytes -= (uint64_t)sent;
    c->send_place = pattern_skip(c->send_place, (size_t)sent);
    full = (size_t)sent < size;
  }
  if (full == c->awaits_room) return 0;
  c->awaits_room = full;
  return watch(s, c, EPOLL_CTL_MOD);
}

// Sends `count` requests whose latency counts from since_ns.
static int issue(struct stream *s, struct stream_conn *c, uint32_t count, uint64_t since_ns) {
  uint32_t depth = s->options->depth;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t slot = c->oldest + c->in_flight;
    c->sent_ns[slot < depth ? slot : slot - depth] = since_ns;
    c->in_flight++;
  }
  s->in_flight += count;
  c->unsent_bytes += (uint64_t)count * s->options->payload_bytes;
  return send_rest(s, c);
}

// Sends the requests that are due, as far as connections have room.
static int issue_due(struct stream *s, uint64_t now_ns) {
  const uint32_t count = s->options->connections;
  uint32_t full = 0;  // connections without room, in a row
  while (full < count && pace_due_ns(&s->pace) <= now_ns) {
    struct stream_conn *c = &s->conns[s->next_index];
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

static int check(struct stream *s, struct stream_conn *c, size_t size) {
  uint64_t owed_bytes =
      (uint64_t)c->in_flight * s->options->payload_bytes - c->reply_bytes - c->unsent_bytes;
  ptrdiff_t wrong = pattern_mismatch(c->receive_place, s->buffer, size);
  if (wrong >= 0) {
    return run_fail("connection %u: byte %llu of the stream is 0x%02x instead of 0x%02x", c->index,
                    (unsigned long long)(c->received_bytes + (uint64_t)wrong), s->buffer[wrong],
                    pattern_at(c->receive_place)[wrong]);
  }
  if (size > owed_bytes) {
    return run_fail("connection %u: received %llu bytes that were not sent yet", c->index,
                    (unsigned long long)(size - owed_bytes));
  }
  c->receive_place = pattern_skip(c->receive_place, size);
  c->received_bytes += size;
  return 0;
}

static int receive(struct stream *s, struct stream_conn *c) {
  ssize_t got = recv(c->fd, s->buffer, sizeof(s->buffer), 0);
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) return 0;
    return run_fail("connection %u: recv: %s", c->index, strerror(errno));
  }
  if (got == 0) {
    return run_fail("connection %u: closed by the server after %llu bytes", c->index,
                    (unsigned long long)c->received_bytes);
  }
  if (check(s, c, (size_t)got) < 0) return -1;
  uint64_t now_ns = run_now_ns();
  s->run->progress_ns = now_ns;
  c->reply_bytes += (uint64_t)got;
  uint32_t replies = 0;
  while (c->reply_bytes >= s->options->payload_bytes) {
    c->reply_bytes -= s->options->payload_bytes;
    if (run_reply(s->run, now_ns, c->sent_ns[c->oldest]) < 0) return -1;
    c->oldest = c->oldest + 1 < s->options->depth ? c->oldest + 1 : 0;
    c->in_flight--;
    replies++;
  }
  s->in_flight -= replies;
  if (replies == 0 || !run_is_issuing(s->run) || s->options->rate != 0) return 0;
  return issue(s, c, replies, now_ns);
}

// Connects and watches all sockets; `fds` receives their descriptors. After an error the process
// exits, which closes them.
static int connect_all(struct stream *s, int *fds) {
  const uint32_t count = s->options->connections;
  if (dial_all(&s->options->address, count, fds) < 0) return -1;
  s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (s->epoll_fd < 0) return run_fail("epoll_create1: %s", strerror(errno));
  for (uint32_t i = 0; i < count; i++) {
    struct stream_conn *c = &s->conns[i];
    c->fd = fds[i];
    c->index = i;
    c->send_place = c->receive_place = pattern_start(i);
    c->sent_ns = s->sent_ns + (size_t)i * s->options->depth;
    if (watch(s, c, EPOLL_CTL_ADD) < 0) return -1;
  }
  return 0;
}

static int stream_open(struct run *run, const struct load_options *options) {
  struct stream *s = &stream;
  s->run = run;
  s->options = options;
  const uint32_t count = options->connections;
  int *fds = calloc(count, sizeof(*fds));
  s->conns = calloc(count, sizeof(*s->conns));
  s->sent_ns = calloc((size_t)count * s->options->depth, sizeof(*s->sent_ns));
  int status = fds != NULL && s->conns != NULL && s->sent_ns != NULL ? connect_all(s, fds)
                                                                     : run_fail("out of memory");
  free(fds);
  return status;
}

static void stream_close(void) {
  struct stream *s = &stream;
  for (uint32_t i = 0; i < s->options->connections; i++) close(s->conns[i].fd);
  close(s->epoll_fd);
  free(s->conns);
  free(s->sent_ns);
}

// Sends the first requests.
static int begin(struct stream *s) {
  pace_start(&s->pace, s->options->rate, run_now_ns());
  if (s->options->rate != 0) return issue_due(s, s->pace.begin_ns);
  for (uint32_t i = 0; i < s->options->connections; i++) {
    if (issue(s, &s->conns[i], s->options->depth, run_now_ns()) < 0) return -1;
  }
  return 0;
}

static int stream_run(void) {
  struct stream *s = &stream;
  if (begin(s) < 0) return -1;
  struct epoll_event events[EVENTS_MAX];
  int wait_ms = 0;
  while (run_is_issuing(s->run) || s->in_flight > 0) {
    int count = pace_wait(&s->pace, s->run, s->epoll_fd, events, EVENTS_MAX, wait_ms);
    if (count < 0 && errno != EINTR) return run_fail("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < count; i++) {
      struct stream_conn *c = events[i].data.ptr;
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

const struct load_driver stream_driver = {
    .open = stream_open,
    .run = stream_run,
    .close = stream_close,
};
