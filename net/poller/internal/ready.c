// Turns readiness into completions, for both epoll and kqueue. It decides what a short read proves,
// how EOF is found after the data that precedes it, what a blocked send waits for, and how
// accepting pauses. It depends neither on the reactor nor on the kernel that reports the edges.
//
// ready_state.h shows the states of a slot. ready_slot.c manages its descriptor, ready_turn.c runs
// the turn, and ready_connect.c makes outgoing connections. This file has the other functions of
// the contract, which docs/poller.md explains.
#include <errno.h>
#include <unistd.h>

#include "net/base/assert.h"
#include "net/base/clock.h"
#include "net/poller/internal/datagram.h"
#include "net/poller/internal/fork.h"
#include "net/poller/internal/multicast.h"
#include "net/poller/internal/ready_connect.h"
#include "net/poller/internal/ready_slot.h"
#include "net/poller/internal/ready_splice.h"
#include "net/poller/internal/ready_state.h"
#include "net/poller/internal/ready_turn.h"
#include "net/poller/internal/ready_watch.h"
#include "net/poller/internal/socket.h"
#include "net/poller/internal/socket_address.h"
#include "net/poller/internal/socket_listen.h"
#include "net/poller/internal/socket_options.h"

static int slot_open(struct ready *ready, int descriptor, enum evnet_transport transport,
                     uint16_t flags, struct evnet_handle *out_handle) {
  struct slot *slot = slots_acquire(&ready->slots);
  if (slot == NULL) return -ENOBUFS;
  slot->flags = flags;
  slot->transport = (uint32_t)transport & 3u;
  const uint32_t interest = (flags & LISTENER) ? EVNET_READY_IN : ready_interest(ready, slot);
  int status = ready_register(ready, slot, descriptor, interest);
  if (status < 0) {
    slots_release(&ready->slots, slot);
    return status;
  }
  slot->descriptor = descriptor;
  slot->send = NULL;
  *out_handle = slot_handle(&ready->slots, slot);
  return 0;
}

static uint64_t ready_now_ns(struct evnet_poller *poller) {
  (void)poller;
  return evnet_clock_now_ns();
}

static int open_datagrams(struct ready *ready, int descriptor, const char **out_refused,
                          struct evnet_handle *out_handle) {
  int status = ready_create_datagrams(ready);
  if (status == 0) {
    status = evnet_datagrams_set_up_socket(ready->datagrams, descriptor, out_refused);
  }
  if (status < 0) return status;
  return slot_open(ready, descriptor, EVNET_TRANSPORT_UDP, WRITABLE, out_handle);
}

static int ready_listen(struct evnet_poller *poller, const struct evnet_address *address,
                        const struct evnet_listen_options *options,
                        struct evnet_handle *out_handle) {
  struct ready *ready = ready_of(poller);
  int descriptor = evnet_socket_listen(address, options, &ready->unix_listeners);
  if (descriptor < 0) return descriptor;
  int status = address->transport == EVNET_TRANSPORT_UDP
                   ? open_datagrams(ready, descriptor, options->out_refused, out_handle)
                   : slot_open(ready, descriptor, address->transport, LISTENER, out_handle);
  if (status < 0) {
    evnet_unix_release(&ready->unix_listeners, descriptor);
    (void)close(descriptor);
  }
  return status;
}

static int ready_attach(struct evnet_poller *poller, int descriptor, enum evnet_transport transport,
                        struct evnet_handle *out_handle) {
  if (transport == EVNET_TRANSPORT_UDP)
    return open_datagrams(ready_of(poller), descriptor, NULL, out_handle);
  evnet_socket_attach(descriptor);
  return slot_open(ready_of(poller), descriptor, transport, WRITABLE, out_handle);
}

static int ready_adopt(struct evnet_poller *poller, int descriptor,
                       const struct evnet_socket_kind *kind, struct evnet_handle *out_handle) {
  int status = evnet_socket_adopt(descriptor, kind);
  if (status < 0) return status;
  if (kind->is_listener)
    return slot_open(ready_of(poller), descriptor, kind->transport, LISTENER, out_handle);
  status = ready_attach(poller, descriptor, kind->transport, out_handle);
  if (status == 0) slot_of(ready_of(poller), *out_handle)->duplicated = 1;
  return status;
}

