// A simulated poller's turn: which completions a wait finds, and the order in which next reports
// them.
//
// A wait gathers the slots that have something to report. Each call of next takes one of them at
// random. So completions of different handles come in any order, and completions of one handle in
// their own order. Only a batch of datagrams is reported without interruption. A slot leaves the
// turn when it has nothing more to report or has had its share: recv_bytes_max bytes, one send, one
// batch.
#include "net/poller/testing/sim_turn.h"

#include <string.h>

#include "net/poller/testing/sim_flight.h"
#include "net/poller/testing/sim_step.h"

enum {
  POISON = 0xdd,
  ROUNDED_NS = 1000000,  // a backend may round a wait up to 1 ms
  DEFERRALS_MAX = 3,     // consecutive ones of one handle
};

void sim_turn_meanwhile(const struct sim_poller *self, bool sleeps) {
  const struct evnet_sim *sim = self->sim;
  if (sim->meanwhile != NULL) sim->meanwhile(sim->meanwhile_user, self->index, sleeps);
}

void sim_turn_join(struct sim_slot *slot) {
  struct sim_poller *self = slot->owner;
  if (slot->in_turn || self->drained) return;
  slot->in_turn = true;
  self->turn[self->turn_count++] = slot;
}

static void end_lease(struct sim_poller *self) {
  sim_block_release(self, self->landed);
  self->landed = NULL;
  if (self->recv->users > 1) {
    // It is the source of a flight.
    sim_block_release(self, self->recv);
    self->recv = sim_block_take(self);
  } else {
    memset(self->recv->bytes, POISON, self->lease_bytes);
  }
  self->lease_bytes = 0;
}

static void leave_turn(struct sim_poller *self, uint32_t at) {
  struct sim_slot *slot = self->turn[at];
  slot->in_turn = false;
  slot->share_bytes = 0;
  slot->share_accepts = 0;
  slot->share_send = false;
  slot->share_batch = false;
  self->turn[at] = self->turn[--self->turn_count];
}

static void gather_turn(struct sim_poller *self) {
  struct evnet_sim *sim = self->sim;
  for (uint32_t i = 0; i < self->slot_count; i++) {
    struct sim_slot *slot = self->slots[i];
    slot->share_watch = false;
    if (!sim_step_has_work(slot)) continue;
    if (slot->deferrals < DEFERRALS_MAX && evnet_sim_chance(sim, sim->options.faults.deferred)) {
      slot->deferrals++;
    } else {
      slot->deferrals = 0;
      sim_turn_join(slot);
    }
  }
}

// Sends the bytes of flights. A flight that succeeded is reported only by a wait that ends for
// another reason: this wait, or the one that sent it.
static void fly(struct sim_poller *self, bool last_wait_ended, bool ends) {
  for (uint32_t i = 0; i < self->slot_count; i++) {
    struct sim_slot *slot = self->slots[i];
    if (slot->kind != SIM_STREAM || slot->flight.piece.iov_len == 0 || slot->detaching) continue;
    if (slot->flight.flown && last_wait_ended) slot->flight.landed = true;
    sim_flight_fly(slot);
  }
  gather_turn(self);
  for (uint32_t i = 0; i < self->slot_count; i++) {
    struct sim_slot *slot = self->slots[i];
    if (slot->kind != SIM_STREAM || slot->flight.piece.iov_len == 0 || slot->detaching) continue;
    if (ends || self->turn_count > 0) slot->flight.landed = true;
    if (slot->flight.landed) sim_turn_join(slot);
  }
}

void sim_turn_wait(struct sim_poller *self, int64_t timeout_ns) {
  struct evnet_sim *sim = self->sim;
  if (!self->drained) evnet_sim_fail(sim, "wait before next has returned false");
  end_lease(self);
  evnet_sim_note(sim, "wait", self->index, timeout_ns, self->woken);
  if (timeout_ns != 0) sim_turn_meanwhile(self, true);
  bool last_wait_ended = self->woken || self->wake_ns <= sim->now_ns;
  bool ends = self->woken || timeout_ns == 0;
  self->wake_ns = UINT64_MAX;
  if (self->woken || timeout_ns == 0) {
    self->wake_ns = sim->now_ns;
  } else if (timeout_ns > 0) {
    self->wake_ns = sim->now_ns + (uint64_t)timeout_ns + evnet_sim_below(sim, ROUNDED_NS);
  }
  self->woken = false;
  self->drained = false;
  fly(self, last_wait_ended, ends);
}

// Called when next is called again: some handles that were detached in between may be reported now.
static void gather_detached(struct sim_poller *self) {
  self->drained = false;
  for (uint32_t i = 0; i < self->slot_count; i++) {
    struct sim_slot *slot = self->slots[i];
    if (slot->detaching && evnet_sim_below(self->sim, 2) == 0) sim_turn_join(slot);
  }
}

bool sim_turn_next(struct sim_poller *self, struct evnet_completion *out_completion) {
  end_lease(self);
  if (self->drained) gather_detached(self);
  // A batch is reported before anything else.
  if (self->batching != NULL && sim_step(self->batching, out_completion)) return true;
  while (self->turn_count > 0) {
    uint32_t at = evnet_sim_below(self->sim, self->turn_count);
    struct sim_slot *slot = self->turn[at];
    if (sim_step(slot, out_completion)) {
      // The wait has ended, and its caller will call wait again.
      self->wake_ns = 0;
      return true;
    }
    leave_turn(self, at);
  }
  self->drained = true;
  return false;
}

uint32_t sim_turn_unreported(const struct sim_poller *self) {
  if (!self->drained) evnet_sim_fail(self->sim, "unreported before next has returned false");
  for (uint32_t i = 0; i < self->slot_count; i++) {
    if (sim_step_has_work(self->slots[i])) return DEFERRALS_MAX + 1;
  }
  return 0;
}

// The driver runs the poller's reactor again when evnet_sim_is_runnable says so, as another loop
// would that polls a descriptor.
bool sim_turn_settle(struct sim_poller *self) {
  if (!self->drained) evnet_sim_fail(self->sim, "settle before next has returned false");
  for (uint32_t i = 0; i < self->slot_count; i++) {
    const struct sim_slot *slot = self->slots[i];
    if (slot->kind == SIM_STREAM && slot->flight.piece.iov_len > 0) return false;
  }
  self->wake_ns = UINT64_MAX;
  return true;
}
