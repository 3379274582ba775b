// The io_uring backend: the kernel completes operations, and this backend reports the completions.
// This file has the short functions of the contract, and create and destroy.
//
//   uring_submit.c    puts operations on the queue
//   uring_receive.c, uring_accept.c, uring_connect.c, uring_complete.c
//                     translate their completions
//   uring_memory.c    keeps the memory that operations receive into and send from
//   uring_attach.c    attaches and detaches
//   uring_watch.c     watches descriptors of others
//   uring_loop.c      has the descriptor for another event loop
//   uring_wait.c      enters the kernel
//   uring_state.h     shows the states of an operation
//
// docs/io_uring.md gives the reasons.
//
// One io_uring_enter(2) in each turn submits all operations and waits. The kernel sends from memory
// that this backend lent (received bytes, the scratch block) during that enter, and the memory is
// kept until the send has completed. Everything else is sent by send(2) or sendmsg(2).
//
// Needs Linux 6.1 for IORING_SETUP_DEFER_TASKRUN; multishot recv and buffer rings are older.
#include "net/poller/internal/uring.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "net/base/clock.h"
#include "net/poller/internal/fork.h"
#include "net/poller/internal/multicast.h"
#include "net/poller/internal/socket.h"
#include "net/poller/internal/socket_address.h"
#include "net/poller/internal/socket_listen.h"
#include "net/poller/internal/socket_options.h"
#include "net/poller/internal/uring_accept.h"
#include "net/poller/internal/uring_attach.h"
#include "net/poller/internal/uring_complete.h"
#include "net/poller/internal/uring_connect.h"
#include "net/poller/internal/uring_limit.h"
#include "net/poller/internal/uring_loop.h"
#include "net/poller/internal/uring_memory.h"
#include "net/poller/internal/uring_slot.h"
#include "net/poller/internal/uring_submit.h"
#include "net/poller/internal/uring_wait.h"
#include "net/poller/internal/uring_watch.h"

static struct uring *uring_of(struct evnet_poller *poller) { return (struct uring *)poller; }

static struct slot *slot_of(struct uring *uring, struct evnet_handle handle) {
  return uring_slot_of(uring, handle);
}

static uint64_t uring_now_ns(struct evnet_poller *poller) {
  (void)poller;
  return evnet_clock_now_ns();
}

// Accepting and receiving

static void uring_accept_start(struct evnet_poller *poller, struct evnet_handle handle) {
  struct uring *uring = uring_of(poller);
  struct slot *slot = slot_of(uring, handle);
  slot->flags |= ACCEPT_ON;
  uring_arm_accept(uring, slot);
}

static void uring_accept_stop(struct evnet_poller *poller, struct evnet_handle handle) {
  struct uring *uring = uring_of(poller);
  struct slot *slot = slot_of(uring, handle);
  slot->flags &= (uint16_t)~ACCEPT_ON;
  uring_cancel_unwanted(uring, slot);
}

static void uring_recv_start(struct evnet_poller *poller, struct evnet_handle handle) {
  struct uring *uring = uring_of(poller);
  struct slot *slot = slot_of(uring, handle);
  slot->flags |= RECV_ON;
  if (slot->held > 0) uring->held_wanted = true;
  uring_arm_recv(uring, slot);
}

static void uring_recv_stop(struct evnet_poller *poller, struct evnet_handle handle) {
  struct uring *uring = uring_of(poller);
  struct slot *slot = slot_of(uring, handle);
  slot->flags &= (uint16_t)~RECV_ON;
  uring_cancel_unwanted(uring, slot);
  // A socket that was stopped may be stopped again; then no bytes should be left in buffers.
  slot->flags |= POLLED;
  uring_arm_hangup(uring, slot);
}

// Sending

static bool launch(struct uring *uring, struct slot *slot, const struct iovec *piece) {
  lender_t lender = uring_lender_of(uring, piece);
  if (lender == LENDER_NONE || !uring_arm_send(uring, slot, piece, lender)) return false;
  uring_lend(uring, piece, lender);
  return true;
}

static int64_t uring_send(struct evnet_poller *poller, struct evnet_handle handle,
                          const struct iovec *pieces, size_t count) {
  struct uring *uring = uring_of(poller);
  struct slot *slot = slot_of(uring, handle);
  EVNET_ASSERT(slot->send == NULL);
  if (count == 1 && pieces->iov_len > 0 && launch(uring, slot, pieces)) return -EINPROGRESS;
  int64_t sent = evnet_socket_send(slot->descriptor, pieces, count);
  return sent == -EAGAIN ? 0 : sent;
}

static size_t uring_sending_bytes(struct evnet_poller *poller, struct evnet_handle handle) {
  const struct slot *slot = slot_of(uring_of(poller), handle);
  return (slot->flags & FLYING) ? slot->flight->size : 0;
}

