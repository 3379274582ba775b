// The completions that a handle may report, and when. A connection's completions come in order:
// sends first, then received bytes, then the end or hang-up that follows them.
#include "net/poller/testing/sim_step.h"

#include <errno.h>

#include "net/base/assert.h"
#include "net/poller/testing/sim_connecting.h"
#include "net/poller/testing/sim_datagram.h"
#include "net/poller/testing/sim_descriptor.h"
#include "net/poller/testing/sim_file.h"
#include "net/poller/testing/sim_flight.h"
#include "net/poller/testing/sim_listener.h"
#include "net/poller/testing/sim_socket.h"
#include "net/poller/testing/sim_watch.h"

enum { ACCEPTS_PER_TURN = 8 };

static bool listener_is_ready(const struct sim_slot *slot) {
  const struct sim_listener *listener = slot->listener;
  return slot->accepting && slot->share_accepts < ACCEPTS_PER_TURN && listener->queue_count > 0 &&
         listener->queue[0]->ready_ns <= slot->owner->sim->now_ns;
}

static bool can_send(const struct sim_slot *slot) {
  return slot->send != NULL && !slot->share_send &&
         (slot->socket->dead || sim_socket_room(slot->socket) > 0);
}

static bool can_recv(const struct sim_slot *slot) {
  const struct evnet_sim_socket *socket = slot->socket;
  if (slot->share_bytes >= slot->owner->recv_max) return false;
  if (slot->late_bytes > 0 && socket->in.size > 0) return true;
  bool ends = socket->end_arrived || socket->dead;
  if (slot->late_end && socket->in.size == 0 && ends) return true;
  return slot->receiving && (socket->in.size > 0 || ends);
}

static bool can_hang_up(const struct sim_slot *slot) {
  const struct evnet_sim_socket *socket = slot->socket;
  if (slot->receiving || slot->hangup_told) return false;
  return socket->error != 0 || (socket->dead && socket->in.size == 0) || sim_socket_is_over(socket);
}

bool sim_step_has_work(const struct sim_slot *slot) {
  if (slot->kind == SIM_FREE) return false;
  if (slot->detaching) return true;
  if (slot->kind == SIM_LISTENER) return listener_is_ready(slot);
  if (slot->kind == SIM_UDP) return sim_datagram_has_work(slot);
  if (slot->kind == SIM_WATCH) return sim_watch_ready(slot) != 0;
  if (slot->kind != SIM_STREAM) return sim_connect_is_due(slot);
  return sim_flight_has_landed(slot) || can_send(slot) || can_recv(slot) || can_hang_up(slot);
}

static bool complete(struct sim_slot *slot, enum evnet_op op, int64_t result, bool more,
                     struct evnet_completion *out) {
  static const char *const names[2][5] = {
      {"ACCEPT, no more", "RECV, no more", "SEND", "HANGUP", "DETACH"},
      {"ACCEPT", "RECV"},
  };
  *out =
      (struct evnet_completion){.handle = slot->handle, .op = op, .more = more, .result = result};
  evnet_sim_note(slot->owner->sim, names[more][op], slot->owner->index, sim_slot_id(slot), result);
  return true;
}

static bool complete_send(struct sim_slot *slot, int64_t result, struct evnet_completion *out) {
  if (sim_slot_hash_send(slot->send) != slot->send_hash)
    evnet_sim_fail(slot->owner->sim, "the bytes of a send_start changed before its SEND");
  slot->send = NULL;
  slot->share_send = true;
  return complete(slot, EVNET_OP_SEND, result, false, out);
}

