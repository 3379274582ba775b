// The poller's contract for the simulated sockets, and checks that its user keeps the contract.
#include "net/poller/testing/sim_poller.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/base/assert.h"
#include "net/poller/testing/sim_attach.h"
#include "net/poller/testing/sim_connecting.h"
#include "net/poller/testing/sim_datagram.h"
#include "net/poller/testing/sim_descriptor.h"
#include "net/poller/testing/sim_flight.h"
#include "net/poller/testing/sim_group.h"
#include "net/poller/testing/sim_listener.h"
#include "net/poller/testing/sim_slot.h"
#include "net/poller/testing/sim_socket.h"
#include "net/poller/testing/sim_step.h"
#include "net/poller/testing/sim_turn.h"
#include "net/poller/testing/sim_udp_socket.h"
#include "net/poller/testing/sim_watch.h"

enum { POISON = 0xdd };

static struct sim_poller *poller_of(struct evnet_poller *poller) {
  return (struct sim_poller *)poller;
}

static uint64_t sim_now_ns(struct evnet_poller *poller) {
  const struct sim_poller *self = poller_of(poller);
  sim_turn_meanwhile(self, false);
  return self->sim->now_ns;
}

static bool sim_has_family(const struct evnet_poller *poller, int family) {
  (void)poller;
  (void)family;
  return true;
}

static bool sim_spreads_port(const struct evnet_poller *poller) {
  (void)poller;
  return true;
}

static void sim_accept_start(struct evnet_poller *poller, struct evnet_handle handle) {
  struct sim_slot *slot = sim_slot_of(poller_of(poller), handle, SIM_LISTENER, "accept_start");
  if (slot != NULL) slot->accepting = true;
}

static void sim_accept_stop(struct evnet_poller *poller, struct evnet_handle handle) {
  struct sim_slot *slot = sim_slot_of(poller_of(poller), handle, SIM_LISTENER, "accept_stop");
  if (slot != NULL) slot->accepting = false;
}

static int sim_accept(struct evnet_poller *poller, struct evnet_handle handle,
                      struct evnet_address *out_peer) {
  struct sim_poller *self = (struct sim_poller *)poller;
  struct evnet_sim *sim = self->sim;
  struct sim_slot *slot = sim_slot_of(self, handle, SIM_LISTENER, "accept");
  if (slot == NULL) return -EBADF;
  if (!slot->accepting) evnet_sim_fail(sim, "accept of a listener that is not armed");
  struct sim_listener *listener = slot->listener;
  const bool waits = listener->queue_count > 0 && listener->queue[0]->ready_ns <= sim->now_ns;
  // Another process that shares the listener may have been quicker.
  if (!waits || evnet_sim_chance(sim, sim->options.faults.accept_in_vain)) return -EAGAIN;
  int descriptor = -EMFILE;
  if (!evnet_sim_chance(sim, sim->options.faults.accept_failure))
    descriptor = sim_descriptor_open(sim, (struct sim_descriptor){.socket = listener->queue[0]});
  evnet_sim_note(sim, "accept", self->index, sim_slot_id(slot), descriptor);
  if (descriptor < 0) {
    slot->accepting = false;
    sim->accept_failed_ns = sim->now_ns;
    return descriptor;
  }
  struct evnet_sim_socket *socket = listener->queue[0];
  sim_listener_pop(listener);
  socket->was_accepted = true;
  sim->accepts++;
  *out_peer = socket->other->address;
  return descriptor;
}

static void sim_recv_start(struct evnet_poller *poller, struct evnet_handle handle) {
  struct sim_slot *slot = sim_slot_of(poller_of(poller), handle, SIM_FREE, "recv_start");
  if (slot == NULL) return;
  if (slot->kind == SIM_LISTENER) evnet_sim_fail(slot->owner->sim, "recv_start on a listener");
  if (slot->receiving) evnet_sim_fail(slot->owner->sim, "recv_start while a recv is armed");
  if (slot->kind == SIM_UDP) sim_datagram_starts(slot);
  slot->receiving = true;
  slot->receiving_ns = slot->owner->sim->now_ns;
  slot->late_end = false;
}

static void sim_recv_stop(struct evnet_poller *poller, struct evnet_handle handle) {
  struct sim_slot *slot = sim_slot_of(poller_of(poller), handle, SIM_FREE, "recv_stop");
  if (slot == NULL) return;
  struct evnet_sim *sim = slot->owner->sim;
  if (slot->kind == SIM_LISTENER) evnet_sim_fail(sim, "recv_stop on a listener");
  if (slot->kind == SIM_STREAM && slot->receiving &&
      evnet_sim_chance(sim, sim->options.faults.late_recv)) {
    slot->late_bytes = 1 + evnet_sim_below(sim, EVNET_SIM_LATE_BYTES_MAX);
    // Only bytes that have arrived by now can have been delivered.
    if (slot->late_bytes > slot->socket->in.size) slot->late_bytes = slot->socket->in.size;
    slot->late_end = slot->socket->end_arrived && slot->late_bytes == slot->socket->in.size;
  }
  slot->receiving = false;
}

