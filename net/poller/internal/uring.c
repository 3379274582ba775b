// io_uring: the kernel completes, and this backend hands on what it completed. This file has the
// contract's functions; uring_submit.c puts operations on the queue, uring_receive.c,
// uring_accept.c and uring_complete.c say what their completions mean, uring_memory.c keeps what
// they receive into and send from; uring_state.h has the picture.
//
// One io_uring_enter(2) a turn submits everything and waits. What is sent from memory that this
// backend lent (received bytes, the scratch block) is sent by the kernel during that enter, and the
// memory is kept until it has completed; everything else is a plain send(2) or sendmsg(2).
//
// Needs Linux 6.1: IORING_SETUP_DEFER_TASKRUN; multishot recv and rings of buffers are older.
#include "net/poller/internal/uring.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "net/base/clock.h"
#include "net/poller/internal/fork.h"
#include "net/poller/internal/multicast.h"
#include "net/poller/internal/socket.h"
#include "net/poller/internal/uring_state.h"

static struct uring *uring_of(struct evnet_poller *poller) { return (struct uring *)poller; }

static struct slot *slot_of(struct uring *uring, struct evnet_handle handle) {
  return uring_slot_of(uring, handle);
}

static uint64_t uring_now_ns(struct evnet_poller *poller) {
  (void)poller;
  return evnet_clock_now_ns();
}

// Attaching and detaching

static int attach(struct uring *uring, int descriptor, enum evnet_transport transport,
                  uint16_t flags, struct evnet_handle *out_handle) {
  int status = descriptor_set_add(&uring->descriptors, uring->allocator, descriptor);
  if (status < 0) return status;
  struct slot *slot = slots_acquire(&uring->slots);
  if (slot == NULL) {
    descriptor_set_remove(&uring->descriptors, descriptor);
    return -ENOBUFS;
  }
  slot->descriptor = descriptor;
  slot->flags = flags;
  slot->transport = (uint32_t)transport & 3u;
  slot->in_flight = 0;
  slot->send = NULL;
  *out_handle = slot_handle(&uring->slots, slot);
  return 0;
}

// POLLED: for datagrams. HANGUP_TOLD: there is none to tell of.
static int attach_datagrams(struct uring *uring, int descriptor, const char **out_refused,
                            struct evnet_handle *out_handle) {
  int status = uring_create_datagrams(uring);
  if (status == 0) {
    status = evnet_datagrams_set_up_socket(uring->datagrams, descriptor, out_refused);
  }
  if (status < 0) return status;
  return attach(uring, descriptor, EVNET_TRANSPORT_UDP, POLLED | HANGUP_TOLD, out_handle);
}

static int uring_attach(struct evnet_poller *poller, int descriptor, enum evnet_transport transport,
                        struct evnet_handle *out_handle) {
  struct uring *uring = uring_of(poller);
  if (transport == EVNET_TRANSPORT_UDP)
    return attach_datagrams(uring, descriptor, NULL, out_handle);
  int status = attach(uring, descriptor, transport, 0, out_handle);
  if (status < 0) return status;
  evnet_socket_attach(descriptor);
  // Unless recv_start comes before the next wait, somebody has to notice a hang-up.
  uring_list(uring, &uring->starved, slot_of(uring, *out_handle));
  return 0;
}

static int uring_adopt(struct evnet_poller *poller, int descriptor,
                       const struct evnet_socket_kind *kind, struct evnet_handle *out_handle) {
  int status = evnet_socket_adopt(descriptor);
  if (status < 0) return status;
  if (kind->is_listener)
    return attach(uring_of(poller), descriptor, kind->transport, LISTENER, out_handle);
  status = uring_attach(poller, descriptor, kind->transport, out_handle);
  if (status == 0) slot_of(uring_of(poller), *out_handle)->duplicated = 1;
  return status;
}

static int uring_listen(struct evnet_poller *poller, const struct evnet_address *address,
                        const struct evnet_listen_options *options,
                        struct evnet_handle *out_handle) {
  struct uring *uring = uring_of(poller);
  int descriptor = evnet_socket_listen(address, options, &uring->unix_listeners);
  if (descriptor < 0) return descriptor;
  int status = address->transport == EVNET_TRANSPORT_UDP
                   ? attach_datagrams(uring, descriptor, options->out_refused, out_handle)
                   : attach(uring, descriptor, address->transport, LISTENER, out_handle);
  if (status < 0) {
    evnet_unix_release(&uring->unix_listeners, descriptor);
    (void)close(descriptor);
  }
  return status;
}

static void uring_detach(struct evnet_poller *poller, struct evnet_handle handle) {
  struct uring *uring = uring_of(poller);
  struct slot *slot = slot_of(uring, handle);
  if (slot->flags & LISTENER) evnet_unix_release(&uring->unix_listeners, slot->descriptor);
  if (slot->connect != SLOT_PLAIN) {
    slot->send = NULL;  // there is none: connect_status is in its place
    slot->connect = SLOT_PLAIN;
  } else if (slot->transport == EVNET_TRANSPORT_UDP) {
    evnet_datagrams_drop(uring->datagrams, handle);
  }
  slot->flags |= DETACHED;
  uring_cancel_unwanted(uring, slot);
  uring_check_finished(uring, slot);
}