static bool step_detaching(struct sim_slot *slot, struct evnet_completion *out) {
  if (slot->awaits_room) {
    slot->awaits_room = false;
    return complete(slot, EVNET_OP_SEND, -ECANCELED, false, out);
  }
  if (slot->flight.piece.iov_len > 0) {
    if (!slot->flight.flown) {
      slot->flight.result = -ECANCELED;
      if (!slot->is_closed && evnet_sim_chance(slot->owner->sim, 500)) sim_flight_fly(slot);
    }
    sim_flight_complete(slot, out);
    return true;
  }
  if (slot->send != NULL) {
    int64_t result = -ECANCELED;
    // A completion-based backend may have sent before the detach.
    if (!slot->is_closed && evnet_sim_chance(slot->owner->sim, 500)) {
      int64_t sent = sim_file_send_started(slot);
      if (sent != -EAGAIN) result = sent;
    }
    return complete_send(slot, result, out);
  }
  sim_slot_close(slot);
  complete(slot, EVNET_OP_DETACH, 0, false, out);
  sim_slot_release(slot);
  return true;
}

static bool step_accept(struct sim_slot *slot, struct evnet_completion *out) {
  if (!listener_is_ready(slot)) return false;
  slot->share_accepts++;
  return complete(slot, EVNET_OP_ACCEPT, 0, true, out);
}

static bool step_send(struct sim_slot *slot, struct evnet_completion *out) {
  int64_t sent = sim_file_send_started(slot);
  return sent != -EAGAIN && complete_send(slot, sent, out);
}

static bool step_recv(struct sim_slot *slot, struct evnet_completion *out) {
  struct sim_poller *self = slot->owner;
  struct evnet_sim *sim = self->sim;
  uint32_t most = self->recv_max - slot->share_bytes;
  bool is_late = slot->late_bytes > 0 && slot->socket->in.size > 0;
  if (is_late && slot->late_bytes < most) most = slot->late_bytes;
  if (slot->receiving) {
    const size_t quota = evnet_quota_ask(&self->poller, slot->handle, EVNET_OP_RECV);
    if (quota < most) most = (uint32_t)quota;
    if (quota == 0) {
      slot->receiving = false;
      return false;
    }
  }
  int64_t got = sim_socket_recv(slot->socket, self->recv->bytes, most);
  EVNET_ASSERT(got != -EAGAIN);
  if (got <= 0) {
    slot->receiving = false;
    slot->late_end = false;
    slot->late_bytes = 0;
    if (got < 0) slot->hangup_told = true;
    return complete(slot, EVNET_OP_RECV, got, false, out);
  }
  if (is_late) slot->late_bytes -= (uint32_t)got;
  slot->share_bytes += (uint32_t)got;
  if (!is_late && evnet_sim_chance(sim, sim->options.faults.one_shot)) slot->receiving = false;
  self->lease_bytes = (uint32_t)got;
  complete(slot, EVNET_OP_RECV, got, slot->receiving, out);
  out->data = self->recv->bytes;
  return true;
}

static bool step_hang_up(struct sim_slot *slot, struct evnet_completion *out) {
  int error = slot->socket->error;
  slot->socket->error = 0;
  slot->hangup_told = true;
  return complete(slot, EVNET_OP_HANGUP, -error, false, out);
}

static bool step_watch(struct sim_slot *slot, struct evnet_completion *out) {
  const uint32_t events = sim_watch_ready(slot);
  if (events == 0) return false;
  slot->share_watch = true;
  *out = (struct evnet_completion){.handle = slot->handle,
                                   .op = EVNET_OP_WATCH,
                                   .more = true,
                                   .result = events,
                                   .user = slot->watch_user};
  evnet_sim_note(slot->owner->sim, "WATCH", slot->owner->index, slot->device->descriptor, events);
  return true;
}

bool sim_step(struct sim_slot *slot, struct evnet_completion *out) {
  if (slot->kind == SIM_FREE) return false;
  if (slot->detaching) return step_detaching(slot, out);
  if (slot->kind == SIM_LISTENER) return step_accept(slot, out);
  if (slot->kind == SIM_UDP) return sim_datagram_step(slot, out);
  if (slot->kind == SIM_WATCH) return step_watch(slot, out);
  if (slot->kind != SIM_STREAM) return sim_connect_step(slot, out);
  if (sim_flight_has_landed(slot)) {
    sim_flight_complete(slot, out);
    return true;
  }
  if (can_send(slot) && step_send(slot, out)) return true;
  if (can_recv(slot) && step_recv(slot, out)) return true;
  return can_hang_up(slot) && step_hang_up(slot, out);
}
