// The handles of a simulated poller: acquired, found, closed and released.
#include "net/poller/testing/sim_slot.h"

#include <stdlib.h>

#include "net/poller/testing/sim_descriptor.h"
#include "net/poller/testing/sim_socket.h"
#include "net/poller/testing/sim_udp_socket.h"

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

// Hashes the bytes of a send, which must not change before its SEND. A file's bytes may change, but
// not its descriptor and range.
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
