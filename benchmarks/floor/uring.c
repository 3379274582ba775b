// The io_uring loop: see floor.h. One accept and one recv for each connection run on in the kernel
// (multishot); the kernel takes receive buffers from a ring, and a send uses the buffer that the
// bytes arrived in.
//
// A connection has one send in flight, so that its bytes keep their order; received buffers queue
// until then. The buffer returns to the ring when its send has completed:
//
//   [ in the ring ] --recv--> [ queued ] --send--> [ in flight ] --completion--> [ in the ring ]
//
// A recv that finds no buffer ends. It starts again when a buffer returns.

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "benchmarks/floor/floor.h"

enum {
  RING_ENTRIES = 4096,
  BUFFERS = 1024,  // 64 are too few for 200 connections
  BUFFER_BYTES = 2048,
  GROUP = 0,
  DESCRIPTORS_MAX = 65536,
  NONE = 0xffff,
};

// user_data is a descriptor times KINDS, plus one of these.
enum { ON_ACCEPT, ON_SIGNAL, ON_RECV, ON_SEND, ON_CANCEL, KINDS };

struct connection {
  bool open;
  bool closing;    // closes after the queue is sent
  bool receiving;  // the recv is armed
  bool starved;    // is in the list of those whose recv found no buffer
  uint16_t first;  // queue of buffers; the first one is in flight. NONE: empty
  uint16_t last;
};

static struct loop {
  struct io_uring ring;
  struct io_uring_buf_ring *buffers;
  uint8_t *bytes;
  uint16_t next[BUFFERS];
  uint32_t size[BUFFERS];
  bool stopping;
  uint32_t starved_count;
  int starved[DESCRIPTORS_MAX];
  struct connection connections[DESCRIPTORS_MAX];  // by descriptor
} loop;

static struct io_uring_sqe *get_sqe(void) {
  struct io_uring_sqe *sqe = io_uring_get_sqe(&loop.ring);
  if (sqe != NULL) return sqe;
  io_uring_submit(&loop.ring);
  return io_uring_get_sqe(&loop.ring);
}

static void mark(struct io_uring_sqe *sqe, int fd, uint64_t kind) {
  io_uring_sqe_set_data64(sqe, (uint64_t)(uint32_t)fd * KINDS + kind);
}

static uint8_t *buffer_at(uint16_t id) { return loop.bytes + (size_t)id * BUFFER_BYTES; }

static void arm_recv(int fd) {
  struct io_uring_sqe *sqe = get_sqe();
  io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = GROUP;
  mark(sqe, fd, ON_RECV);
  loop.connections[fd].receiving = true;
}

static void send_first(int fd) {
  const uint16_t id = loop.connections[fd].first;
  struct io_uring_sqe *sqe = get_sqe();
  // With MSG_WAITALL the kernel continues a short send itself.
  io_uring_prep_send(sqe, fd, buffer_at(id), loop.size[id], MSG_NOSIGNAL | MSG_WAITALL);
  mark(sqe, fd, ON_SEND);
}

// Closes once neither a recv nor a send refers to the descriptor, and all bytes are sent.
static void close_if_idle(int fd) {
  struct connection *c = &loop.connections[fd];
  if (!c->open || !c->closing || c->receiving || c->starved || c->first != NONE) return;
  c->open = false;
  close(fd);
}

static void begin_close(int fd) {
  struct connection *c = &loop.connections[fd];
  // It ends the recv, if a send failed first.
  if (c->receiving) shutdown(fd, SHUT_RDWR);
  c->closing = true;
}

static void give_back(uint16_t id) {
  io_uring_buf_ring_add(loop.buffers, buffer_at(id), BUFFER_BYTES, id,
                        io_uring_buf_ring_mask(BUFFERS), 0);
  io_uring_buf_ring_advance(loop.buffers, 1);
  while (loop.starved_count > 0) {
    const int fd = loop.starved[--loop.starved_count];
    struct connection *c = &loop.connections[fd];
    c->starved = false;
    if (!c->closing) {
      arm_recv(fd);
      return;
    }
    close_if_idle(fd);
  }
}

// Returns whether the loop goes on.
static bool on_accept(const struct floor *floor, const struct io_uring_cqe *cqe) {
  const int fd = cqe->res;
  if (fd >= DESCRIPTORS_MAX) close(fd);
  if (fd >= 0 && fd < DESCRIPTORS_MAX) {
    loop.connections[fd] = (struct connection){.open = true, .first = NONE, .last = NONE};
    arm_recv(fd);
  }
  if (cqe->flags & IORING_CQE_F_MORE) return true;
  if (loop.stopping) return false;
  struct io_uring_sqe *sqe = get_sqe();
  io_uring_prep_multishot_accept(sqe, floor->socket_fd, NULL, NULL, SOCK_CLOEXEC);
  mark(sqe, 0, ON_ACCEPT);
  return true;
}