static void ready_discard_descriptor(struct evnet_poller *poller, int descriptor) {
  (void)poller;
  evnet_socket_reset(descriptor, false);
  evnet_socket_close(descriptor, true, false);
}

static void ready_detach(struct evnet_poller *poller, struct evnet_handle handle) {
  struct ready *ready = ready_of(poller);
  struct slot *slot = slot_of(ready, handle);
  if (slot->connect != SLOT_PLAIN) {
    // There is no send, because connect_status is in its place.
    slot->send = NULL;
    slot->connect = SLOT_PLAIN;
  } else if (slot->transport == EVNET_TRANSPORT_UDP) {
    evnet_datagrams_drop(ready->datagrams, handle);
  }
  if (slot->flags & LISTENER) evnet_unix_release(&ready->unix_listeners, slot->descriptor);
  ready_close_descriptor(ready, slot);
  slot->flags |= DETACHED;
  enqueue(ready, &ready->now, slot);
}

static void ready_abort(struct evnet_poller *poller, struct evnet_handle handle) {
  const struct slot *slot = slot_of(ready_of(poller), handle);
  if (slot->descriptor >= 0) evnet_socket_reset(slot->descriptor, slot->duplicated);
  ready_detach(poller, handle);
}

static void ready_accept_start(struct evnet_poller *poller, struct evnet_handle handle) {
  struct ready *ready = ready_of(poller);
  struct slot *slot = slot_of(ready, handle);
  slot->flags |= ACCEPT_ON;
  if (slot->flags & READABLE) enqueue(ready, &ready->later, slot);
}

static void ready_accept_stop(struct evnet_poller *poller, struct evnet_handle handle) {
  slot_of(ready_of(poller), handle)->flags &= (uint16_t)~ACCEPT_ON;
}

static void ready_recv_start(struct evnet_poller *poller, struct evnet_handle handle) {
  struct ready *ready = ready_of(poller);
  struct slot *slot = slot_of(ready, handle);
  slot->flags |= RECV_ON;
  if (slot->flags & READABLE) enqueue(ready, &ready->later, slot);
}

static void ready_recv_stop(struct evnet_poller *poller, struct evnet_handle handle) {
  struct ready *ready = ready_of(poller);
  struct slot *slot = slot_of(ready, handle);
  slot->flags &= (uint16_t)~RECV_ON;
  if (slot->flags & DEAD) enqueue(ready, &ready->later, slot);
}

static int64_t ready_send(struct evnet_poller *poller, struct evnet_handle handle,
                          const struct iovec *pieces, size_t count) {
  struct slot *slot = slot_of(ready_of(poller), handle);
  EVNET_DCHECK(slot->send == NULL);
  int64_t sent = evnet_socket_send(slot->descriptor, pieces, count);
  if (sent != -EAGAIN) return sent;
  // A short send proves less: only after a refused send is an event for new room certain.
  slot->flags &= (uint16_t)~WRITABLE;
  return 0;
}

// Every send has finished when the call returns.
static size_t ready_sending_bytes(struct evnet_poller *poller, struct evnet_handle handle) {
  (void)poller;
  (void)handle;
  return 0;
}

static void ready_send_start(struct evnet_poller *poller, struct evnet_handle handle,
                             const struct evnet_send *send) {
  struct ready *ready = ready_of(poller);
  struct slot *slot = slot_of(ready, handle);
  // The caller has at most one send_start in progress, until its SEND.
  EVNET_ASSERT(slot->send == NULL);
  slot->send = send;
  // If the event cannot be registered, step_send tries to send, and reports why it cannot wait.
  if (!(slot->flags & WRITABLE) && ready_watch_writes(ready, slot, true) < 0)
    slot->flags |= WRITABLE;
  if (slot->flags & WRITABLE) enqueue(ready, &ready->later, slot);
}

static int64_t ready_send_datagrams(struct evnet_poller *poller, struct evnet_handle handle,
                                    const struct evnet_datagram *datagrams, size_t count) {
  struct ready *ready = ready_of(poller);
  struct slot *slot = slot_of(ready, handle);
  int64_t sent = evnet_datagrams_send(ready->datagrams, slot->descriptor, handle, datagrams, count);
  if (sent != -EAGAIN) return sent;
  slot->flags &= (uint16_t)~WRITABLE;
  return 0;
}