static void uring_send_start(struct evnet_poller *poller, struct evnet_handle handle,
                             const struct evnet_send *send) {
  struct uring *uring = uring_of(poller);
  struct slot *slot = slot_of(uring, handle);
  // The caller has at most one send_start in progress, until its SEND.
  EVNET_ASSERT(slot->send == NULL);
  slot->send = send;
  uring_arm_out(uring, slot);
}

static int64_t uring_send_datagrams(struct evnet_poller *poller, struct evnet_handle handle,
                                    const struct evnet_datagram *datagrams, size_t count) {
  struct uring *uring = uring_of(poller);
  const struct slot *slot = slot_of(uring, handle);
  int64_t sent = evnet_datagrams_send(uring->datagrams, slot->descriptor, handle, datagrams, count);
  return sent == -EAGAIN ? 0 : sent;
}

static void uring_await_room(struct evnet_poller *poller, struct evnet_handle handle) {
  uring_send_start(poller, handle, &evnet_datagrams_room);
}

static uint8_t *uring_scratch(struct evnet_poller *poller) {
  return uring_scratch_block(uring_of(poller));
}

static int uring_shutdown_write(struct evnet_poller *poller, struct evnet_handle handle) {
  const struct slot *slot = slot_of(uring_of(poller), handle);
  EVNET_ASSERT(slot->send == NULL || slot->send == &evnet_datagrams_room);
  return evnet_socket_shutdown_write(slot->descriptor);
}

static int uring_local_address(struct evnet_poller *poller, struct evnet_handle handle,
                               struct evnet_address *out_address) {
  const struct slot *slot = slot_of(uring_of(poller), handle);
  return evnet_socket_local_address(slot->descriptor, (enum evnet_transport)slot->transport,
                                    out_address);
}

static int uring_remote_address(struct evnet_poller *poller, struct evnet_handle handle,
                                struct evnet_address *out_address) {
  const struct slot *slot = slot_of(uring_of(poller), handle);
  return evnet_socket_remote_address(slot->descriptor, (enum evnet_transport)slot->transport,
                                     out_address);
}

static int uring_peer_credentials(struct evnet_poller *poller, struct evnet_handle handle,
                                  struct evnet_credentials *out_credentials) {
  const struct slot *slot = slot_of(uring_of(poller), handle);
  return evnet_socket_peer_credentials(slot->descriptor, (enum evnet_transport)slot->transport,
                                       out_credentials);
}

static int uring_tcp_info(struct evnet_poller *poller, struct evnet_handle handle,
                          struct evnet_tcp_info *out_info) {
  const struct slot *slot = slot_of(uring_of(poller), handle);
  return evnet_socket_tcp_info(slot->descriptor, (enum evnet_transport)slot->transport, out_info);
}

static int64_t uring_unacked_bytes(struct evnet_poller *poller, struct evnet_handle handle) {
  const struct slot *slot = slot_of(uring_of(poller), handle);
  return evnet_socket_unacked_bytes(slot->descriptor, (enum evnet_transport)slot->transport);
}

static int uring_set_option(struct evnet_poller *poller, struct evnet_handle handle,
                            enum evnet_socket_option option, int value) {
  const struct slot *slot = slot_of(uring_of(poller), handle);
  return evnet_socket_set_option(slot->descriptor, (enum evnet_transport)slot->transport, option,
                                 value);
}

static int uring_set_multicast(struct evnet_poller *poller, struct evnet_handle handle,
                               const struct evnet_multicast *setting) {
  const struct slot *slot = slot_of(uring_of(poller), handle);
  return evnet_multicast_set(slot->descriptor, (enum evnet_transport)slot->transport, setting);
}

static bool uring_has_family(const struct evnet_poller *poller, int family) {
  (void)poller;
  return evnet_socket_has_family(family);
}

static bool uring_spreads_port(const struct evnet_poller *poller) {
  (void)poller;
  return evnet_socket_spreads_port();
}

static int uring_descriptor(struct evnet_poller *poller, struct evnet_handle handle) {
  const struct slot *slot = slot_of(uring_of(poller), handle);
  return slot->descriptor >= 0 ? slot->descriptor : -EBADF;
}

static int uring_duplicate(struct evnet_poller *poller, struct evnet_handle handle) {
  struct slot *slot = slot_of(uring_of(poller), handle);
  int duplicate = evnet_socket_duplicate(slot->descriptor);
  if (duplicate >= 0) slot->duplicated = 1;
  return duplicate;
}

static void uring_wake(struct evnet_poller *poller) {
  int saved = errno;  // a signal handler calls this
  const uint64_t one = 1;
  ssize_t written = write(uring_of(poller)->wake_fd, &one, sizeof one);
  (void)written;  // fails only after 2^64 - 1 wakes
  errno = saved;
}

