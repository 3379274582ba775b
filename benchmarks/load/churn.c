// Connects, makes one request and closes, repeatedly, on `connections` slots; see modes.h.
//
//   [ free ] --dial--> [ sending ] --all sent--> [ receiving ] --all came--> close, [ free ]
//       ^                                                                              |
//       '------------------------------------------------------------------------------'
//
// The client closes first and has read everything. So each connection ends by FIN on both sides,
// and TIME_WAIT is on the client's side. The 16 source addresses 127.0.0.1 to 127.0.0.16 provide
// enough ports.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "benchmarks/load/dial.h"
#include "benchmarks/load/modes.h"
#include "benchmarks/load/pattern.h"

enum {
  EVENTS_MAX = 256,
  SOURCES = 16,
};

struct churn_slot {
  int fd;               // -1: free
  uint32_t place;       // position of the request's first byte in the pattern
  uint32_t sent_bytes;  // of the request
  uint32_t replied_bytes;
  uint64_t begin_ns;
};

static struct churn {
  struct run *run;
  const struct load_options *options;
  int epoll_fd;
  uint64_t serial;  // number of connections begun
  uint32_t used;    // slots that are not free
  struct churn_slot *slots;
  uint8_t buffer[PATTERN_CHUNK_MAX];
} churn_state;

static int send_rest(struct churn *churn, struct churn_slot *slot) {
  const uint32_t payload_bytes = churn->options->payload_bytes;
  while (slot->sent_bytes < payload_bytes) {
    uint32_t size = payload_bytes - slot->sent_bytes;
    if (size > PATTERN_CHUNK_MAX) size = PATTERN_CHUNK_MAX;
    const uint8_t *data = pattern_at(pattern_skip(slot->place, slot->sent_bytes));
    ssize_t sent = send(slot->fd, data, size, MSG_NOSIGNAL);
    if (sent < 0) {
      // EAGAIN also means that the connect is in progress.
      if (errno == EAGAIN || errno == EINTR) return 0;
      return run_fail("connect or send: %s", strerror(errno));
    }
    slot->sent_bytes += (uint32_t)sent;
  }
  return 0;
}

static int watch(struct churn *churn, struct churn_slot *slot, int op) {
  bool unsent = slot->sent_bytes < churn->options->payload_bytes;
  struct epoll_event event = {.events = unsent ? EPOLLIN | EPOLLOUT : EPOLLIN,
                              .data = {.ptr = slot}};
  if (epoll_ctl(churn->epoll_fd, op, slot->fd, &event) == 0) return 0;
  return run_fail("epoll_ctl: %s", strerror(errno));
}

static int slot_begin(struct churn *churn, struct churn_slot *slot) {
  slot->begin_ns = run_now_ns();
  slot->fd = dial_begin(&churn->options->address, 1 + (uint32_t)(churn->serial % SOURCES));
  if (slot->fd == -EAGAIN && churn->options->address.kind == BENCH_ADDRESS_UNIX) {
    slot->fd = -1;  // the backlog is full: the loop retries
    return 0;
  }
  if (slot->fd < 0) return run_fail("connect: %s", strerror(-slot->fd));
  slot->place = pattern_start(churn->serial++);
  slot->sent_bytes = 0;
  slot->replied_bytes = 0;
  churn->used++;
  // Over loopback TCP, connect completes the handshake, so the request is sent immediately.
  return send_rest(churn, slot) < 0 ? -1 : watch(churn, slot, EPOLL_CTL_ADD);
}

static int slot_end(struct churn *churn, struct churn_slot *slot) {
  close(slot->fd);
  slot->fd = -1;
  churn->used--;
  if (run_reply(churn->run, run_now_ns(), slot->begin_ns) < 0) return -1;
  return run_is_issuing(churn->run) ? slot_begin(churn, slot) : 0;
}

static int receive(struct churn *churn, struct churn_slot *slot) {
  ssize_t got = recv(slot->fd, churn->buffer, sizeof(churn->buffer), 0);
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) return 0;
    return run_fail("recv: %s", strerror(errno));
  }
  if (got == 0) return run_fail("the server closed the connection before it replied");
  if ((size_t)got > slot->sent_bytes - slot->replied_bytes) {
    return run_fail("the server sent more bytes than it received");
  }
  ptrdiff_t wrong =
      pattern_mismatch(pattern_skip(slot->place, slot->replied_bytes), churn->buffer, (size_t)got);
  if (wrong >= 0) {
    return run_fail("byte %zu of a reply differs from the request",
                    slot->replied_bytes + (size_t)wrong);
  }
  churn->run->progress_ns = run_now_ns();
  slot->replied_bytes += (uint32_t)got;
  return slot->replied_bytes == churn->options->payload_bytes ? slot_end(churn, slot) : 0;
}

static int slot_turn(struct churn *churn, struct churn_slot *slot, uint32_t events) {
  if (events & EPOLLOUT) {
    if (send_rest(churn, slot) < 0) return -1;
    if (slot->sent_bytes == churn->options->payload_bytes &&
        watch(churn, slot, EPOLL_CTL_MOD) < 0) {
      return -1;
    }
  }
  return events & ~(uint32_t)EPOLLOUT ? receive(churn, slot) : 0;
}

static int begin_free_slots(struct churn *churn) {
  for (uint32_t i = 0; i < churn->options->connections; i++) {
    if (churn->slots[i].fd < 0 && slot_begin(churn, &churn->slots[i]) < 0) return -1;
  }
  return 0;
}

static int churn_run(void) {
  struct churn *churn = &churn_state;
  struct epoll_event events[EVENTS_MAX];
  int wait_ms = 0;
  while (run_is_issuing(churn->run) || churn->used > 0) {
    if (run_is_issuing(churn->run) && churn->used < churn->options->connections) {
      if (begin_free_slots(churn) < 0) return -1;
      wait_ms = 1;
    }
    int count = epoll_wait(churn->epoll_fd, events, EVENTS_MAX, wait_ms);
    if (count < 0 && errno != EINTR) return run_fail("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < count; i++) {
      if (slot_turn(churn, events[i].data.ptr, events[i].events) < 0) return -1;
    }
    if (run_turn(churn->run, run_now_ns(), &wait_ms) < 0) return -1;
  }
  return 0;
}

static int churn_open(struct run *run, const struct load_options *options) {
  struct churn *churn = &churn_state;
  churn->run = run;
  churn->options = options;
  churn->slots = calloc(options->connections, sizeof(*churn->slots));
  if (churn->slots == NULL) return run_fail("out of memory");
  for (uint32_t i = 0; i < options->connections; i++) churn->slots[i].fd = -1;
  churn->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  return churn->epoll_fd < 0 ? run_fail("epoll_create1: %s", strerror(errno)) : 0;
}

static void churn_close(void) {
  close(churn_state.epoll_fd);
  free(churn_state.slots);
}

const struct load_driver churn_driver = {
    .open = churn_open,
    .run = churn_run,
    .close = churn_close,
};