static void ready_await_room(struct evnet_poller *poller, struct evnet_handle handle) {
  ready_send_start(poller, handle, &evnet_datagrams_room);
}

static uint8_t *ready_scratch(struct evnet_poller *poller) { return ready_of(poller)->scratch; }

static int ready_shutdown_write(struct evnet_poller *poller, struct evnet_handle handle) {
  return evnet_socket_shutdown_write(slot_of(ready_of(poller), handle)->descriptor);
}

static int ready_local_address(struct evnet_poller *poller, struct evnet_handle handle,
                               struct evnet_address *out_address) {
  const struct slot *slot = slot_of(ready_of(poller), handle);
  return evnet_socket_local_address(slot->descriptor, (enum evnet_transport)slot->transport,
                                    out_address);
}

static int ready_remote_address(struct evnet_poller *poller, struct evnet_handle handle,
                                struct evnet_address *out_address) {
  const struct slot *slot = slot_of(ready_of(poller), handle);
  return evnet_socket_remote_address(slot->descriptor, (enum evnet_transport)slot->transport,
                                     out_address);
}

static int ready_peer_credentials(struct evnet_poller *poller, struct evnet_handle handle,
                                  struct evnet_credentials *out_credentials) {
  const struct slot *slot = slot_of(ready_of(poller), handle);
  return evnet_socket_peer_credentials(slot->descriptor, (enum evnet_transport)slot->transport,
                                       out_credentials);
}

static int ready_tcp_info(struct evnet_poller *poller, struct evnet_handle handle,
                          struct evnet_tcp_info *out_info) {
  const struct slot *slot = slot_of(ready_of(poller), handle);
  return evnet_socket_tcp_info(slot->descriptor, (enum evnet_transport)slot->transport, out_info);
}

static int64_t ready_unacked_bytes(struct evnet_poller *poller, struct evnet_handle handle) {
  const struct slot *slot = slot_of(ready_of(poller), handle);
  return evnet_socket_unacked_bytes(slot->descriptor, (enum evnet_transport)slot->transport);
}

static int ready_set_option(struct evnet_poller *poller, struct evnet_handle handle,
                            enum evnet_socket_option option, int value) {
  const struct slot *slot = slot_of(ready_of(poller), handle);
  return evnet_socket_set_option(slot->descriptor, (enum evnet_transport)slot->transport, option,
                                 value);
}

static int ready_set_multicast(struct evnet_poller *poller, struct evnet_handle handle,
                               const struct evnet_multicast *setting) {
  const struct slot *slot = slot_of(ready_of(poller), handle);
  return evnet_multicast_set(slot->descriptor, (enum evnet_transport)slot->transport, setting);
}

static bool ready_has_family(const struct evnet_poller *poller, int family) {
  (void)poller;
  return evnet_socket_has_family(family);
}

static bool ready_spreads_port(const struct evnet_poller *poller) {
  (void)poller;
  return evnet_socket_spreads_port();
}

static int ready_descriptor(struct evnet_poller *poller, struct evnet_handle handle) {
  const struct slot *slot = slot_of(ready_of(poller), handle);
  return slot->descriptor >= 0 ? slot->descriptor : -EBADF;
}

static int ready_duplicate(struct evnet_poller *poller, struct evnet_handle handle) {
  struct slot *slot = slot_of(ready_of(poller), handle);
  int duplicate = evnet_socket_duplicate(slot->descriptor);
  if (duplicate >= 0) slot->duplicated = 1;
  return duplicate;
}

static int ready_loop_descriptor(struct evnet_poller *poller) {
  const struct ready *ready = ready_of(poller);
  return ready->kernel->descriptor(ready->kernel_state);
}

static void ready_wake(struct evnet_poller *poller) {
  struct ready *ready = ready_of(poller);
  ready->kernel->wake(ready->kernel_state);
}