static void on_recv(int fd, const struct io_uring_cqe *cqe) {
  struct connection *c = &loop.connections[fd];
  if (!(cqe->flags & IORING_CQE_F_MORE)) c->receiving = false;
  if (cqe->res > 0) {
    const uint16_t id = (uint16_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
    loop.size[id] = (uint32_t)cqe->res;
    loop.next[id] = NONE;
    const bool idle = c->first == NONE;
    if (idle) c->first = id;
    if (!idle) loop.next[c->last] = id;
    c->last = id;
    if (idle) send_first(fd);
    if (!c->receiving && !c->closing) arm_recv(fd);
  } else if (cqe->res == -ENOBUFS && !c->closing) {
    c->starved = true;
    loop.starved[loop.starved_count++] = fd;
  } else {
    begin_close(fd);
  }
  close_if_idle(fd);
}

static void on_send(int fd, const struct io_uring_cqe *cqe) {
  struct connection *c = &loop.connections[fd];
  const uint16_t id = c->first;
  c->first = loop.next[id];
  give_back(id);
  if (cqe->res < 0) begin_close(fd);
  // After an error the kernel refuses the rest of the queue, which returns its buffers.
  if (c->first != NONE) send_first(fd);
  close_if_idle(fd);
}

static int open_ring(void) {
  struct io_uring_params params = {.flags = IORING_SETUP_SINGLE_ISSUER |
                                            IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CLAMP |
                                            IORING_SETUP_CQSIZE,
                                   .cq_entries = 4 * RING_ENTRIES};
  const int status = io_uring_queue_init_params(RING_ENTRIES, &loop.ring, &params);
  if (status < 0) return status;
  io_uring_register_ring_fd(&loop.ring);
  const size_t size = BUFFERS * sizeof(struct io_uring_buf);
  void *memory = mmap(NULL, size + (size_t)BUFFERS * BUFFER_BYTES, PROT_READ | PROT_WRITE,
                      MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
  if (memory == MAP_FAILED) return -errno;
  loop.buffers = memory;
  loop.bytes = (uint8_t *)memory + size;
  io_uring_buf_ring_init(loop.buffers);
  struct io_uring_buf_reg description = {
      .ring_addr = (uint64_t)(uintptr_t)memory, .ring_entries = BUFFERS, .bgid = GROUP};
  const int registered = io_uring_register_buf_ring(&loop.ring, &description, 0);
  if (registered < 0) return registered;
  for (uint16_t id = 0; id < BUFFERS; id++) give_back(id);
  return 0;
}

// The kernel releases a ring after the process has ended. An accept in the ring would keep the
// address in use until then, so the loop ends when the accept has.
static void begin_stop(void) {
  struct io_uring_sqe *sqe = get_sqe();
  io_uring_prep_cancel64(sqe, ON_ACCEPT, 0);
  mark(sqe, 0, ON_CANCEL);
  loop.stopping = true;
}

// Returns whether the loop goes on.
static bool handle(const struct floor *floor, const struct io_uring_cqe *cqe) {
  const int fd = (int)(cqe->user_data / KINDS);
  switch (cqe->user_data % KINDS) {
    case ON_ACCEPT:
      return on_accept(floor, cqe);
    case ON_RECV:
      on_recv(fd, cqe);
      return true;
    case ON_SEND:
      on_send(fd, cqe);
      return true;
    case ON_SIGNAL:
      begin_stop();
      return true;
    default:
      return true;  // of the cancellation itself
  }
}

int floor_uring_run(struct floor *floor) {
  int status = open_ring();
  if (status < 0) {
    fprintf(stderr, "floor: io_uring: %s\n", strerror(-status));
    return status;
  }
  struct io_uring_sqe *sqe = get_sqe();
  io_uring_prep_poll_add(sqe, floor->signal_fd, POLLIN);
  mark(sqe, 0, ON_SIGNAL);
  sqe = get_sqe();
  io_uring_prep_multishot_accept(sqe, floor->socket_fd, NULL, NULL, SOCK_CLOEXEC);
  mark(sqe, 0, ON_ACCEPT);
  for (bool more = true; more;) {
    status = io_uring_submit_and_wait(&loop.ring, 1);
    if (status < 0 && status != -EINTR) return status;
    struct io_uring_cqe *cqe = NULL;
    unsigned head = 0;
    unsigned count = 0;
    io_uring_for_each_cqe(&loop.ring, head, cqe) {
      more = handle(floor, cqe) && more;
      count++;
    }
    io_uring_cq_advance(&loop.ring, count);
  }
  io_uring_queue_exit(&loop.ring);
  return 0;
}