// Fails the world if a send is pending, because the caller sends or shuts down the write side.
static void check_idle(const struct sim_slot *slot, const char *what) {
  if (slot->send != NULL || slot->flight.piece.iov_len > 0)
    evnet_sim_fail(slot->owner->sim, "%s while a send is under way", what);
  if (slot->socket->write_ended) evnet_sim_fail(slot->owner->sim, "%s after shutdown_write", what);
}

static int64_t sim_send(struct evnet_poller *poller, struct evnet_handle handle,
                        const struct iovec *pieces, size_t count) {
  struct sim_poller *self = poller_of(poller);
  struct sim_slot *slot = sim_slot_of(self, handle, SIM_STREAM, "send");
  if (slot == NULL) return -EPIPE;
  if (count < 1 || count > EVNET_SEND_PIECES_MAX)
    evnet_sim_fail(self->sim, "send of %zu pieces", count);
  check_idle(slot, "send");
  if (count == 1 && sim_flight_launch(slot, pieces)) return -EINPROGRESS;
  int64_t sent = sim_socket_send(slot->socket, pieces, count);
  uint8_t *scratch = self->scratch->bytes;
  for (size_t i = 0; i < count; i++) {
    if (pieces[i].iov_base != scratch) continue;
    // The caller still has to queue the bytes that were not taken, but may not write more.
    if (sent >= 0 && (size_t)sent >= pieces[i].iov_len) memset(scratch, POISON, pieces[i].iov_len);
    sim_block_release(self, self->scratch_old);
    self->scratch_old = self->scratch;
    self->scratch = sim_block_take(self);
    break;
  }
  evnet_sim_note(self->sim, "sent", self->index, sim_slot_id(slot), sent);
  return sent == -EAGAIN ? 0 : sent;
}

static size_t sim_sending_bytes(struct evnet_poller *poller, struct evnet_handle handle) {
  const struct sim_slot *slot = sim_slot_of(poller_of(poller), handle, SIM_STREAM, "sending_bytes");
  return slot != NULL ? slot->flight.piece.iov_len : 0;
}

static void sim_send_start(struct evnet_poller *poller, struct evnet_handle handle,
                           const struct evnet_send *send) {
  struct sim_slot *slot = sim_slot_of(poller_of(poller), handle, SIM_STREAM, "send_start");
  if (slot == NULL) return;
  struct evnet_sim *sim = slot->owner->sim;
  check_idle(slot, "send_start");
  bool is_file = send->count == 0;
  if (is_file ? send->file->size == 0 : send->count > EVNET_SEND_PIECES_MAX)
    evnet_sim_fail(sim, "send_start of %u pieces", send->count);
  slot->send = send;
  slot->sending_ns = sim->now_ns;
  slot->send_hash = sim_slot_hash_send(send);
}

static int64_t sim_send_datagrams(struct evnet_poller *poller, struct evnet_handle handle,
                                  const struct evnet_datagram *datagrams, size_t count) {
  struct sim_slot *slot = sim_slot_of(poller_of(poller), handle, SIM_UDP, "send_datagrams");
  return slot != NULL ? sim_datagram_send(slot, datagrams, count) : -EBADF;
}

static void sim_await_room(struct evnet_poller *poller, struct evnet_handle handle) {
  struct sim_slot *slot = sim_slot_of(poller_of(poller), handle, SIM_UDP, "await_room");
  if (slot == NULL) return;
  if (slot->awaits_room) evnet_sim_fail(slot->owner->sim, "await_room while it is under way");
  slot->awaits_room = true;
}

static uint8_t *sim_scratch(struct evnet_poller *poller) {
  struct sim_poller *self = poller_of(poller);
  return self->scratch->bytes;
}

static int sim_shutdown_write(struct evnet_poller *poller, struct evnet_handle handle) {
  struct sim_slot *slot = sim_slot_of(poller_of(poller), handle, SIM_STREAM, "shutdown_write");
  if (slot == NULL) return -ENOTCONN;
  if (!slot->socket->write_ended) check_idle(slot, "shutdown_write");
  if (slot->socket->dead) return -ENOTCONN;
  sim_socket_end(slot->socket);
  return 0;
}

