// What a handle may report, and when. A connection's completions come in order: sends first, then
// what was received, then the end or the hang-up behind it.
#include "net/poller/testing/sim_slot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/base/assert.h"

enum { ACCEPTS_PER_TURN = 8 };

uint16_t sim_slot_id(const struct sim_slot *slot) {
  if (slot->kind == SIM_UDP) return sim_udp_port(slot->udp);
  return slot->kind == SIM_STREAM ? (uint16_t)slot->socket->id : 0;
}

struct sim_slot *sim_slot_of(struct sim_poller *self, struct evnet_handle handle,
                             enum sim_slot_kind kind, const char *what) {
  struct sim_slot *slot = handle.index < self->slot_count ? self->slots[handle.index] : NULL;
  const char *why = NULL;
  if (slot == NULL) {
    why = "was never attached";
  } else if (slot->handle.generation != handle.generation) {
    why = "is stale: its generation is another's";
  } else if (slot->kind == SIM_FREE || slot->detaching) {
    why = "was detached";
  } else if (kind != SIM_FREE && slot->kind != kind) {
    why = "is of the wrong kind";
  }
  if (why != NULL) {
    evnet_sim_fail(self->sim, "poller %u: %s on a handle (%u, generation %u) that %s", self->index,
                   what, handle.index, handle.generation, why);
    return NULL;
  }
  evnet_sim_note(self->sim, what, self->index, handle.index, sim_slot_id(slot));
  return slot;
}

// Slots

static bool grow(struct sim_poller *self) {
  uint32_t capacity = self->slot_capacity == 0 ? 16 : 2 * self->slot_capacity;
  struct sim_slot **slots = realloc(self->slots, capacity * sizeof(struct sim_slot *));
  if (slots != NULL) self->slots = slots;
  struct sim_slot **turn = realloc(self->turn, capacity * sizeof(struct sim_slot *));
  if (turn != NULL) self->turn = turn;
  if (slots == NULL || turn == NULL) return false;
  self->slot_capacity = capacity;
  return true;
}

struct sim_slot *sim_slot_acquire(struct sim_poller *self) {
  struct sim_slot *slot = self->free_first;
  uint32_t generation = 1;
  if (slot != NULL) {
    self->free_first = slot->next_free;
    generation = slot->handle.generation + 1;
  } else {
    if (self->slot_count == self->slots_max) return NULL;
    if (self->slot_count == self->slot_capacity && !grow(self)) return NULL;
    slot = calloc(1, sizeof *slot);
    if (slot == NULL) return NULL;
    self->slots[self->slot_count] = slot;
    slot->handle.index = self->slot_count++;
  }
  *slot = (struct sim_slot){
      .owner = self,
      .handle = {.index = slot->handle.index, .generation = generation},
      .in_turn = slot->in_turn,
  };
  self->sim->handles++;
  return slot;
}

void sim_slot_release(struct sim_slot *slot) {
  struct sim_poller *self = slot->owner;
  slot->kind = SIM_FREE;
  slot->next_free = NULL;
  if (self->free_first == NULL) {
    self->free_first = slot;
  } else {
    self->free_last->next_free = slot;
  }
  self->free_last = slot;
  self->sim->handles--;
}

static void listener_close(struct sim_listener *listener) {
  listener->open = false;
  for (uint32_t i = 0; i < listener->queue_count; i++) sim_socket_close(listener->queue[i], true);
  listener->queue_count = 0;
}

void sim_slot_close(struct sim_slot *slot) {
  if (slot->is_closed) return;
  slot->is_closed = true;
  if (slot->descriptor < 0) return;
  sim_descriptor_close(slot->owner->sim, slot->descriptor);
  if (slot->kind == SIM_LISTENER) {
    listener_close(slot->listener);
  } else if (slot->udp != NULL) {
    sim_udp_close(slot->udp);
  } else {
    sim_socket_close(slot->socket, slot->resets);
    slot->socket->slot = NULL;
  }
}

// What a send points to must not change before its SEND. A file's bytes may, but not where they
// are.
uint64_t sim_slot_hash_send(const struct evnet_send *send) {
  uint64_t hash = send->count;
  if (send->count == 0) {
    const struct evnet_file_range *file = send->file;
    return ((uint64_t)file->offset * 31 + file->size) * 31 + (uint64_t)file->descriptor;
  }
  for (uint32_t i = 0; i < send->count; i++) {
    const uint8_t *bytes = send->pieces[i].iov_base;
    for (size_t k = 0; k < send->pieces[i].iov_len; k++) hash = (hash ^ bytes[k]) * 0x100000001b3u;
  }
  return hash;
}

// Completions

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

bool sim_slot_has_work(const struct sim_slot *slot) {
  if (slot->kind == SIM_FREE) return false;
  if (slot->detaching) return true;
  if (slot->kind == SIM_LISTENER) return listener_is_ready(slot);
  if (slot->kind == SIM_UDP) return sim_datagram_has_work(slot);
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
    // A completion-based backend may have been quicker than the detach.
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

int sim_accept(struct evnet_poller *poller, struct evnet_handle handle,
               struct evnet_address *out_peer) {
  struct sim_poller *self = (struct sim_poller *)poller;
  struct evnet_sim *sim = self->sim;
  struct sim_slot *slot = sim_slot_of(self, handle, SIM_LISTENER, "accept");
  if (slot == NULL) return -EBADF;
  if (!slot->accepting) evnet_sim_fail(sim, "accept of a listener that is not armed");
  struct sim_listener *listener = slot->listener;
  const bool waits = listener->queue_count > 0 && listener->queue[0]->ready_ns <= sim->now_ns;
  // Another process that has the listener may be quicker.
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

bool sim_slot_step(struct sim_slot *slot, struct evnet_completion *out) {
  if (slot->kind == SIM_FREE) return false;
  if (slot->detaching) return step_detaching(slot, out);
  if (slot->kind == SIM_LISTENER) return step_accept(slot, out);
  if (slot->kind == SIM_UDP) return sim_datagram_step(slot, out);
  if (slot->kind != SIM_STREAM) return sim_connect_step(slot, out);
  if (sim_flight_has_landed(slot)) {
    sim_flight_complete(slot, out);
    return true;
  }
  if (can_send(slot) && step_send(slot, out)) return true;
  if (can_recv(slot)) return step_recv(slot, out);
  return can_hang_up(slot) && step_hang_up(slot, out);
}