static void ready_destroy(struct evnet_poller *poller) {
  struct ready *ready = ready_of(poller);
  evnet_unix_release_all(&ready->unix_listeners);
  for (uint32_t i = 0; i < ready->slots.used; i++) {
    const struct slot *slot = &ready->slots.table[i];
    bool is_open = slot->descriptor >= 0 && !(slot->flags & DETACHED);
    if (is_open) evnet_socket_close(slot->descriptor, is_connection_slot(slot), slot->duplicated);
  }
  if (ready->kernel_state != NULL) ready->kernel->close(ready->kernel_state);
  watches_deinit(&ready->watches, ready->allocator);
  ready_splice_close(ready);
  evnet_datagrams_destroy(ready->datagrams);
  evnet_block_release(ready->allocator, ready->scratch);
  evnet_block_release(ready->allocator, ready->recv_block);
  descriptor_set_deinit(&ready->descriptors, ready->allocator);
  slots_deinit(&ready->slots);
  evnet_release(ready->allocator, ready);
}

static const struct evnet_poller_ops ready_ops = {
    .destroy = ready_destroy,
    .now_ns = ready_now_ns,
    .listen = ready_listen,
    .attach = ready_attach,
    .identify = evnet_socket_identify,
    .adopt = ready_adopt,
    .reserve = ready_reserve,
    .connect = ready_connect,
    .connect_stop = ready_connect_stop,
    .connect_move = ready_connect_move,
    .discard_descriptor = ready_discard_descriptor,
    .detach = ready_detach,
    .abort = ready_abort,
    .accept_start = ready_accept_start,
    .accept_stop = ready_accept_stop,
    .accept = ready_accept,
    .recv_start = ready_recv_start,
    .recv_stop = ready_recv_stop,
    .send = ready_send,
    .sending_bytes = ready_sending_bytes,
    .send_start = ready_send_start,
    .send_datagrams = ready_send_datagrams,
    .await_room = ready_await_room,
    .scratch = ready_scratch,
    .splice = ready_splice,
    .splice_rest = ready_splice_rest,
    .shutdown_write = ready_shutdown_write,
    .local_address = ready_local_address,
    .remote_address = ready_remote_address,
    .peer_credentials = ready_peer_credentials,
    .tcp_info = ready_tcp_info,
    .unacked_bytes = ready_unacked_bytes,
    .set_option = ready_set_option,
    .set_multicast = ready_set_multicast,
    .descriptor = ready_descriptor,
    .duplicate = ready_duplicate,
    .spreads_port = ready_spreads_port,
    .has_family = ready_has_family,
    .watch = ready_watch,
    .watch_change = ready_watch_change,
    .watch_stop = ready_watch_stop,
    .loop_descriptor = ready_loop_descriptor,
    .settle = ready_settle,
    .wait = ready_wait,
    .next = ready_next,
    .unreported = ready_unreported,
    .wake = ready_wake,
};

int evnet_ready_create(const struct evnet_readiness_ops *readiness,
                       const struct evnet_poller_options *options,
                       struct evnet_poller **out_poller) {
  evnet_fork_watch();
  struct ready *ready = evnet_allocate_zeroed(options->allocator, sizeof *ready);
  if (ready == NULL) return -ENOMEM;
  ready->poller.ops = &ready_ops;
  ready->poller.name = readiness->name;
  ready->kernel = readiness;
  ready->allocator = options->allocator;
  ready->unix_listeners.allocator = options->allocator;
  slot_list_init(&ready->now);
  slot_list_init(&ready->later);
  ready->watching.flags = DETACHED;
  int status = slots_init(&ready->slots, options->handles_max);
  ready->recv_bytes = options->recv_bytes_max;
  evnet_datagram_options_init(&ready->datagram_options, options);
  ready->recv_block = evnet_block_allocate(options->allocator, ready->recv_bytes);
  ready->scratch = evnet_block_allocate(options->allocator, EVNET_POLLER_SCRATCH_BYTES);
  if (ready->recv_block == NULL || ready->scratch == NULL) status = -ENOMEM;
  if (status == 0) status = descriptor_set_init(&ready->descriptors, options->allocator);
  if (status == 0) status = readiness->open(options->allocator, &ready->kernel_state);
  if (status < 0) {
    ready_destroy(&ready->poller);
    return status;
  }
  *out_poller = &ready->poller;
  return 0;
}