static int sim_local_address(struct evnet_poller *poller, struct evnet_handle handle,
                             struct evnet_address *out_address) {
  const struct sim_slot *slot = sim_slot_of(poller_of(poller), handle, SIM_FREE, "local_address");
  if (slot == NULL || slot->descriptor < 0) return -EBADF;
  *out_address = slot->kind == SIM_LISTENER ? slot->listener->address
                 : slot->kind == SIM_UDP    ? sim_udp_address(slot->udp, false)
                                            : slot->socket->address;
  return 0;
}

static int sim_remote_address(struct evnet_poller *poller, struct evnet_handle handle,
                              struct evnet_address *out_address) {
  const struct sim_slot *slot = sim_slot_of(poller_of(poller), handle, SIM_FREE, "remote_address");
  if (slot == NULL) return -EBADF;
  if (slot->kind == SIM_UDP) {
    *out_address = sim_udp_address(slot->udp, true);
    return out_address->size > 0 ? 0 : -ENOTCONN;
  }
  if (slot->kind != SIM_STREAM || slot->socket->dead) return -ENOTCONN;
  *out_address = slot->socket->other->address;
  return 0;
}

static int sim_peer_credentials(struct evnet_poller *poller, struct evnet_handle handle,
                                struct evnet_credentials *out_credentials) {
  (void)out_credentials;
  const struct sim_slot *slot =
      sim_slot_of(poller_of(poller), handle, SIM_FREE, "peer_credentials");
  return slot == NULL ? -EBADF : -EOPNOTSUPP;
}

static int sim_tcp_info(struct evnet_poller *poller, struct evnet_handle handle,
                        struct evnet_tcp_info *out_info) {
  (void)out_info;
  const struct sim_slot *slot = sim_slot_of(poller_of(poller), handle, SIM_FREE, "tcp_info");
  return slot == NULL ? -EBADF : -EOPNOTSUPP;
}

static int64_t sim_unacked_bytes(struct evnet_poller *poller, struct evnet_handle handle) {
  const struct sim_slot *slot = sim_slot_of(poller_of(poller), handle, SIM_STREAM, "unacked_bytes");
  return slot == NULL ? -EBADF : (int64_t)slot->socket->out.size;
}

static int sim_set_option(struct evnet_poller *poller, struct evnet_handle handle,
                          enum evnet_socket_option option, int value) {
  struct sim_slot *slot = sim_slot_of(poller_of(poller), handle, SIM_FREE, "set_option");
  if (slot == NULL) return -EBADF;
  if ((unsigned)option >= EVNET_SOCKET_OPTIONS) return -EOPNOTSUPP;
  if (value < 0) return -EINVAL;
  if (slot->kind == SIM_STREAM) slot->socket->options[option] = value;
  return 0;
}

static int sim_set_multicast(struct evnet_poller *poller, struct evnet_handle handle,
                             const struct evnet_multicast *setting) {
  struct sim_slot *slot = sim_slot_of(poller_of(poller), handle, SIM_FREE, "set_multicast");
  if (slot == NULL) return -EBADF;
  return slot->kind == SIM_UDP ? sim_group_set(slot, setting) : -EOPNOTSUPP;
}

static int sim_descriptor(struct evnet_poller *poller, struct evnet_handle handle) {
  const struct sim_slot *slot = sim_slot_of(poller_of(poller), handle, SIM_FREE, "descriptor");
  return slot != NULL ? -EOPNOTSUPP : -EBADF;
}

static int sim_loop_descriptor(struct evnet_poller *poller) {
  (void)poller;
  return -EOPNOTSUPP;
}

static bool sim_settle(struct evnet_poller *poller) { return sim_turn_settle(poller_of(poller)); }

static int sim_wait(struct evnet_poller *poller, int64_t timeout_ns) {
  sim_turn_wait(poller_of(poller), timeout_ns);
  return 0;
}

static bool sim_next(struct evnet_poller *poller, struct evnet_completion *out_completion) {
  return sim_turn_next(poller_of(poller), out_completion);
}

static uint32_t sim_unreported(const struct evnet_poller *poller) {
  return sim_turn_unreported((const struct sim_poller *)poller);
}

static void sim_wake(struct evnet_poller *poller) {
  struct sim_poller *self = poller_of(poller);
  evnet_sim_note(self->sim, "wake", self->index, 0, 0);
  self->sim->wakes++;
  self->woken = true;
}