static void uring_abort(struct evnet_poller *poller, struct evnet_handle handle) {
  const struct slot *slot = slot_of(uring_of(poller), handle);
  if (slot->descriptor >= 0) evnet_socket_reset(slot->descriptor, slot->duplicated);
  uring_detach(poller, handle);
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
  slot->flags |= POLLED;  // who was stopped may be again: then nothing is to stand in buffers
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
  // The caller has one send under way at most, until its SEND.
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
  EVNET_ASSERT(slot->send == NULL);
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

// Waiting

static bool has_work(const struct uring *uring) {
  return uring->held_wanted || !slot_list_is_empty(&uring->finished) ||
         io_uring_cq_ready(&uring->ring) > 0 || !slot_list_is_empty(&uring->starved);
}

// EBUSY, EAGAIN: the kernel wants completions to be taken first; they are there to be taken.
static bool passes(int status) {
  return status == -ETIME || status == -EINTR || status == -EBUSY || status == -EAGAIN;
}

static int uring_wait(struct evnet_poller *poller, int64_t timeout_ns) {
  struct uring *uring = uring_of(poller);
  EVNET_ASSERT(uring->held_left == 0 && uring->accepting == NULL);
  uring_end_leases(uring);
  uring_retry(uring);
  uring_arm_wake(uring);
  int status;
  if (timeout_ns == 0 || has_work(uring)) {
    status = io_uring_submit_and_get_events(&uring->ring);
  } else {
    struct io_uring_cqe *cqe;
    struct __kernel_timespec limit = {.tv_sec = timeout_ns / 1000000000,
                                      .tv_nsec = timeout_ns % 1000000000};
    status = io_uring_submit_and_wait_timeout(&uring->ring, &cqe, 1, timeout_ns < 0 ? NULL : &limit,
                                              NULL);
  }
  uring->turn++;
  uring_land_flights(uring);
  uring_change_arena(uring);
  uring->more = (status < 0 && status != -ETIME) || io_uring_cq_ready(&uring->ring) > 0;
  if (uring->lost) return -EBADR;
  if (status < 0 && !passes(status)) return status;
  uring_begin_held(uring);  // after an error nobody need call next before the next wait
  // It tells some twenty at a time (Linux 6.18), and all of them may be of cancels.
  return io_uring_cq_ready(&uring->ring) > 0;
}

// What the kernel has to report it works off first in, first out, some twenty operations an enter
// (io_run_local_work() of Linux), and a slot has at most OPERATIONS_PER_SLOT_MAX. One wait arms
// again what the last completions left unarmed, one reports what that found, and one what was held
// back.
static uint32_t uring_unreported(const struct evnet_poller *poller) {
  enum { OPERATIONS_PER_ENTER = 20, OPERATIONS_PER_SLOT_MAX = 4 };
  const struct uring *uring = (const struct uring *)poller;
  if (!uring->more && !has_work(uring)) return 0;
  return uring->slots.used * OPERATIONS_PER_SLOT_MAX / OPERATIONS_PER_ENTER + 3;
}

static void uring_wake(struct evnet_poller *poller) {
  int saved = errno;  // a signal handler calls this
  const uint64_t one = 1;
  ssize_t written = write(uring_of(poller)->wake_fd, &one, sizeof one);
  (void)written;  // fails only at 2^64 - 1 wakes
  errno = saved;
}

// Destroying

static bool is_anything_in_flight(const struct uring *uring) {
  if (uring->wake_armed) return true;
  for (uint32_t i = 0; i < uring->slots.used; i++) {
    if (uring->slots.table[i].in_flight > 0) return true;
  }
  return false;
}

static void reap(struct uring *uring) {
  uring_land_flights(uring);
  struct evnet_completion ignored;
  while (uring->flights_landed > 0) (void)uring_step_flight(uring, &ignored);
  uring_end_leases(uring);
  struct io_uring_cqe *cqe;
  while (io_uring_peek_cqe(&uring->ring, &cqe) == 0) {
    enum tag tag = uring_tag(cqe);
    bool last = !(cqe->flags & IORING_CQE_F_MORE);
    if (last && tag == TAG_WAKE) uring->wake_armed = false;
    if (last && tag != TAG_WAKE && tag != TAG_CANCEL && tag != TAG_SEND) {
      uring->slots.table[cqe->user_data & 0xffffff].in_flight--;
    }
    io_uring_cq_advance(&uring->ring, 1);
  }
}

// What is in flight keeps sockets open and uses memory that is about to go. Bounded, as nobody
// could be told of a kernel that does not answer. On another thread than the creator's the ring
// refuses (-EEXIST); that thread has ended by then, and the kernel cancels what an ending thread
// has in flight.
static void cancel_everything(struct uring *uring) {
  reap(uring);
  for (int tries = 0; tries < 100 && is_anything_in_flight(uring); tries++) {
    struct io_uring_sqe *sqe = uring_get_sqe(uring);
    if (sqe != NULL) {
      io_uring_prep_cancel64(sqe, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
      io_uring_sqe_set_data64(sqe, (uint64_t)TAG_CANCEL << 56);
    }
    struct io_uring_cqe *cqe;
    struct __kernel_timespec limit = {.tv_nsec = 10000000};
    int status = io_uring_submit_and_wait_timeout(&uring->ring, &cqe, 1, &limit, NULL);
    if (status < 0 && !passes(status)) return;
    reap(uring);
  }
}

static void uring_destroy(struct evnet_poller *poller) {
  struct uring *uring = uring_of(poller);
  if (uring->ring_open) {
    cancel_everything(uring);
    io_uring_queue_exit(&uring->ring);
    uring_note_closed_ring();
  }
  evnet_unix_release_all(&uring->unix_listeners);
  for (uint32_t i = 0; i < uring->slots.used; i++) {
    uring_close_descriptor(uring, &uring->slots.table[i]);
  }
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
  if (status == -EINVAL) return -ENOSYS;  // a flag that the kernel does not know
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