// Destroying

static void uring_destroy(struct evnet_poller *poller) {
  struct uring *uring = uring_of(poller);
  if (uring->ring_open) {
    uring_cancel_everything(uring);
    io_uring_queue_exit(&uring->ring);
    uring_note_closed_ring();
  }
  evnet_unix_release_all(&uring->unix_listeners);
  for (uint32_t i = 0; i < uring->slots.used; i++) {
    uring_close_descriptor(uring, &uring->slots.table[i]);
  }
  uring_loop_close(uring);
  uring_watch_deinit(uring);
  if (uring->wake_fd >= 0) (void)close(uring->wake_fd);
  uring_memory_close(uring);
  evnet_datagrams_destroy(uring->datagrams);
  descriptor_set_deinit(&uring->descriptors, uring->allocator);
  slots_deinit(&uring->slots);
  evnet_release(uring->allocator, uring);
}

// Creating

static const struct evnet_poller_ops uring_ops = {
    .destroy = uring_destroy,
    .now_ns = uring_now_ns,
    .listen = uring_listen,
    .attach = uring_attach,
    .identify = evnet_socket_identify,
    .adopt = uring_adopt,
    .reserve = uring_reserve,
    .connect = uring_connect,
    .connect_stop = uring_connect_stop,
    .connect_move = uring_connect_move,
    .discard_descriptor = uring_discard_descriptor,
    .detach = uring_detach,
    .abort = uring_abort,
    .accept_start = uring_accept_start,
    .accept_stop = uring_accept_stop,
    .accept = uring_accept,
    .recv_start = uring_recv_start,
    .recv_stop = uring_recv_stop,
    .send = uring_send,
    .sending_bytes = uring_sending_bytes,
    .send_start = uring_send_start,
    .send_datagrams = uring_send_datagrams,
    .await_room = uring_await_room,
    .scratch = uring_scratch,
    .shutdown_write = uring_shutdown_write,
    .local_address = uring_local_address,
    .remote_address = uring_remote_address,
    .peer_credentials = uring_peer_credentials,
    .tcp_info = uring_tcp_info,
    .unacked_bytes = uring_unacked_bytes,
    .set_option = uring_set_option,
    .set_multicast = uring_set_multicast,
    .descriptor = uring_descriptor,
    .duplicate = uring_duplicate,
    .spreads_port = uring_spreads_port,
    .has_family = uring_has_family,
    .watch = uring_watch,
    .watch_change = uring_watch_change,
    .watch_stop = uring_watch_stop,
    .loop_descriptor = uring_loop_descriptor,
    .settle = uring_settle,
    .wait = uring_wait,
    .next = uring_next,
    .unreported = uring_unreported,
    .wake = uring_wake,
};

static int open_ring(struct uring *uring) {
  int status;
  int tries = 0;
  do {
    struct io_uring_params params = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE |
                 IORING_SETUP_SUBMIT_ALL,
        .cq_entries = COMPLETIONS,
    };
    status = io_uring_queue_init_params(SUBMISSIONS, &uring->ring, &params);
  } while (uring_wait_for_memory(status, &tries));
  if (status == -EINVAL) return -ENOSYS;  // the kernel does not know a flag
  if (status < 0) return status;
  uring->ring_open = true;
  return 0;
}

static int open_parts(struct uring *uring, const struct evnet_poller_options *options) {
  int status = open_ring(uring);
  if (status < 0) return status;
  status = slots_init(&uring->slots, options->handles_max);
  if (status < 0) return status;
  uring->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (uring->wake_fd < 0) return -errno;
  return uring_memory_open(uring, options->recv_bytes_max);
}

int evnet_uring_create(const struct evnet_poller_options *options,
                       struct evnet_poller **out_poller) {
  evnet_fork_watch();
  struct uring *uring = evnet_allocate_zeroed(options->allocator, sizeof *uring);
  if (uring == NULL) return -ENOMEM;
  uring->poller.ops = &uring_ops;
  uring->poller.name = "io_uring";
  uring->allocator = options->allocator;
  uring->unix_listeners.allocator = options->allocator;
  uring->recv_bytes = options->recv_bytes_max;
  evnet_datagram_options_init(&uring->datagram_options, options);
  uring->wake_fd = -1;
  uring->lease = uring->landed = LENDER_NONE;
  slot_list_init(&uring->finished);
  slot_list_init(&uring->starved);
  int status = descriptor_set_init(&uring->descriptors, options->allocator);
  if (status == 0) status = open_parts(uring, options);
  if (status < 0) {
    uring_destroy(&uring->poller);
    return status;
  }
  *out_poller = &uring->poller;
  return 0;
}