static void sim_destroy(struct evnet_poller *poller) {
  struct sim_poller *self = poller_of(poller);
  for (uint32_t i = 0; i < self->slot_count; i++) {
    if (self->slots[i]->kind == SIM_FREE) continue;
    if (self->slots[i]->kind == SIM_WATCH) self->sim->handles++;
    sim_datagram_drop(self->slots[i]);
    sim_slot_close(self->slots[i]);
    sim_slot_release(self->slots[i]);
  }
  for (uint32_t i = 0; i < self->slot_count; i++) free(self->slots[i]);
  free(self->slots);
  free(self->turn);
  if (self->sim->pollers[self->index] == self) {
    self->sim->pollers[self->index] = NULL;
    self->sim->pollers_open--;
  }
  while (self->blocks != NULL) {
    struct sim_block *block = self->blocks;
    self->blocks = block->next;
    free(block->bytes);
    free(block);
  }
  evnet_release(self->allocator, self);
}

static const struct evnet_poller_ops sim_ops = {
    .destroy = sim_destroy,
    .now_ns = sim_now_ns,
    .listen = sim_listen,
    .spreads_port = sim_spreads_port,
    .has_family = sim_has_family,
    .attach = sim_attach,
    .identify = sim_identify,
    .adopt = sim_adopt,
    .resolve = sim_resolve,
    .reserve = sim_reserve,
    .connect = sim_connect,
    .connect_stop = sim_connect_stop,
    .connect_move = sim_move,
    .discard_descriptor = sim_discard_descriptor,
    .detach = sim_detach,
    .abort = sim_abort,
    .accept_start = sim_accept_start,
    .accept_stop = sim_accept_stop,
    .accept = sim_accept,
    .recv_start = sim_recv_start,
    .recv_stop = sim_recv_stop,
    .send = sim_send,
    .sending_bytes = sim_sending_bytes,
    .send_start = sim_send_start,
    .send_datagrams = sim_send_datagrams,
    .await_room = sim_await_room,
    .scratch = sim_scratch,
    .shutdown_write = sim_shutdown_write,
    .local_address = sim_local_address,
    .remote_address = sim_remote_address,
    .peer_credentials = sim_peer_credentials,
    .tcp_info = sim_tcp_info,
    .unacked_bytes = sim_unacked_bytes,
    .set_option = sim_set_option,
    .set_multicast = sim_set_multicast,
    .descriptor = sim_descriptor,
    .duplicate = sim_descriptor,  // refused in the same way
    .watch = sim_watch,
    .watch_change = sim_watch_change,
    .watch_stop = sim_watch_stop,
    .loop_descriptor = sim_loop_descriptor,
    .settle = sim_settle,
    .wait = sim_wait,
    .next = sim_next,
    .unreported = sim_unreported,
    .wake = sim_wake,
};

int sim_poller_create(struct evnet_kernel *kernel, const struct evnet_poller_options *options,
                      struct evnet_poller **out_poller) {
  struct evnet_sim *sim = (struct evnet_sim *)kernel;
  if (sim->poller_count == SIM_POLLERS_MAX) return -EMFILE;
  struct sim_poller *self = evnet_allocate_zeroed(options->allocator, sizeof *self);
  if (self == NULL) return -ENOMEM;
  *self = (struct sim_poller){
      .poller = {.ops = &sim_ops, .name = "sim"},
      .sim = sim,
      .allocator = options->allocator,
      .index = sim->poller_count,
      .slots_max = options->handles_max,
      .drained = true,
      .recv_max = options->recv_bytes_max,
      .datagram_max = options->datagram_bytes_max,
      .datagram_errors = options->udp_errors,
  };
  self->recv = sim_block_take(self);
  self->scratch = sim_block_take(self);
  sim->pollers[sim->poller_count++] = self;
  sim->pollers_open++;
  *out_poller = &self->poller;
  return 0;
}

bool sim_poller_is_runnable(const struct sim_poller *poller) {
  if (poller->woken || poller->wake_ns <= poller->sim->now_ns) return true;
  for (uint32_t i = 0; i < poller->slot_count; i++) {
    if (sim_step_has_work(poller->slots[i])) return true;
  }
  return false;
}

uint64_t sim_poller_wake_ns(const struct sim_poller *poller) {
  const uint64_t now_ns = poller->sim->now_ns;
  uint64_t wake_ns = poller->wake_ns > now_ns ? poller->wake_ns : UINT64_MAX;
  for (uint32_t i = 0; i < poller->slot_count; i++) {
    const struct sim_slot *slot = poller->slots[i];
    if (slot->kind == SIM_CONNECTING && slot->connect_at_ns > now_ns &&
        slot->connect_at_ns < wake_ns)
      wake_ns = slot->connect_at_ns;
  }
  return wake_ns;
}
