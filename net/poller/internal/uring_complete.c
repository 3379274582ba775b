// What io_uring's completions mean in the contract's terms.
//
// next looks, in this order, at: flights that have landed; what is finished; what was held back for
// this turn; the kernel's completions; what was accepted. Bytes that one socket brings beyond its
// share of a turn, or after recv_stop, are held back in their buffers, in order, and an end stays
// behind them. Stopped sockets may keep half the buffers so; beyond that bytes are told all the
// same, as others need buffers.
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "net/poller/internal/socket.h"
#include "net/poller/internal/uring_state.h"

static bool complete(const struct uring *uring, const struct slot *slot, enum evnet_op op,
                     int64_t result, bool more, struct evnet_completion *out) {
  *out = (struct evnet_completion){
      .handle = slot_handle(&uring->slots, slot), .op = op, .more = more, .result = result};
  return true;
}

void uring_check_finished(struct uring *uring, struct slot *slot) {
  if ((slot->flags & DETACHED) && slot->in_flight == 0) uring_list(uring, &uring->finished, slot);
}

// Received bytes and ends

static bool tell_bytes(struct uring *uring, const struct slot *slot, uint32_t buffer, int32_t size,
                       struct evnet_completion *out) {
  complete(uring, slot, EVNET_OP_RECV, size, true, out);
  out->data = uring_buffer_lend(uring, buffer);
  return true;
}

static bool tell_end(struct uring *uring, struct slot *slot, int32_t result,
                     struct evnet_completion *out) {
  slot->flags &= (uint16_t)~RECV_ON;
  if (result < 0) slot->flags |= HANGUP_TOLD;
  // The hang-up came while data stood in front of the end: it can be told now.
  bool dead = (slot->flags & DEAD) && !(slot->flags & HANGUP_TOLD);
  // Else a reset may come behind an end; but most connections are detached before the next wait.
  uring_list(uring, dead ? &uring->finished : &uring->starved, slot);
  return complete(uring, slot, EVNET_OP_RECV, result, false, out);
}

// What the slot has had of its share of this turn.
static uint32_t *share_of(struct uring *uring, const struct slot *slot) {
  uint32_t entry = slot_index(&uring->slots, slot) & (SHARES - 1);
  if (uring->share_turn[entry] != uring->turn) {
    uring->share_turn[entry] = uring->turn;
    uring->share_bytes[entry] = 0;
  }
  return &uring->share_bytes[entry];
}

// Whether the slot may have `size` bytes more in this turn; once it may not, it may no more until
// the next.
static bool take_share(struct uring *uring, const struct slot *slot, uint32_t size) {
  uint32_t *used = share_of(uring, slot);
  bool fits = *used == 0 || (*used <= uring->recv_bytes && size <= uring->recv_bytes - *used);
  *used = fits ? *used + size : UINT32_MAX;
  return fits;
}

static void hold_back(struct uring *uring, struct slot *slot, const struct held *entry) {
  EVNET_ASSERT(uring->held_count < HELD_MAX);
  uring->held[(uring->held_first + uring->held_count++) % HELD_MAX] = *entry;
  slot->held++;
  if (slot->flags & RECV_ON) uring->held_wanted = true;
}

// NULL when the handle is gone, or going.
static struct slot *held_slot(const struct uring *uring, const struct held *entry) {
  struct slot *slot = &uring->slots.table[entry->handle.index];
  return slot->generation == entry->handle.generation && !(slot->flags & DETACHED) ? slot : NULL;
}

void uring_begin_held(struct uring *uring) {
  uint32_t stopped = 0;
  for (uint32_t i = 0; i < uring->held_count; i++) {
    const struct held *entry = &uring->held[(uring->held_first + i) % HELD_MAX];
    struct slot *slot = held_slot(uring, entry);
    if (slot == NULL) continue;
    slot->flags &= (uint16_t)~KEPT;
    if (entry->result > 0 && !(slot->flags & RECV_ON)) stopped++;
  }
  uring->held_left = uring->held_count;
  uring->held_excess = stopped > KEPT_MAX ? stopped - KEPT_MAX : 0;
  uring->held_wanted = false;
}

// An end is always the last of its slot.
static bool step_held_end(struct uring *uring, struct slot *slot, const struct held *entry,
                          struct evnet_completion *out) {
  bool stopped = !(slot->flags & RECV_ON);
  if (stopped && entry->result < 0 && !(slot->flags & HANGUP_TOLD)) {
    slot->flags |= HANGUP_TOLD;
    return complete(uring, slot, EVNET_OP_HANGUP, entry->result, false, out);
  }
  if (slot->held > 0) {
    hold_back(uring, slot, entry);
    return false;
  }
  if (!stopped) return tell_end(uring, slot, entry->result, out);
  // Found again when recv_start arms anew.
  slot->flags &= (uint16_t)~ENDED;
  uring_list(uring, &uring->starved, slot);
  return false;
}

// Tells of one entry that was held back, or keeps it for the next turn.
static bool step_held(struct uring *uring, struct evnet_completion *out) {
  const struct held entry = uring->held[uring->held_first];
  uring->held_first = (uring->held_first + 1) % HELD_MAX;
  uring->held_count--;
  struct slot *slot = held_slot(uring, &entry);
  if (slot == NULL) {
    if (entry.result > 0) uring_buffer_provide(uring, entry.buffer);
    return false;
  }
  slot->held--;
  if (entry.result <= 0) return step_held_end(uring, slot, &entry, out);
  bool stopped = !(slot->flags & RECV_ON);
  bool now = !(slot->flags & KEPT) && (!stopped || uring->held_excess > 0) &&
             take_share(uring, slot, (uint32_t)entry.result);
  if (!now) {
    slot->flags |= KEPT;
    hold_back(uring, slot, &entry);
    return false;
  }
  if (stopped) uring->held_excess--;
  if (slot->held == 0) uring_list(uring, &uring->starved, slot);  // a recv or a watch was put off
  return tell_bytes(uring, slot, entry.buffer, entry.result, out);
}

// A socket that fills a buffer has large messages, and changes over.
static void choose_size(struct uring *uring, struct slot *slot, int32_t size) {
  if ((slot->flags & POLLED) || (uint32_t)size < uring->buffers.bytes) return;
  if (uring->buffers.bytes == uring->recv_bytes) return;
  // Without a place for that: with the next buffer that it fills.
  if ((slot->flags & RECV_ARMED) && !uring_cancel(uring, slot, TAG_RECV)) return;
  slot->flags |= POLLED;
}

// recv_stop's cancel was overtaken. An end is found again when recv_start arms anew; an error is
// not.
static bool ended_while_stopped(struct uring *uring, struct slot *slot, int32_t result,
                                struct evnet_completion *out) {
  if (result == 0 || (slot->flags & HANGUP_TOLD)) {
    uring_arm_hangup(uring, slot);
    return false;
  }
  slot->flags |= HANGUP_TOLD;
  return complete(uring, slot, EVNET_OP_HANGUP, result, false, out);
}

static bool on_recv(struct uring *uring, struct slot *slot, const struct io_uring_cqe *cqe,
                    struct evnet_completion *out) {
  if (!(cqe->flags & IORING_CQE_F_MORE)) slot->flags &= (uint16_t)~RECV_ARMED;
  bool has_buffer = cqe->flags & IORING_CQE_F_BUFFER;
  uint32_t buffer = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
  if (slot->flags & DETACHED) {
    if (has_buffer) uring_buffer_provide(uring, buffer);
    return false;
  }
  int32_t result = cqe->res;
  if (result == -ENOBUFS) {
    // To arm again at once would spin: the buffers come back with this turn's leases.
    uring_list(uring, &uring->starved, slot);
    return false;
  }
  if (result == -ECANCELED || result == -EINTR || result == -EAGAIN) {
    if (slot->flags & RECV_ON) uring_arm_recv(uring, slot);
    return false;
  }
  if (result > 0) {
    choose_size(uring, slot, result);
    // Not at once: the handler of these bytes may stop receiving.
    if (!(slot->flags & RECV_ARMED)) uring_list(uring, &uring->starved, slot);
  } else {
    if (has_buffer) uring_buffer_provide(uring, buffer);
    if (!(slot->flags & RECV_ON)) return ended_while_stopped(uring, slot, result, out);
    slot->flags |= ENDED;
  }
  // An end needs no share, but it stays behind what is held.
  bool now = slot->held == 0 && (slot->flags & RECV_ON) &&
             (result <= 0 || take_share(uring, slot, (uint32_t)result));
  if (!now) {
    hold_back(uring, slot,
              &(struct held){.handle = slot_handle(&uring->slots, slot),
                             .result = result,
                             .buffer = (uint16_t)buffer});
    return false;
  }
  if (result > 0) return tell_bytes(uring, slot, buffer, result, out);
  return tell_end(uring, slot, result, out);
}

// What a poll says that the kernel could not run. To start such a one again could go on for ever,
// so it is told as the connection's error, as that of any other operation is.
static bool poll_failed(int32_t result) { return result < 0 && result != -ECANCELED; }

// Of a POLLED slot: there is something to receive. The poll is armed again for the next turn, where
// it completes at once if something was left.
static bool on_ready(struct uring *uring, struct slot *slot, int32_t events,
                     struct evnet_completion *out) {
  slot->flags &= (uint16_t)~RECV_ARMED;
  if ((slot->flags & DETACHED) || !(slot->flags & RECV_ON)) return false;
  uint32_t *used = share_of(uring, slot);
  bool now = slot->held == 0 && *used < uring->recv_bytes;
  int64_t got = -EAGAIN;
  if (now) {
    got = poll_failed(events)
              ? events
              : evnet_socket_recv(slot->descriptor, uring->large, uring->recv_bytes - *used);
  }
  if (got <= 0 && got != -EAGAIN) {
    slot->flags |= ENDED;
    return tell_end(uring, slot, (int32_t)got, out);
  }
  if (got > 0 && got <= POLLED_LEAVE_BYTES) slot->flags &= (uint16_t)~POLLED;
  uring_list(uring, &uring->starved, slot);  // not at once: its handler may stop receiving
  if (got < 0) return false;
  *used += (uint32_t)got;
  complete(uring, slot, EVNET_OP_RECV, got, true, out);
  out->data = uring->large;
  return true;
}

// Hang-ups

static bool tell_hangup(struct uring *uring, struct slot *slot, struct evnet_completion *out) {
  int status = evnet_socket_take_error(slot->descriptor);
  if (status == 0 && slot->held == 0) status = evnet_socket_peek_end(slot->descriptor);
  if (status == -EAGAIN || (status == 0 && slot->held > 0)) {  // data stands in front
    slot->flags |= DEAD;
    return false;
  }
  slot->flags |= HANGUP_TOLD;
  return complete(uring, slot, EVNET_OP_HANGUP, status, false, out);
}

static bool on_hangup(struct uring *uring, struct slot *slot, const struct io_uring_cqe *cqe,
                      struct evnet_completion *out) {
  if (!(cqe->flags & IORING_CQE_F_MORE)) slot->flags &= (uint16_t)~WATCHED;
  if (slot->flags & (DETACHED | HANGUP_TOLD)) return false;
  if ((slot->flags & RECV_ON) && !(slot->flags & ENDED)) {
    // The recv tells of it; but it may be stopped first, and then a watch armed anew has to.
    if (slot->flags & WATCHED) (void)uring_cancel(uring, slot, TAG_HANGUP);
    return false;
  }
  if (poll_failed(cqe->res)) {
    slot->flags |= HANGUP_TOLD;
    return complete(uring, slot, EVNET_OP_HANGUP, cqe->res, false, out);
  }
  // The kernel also tells of the peer's end alone, which must not be told before the data in front
  // of it.
  if (cqe->res < 0 || !(cqe->res & (POLLHUP | POLLERR))) {
    uring_arm_hangup(uring, slot);
    return false;
  }
  return tell_hangup(uring, slot, out);
}

// Sends

// A flight that did not land well. The slot is still its flight's, even if that was noted before.
static void note_failure(struct uring *uring, const struct io_uring_cqe *cqe) {
  struct slot *slot = &uring->slots.table[cqe->user_data & 0xffffff];
  bool same = slot->generation == (uint32_t)(cqe->user_data >> 24) && (slot->flags & FLYING);
  if (same) slot->flight->result = cqe->res == -EAGAIN || cqe->res == -EINTR ? 0 : cqe->res;
}

void uring_land_flights(struct uring *uring) {
  // A failure that found no place among the completions is still the kernel's to tell.
  if (uring->flight_count == 0 || io_uring_cq_has_overflow(&uring->ring)) return;
  struct io_uring_cqe *cqe;
  unsigned head;
  io_uring_for_each_cqe(&uring->ring, head, cqe) {
    if (uring_tag(cqe) == TAG_SEND) note_failure(uring, cqe);
  }
  const uint32_t taken = io_uring_smp_load_acquire(uring->ring.sq.khead);
  while (uring->flights_landed < uring->flight_count) {
    uint32_t next = (uring->flight_first + uring->flights_landed) % FLIGHTS;
    if ((int32_t)(taken - uring->flights[next].position) < 0) break;
    uring->flights_landed++;
  }
}

bool uring_step_flight(struct uring *uring, struct evnet_completion *out) {
  const struct flight *flight = &uring->flights[uring->flight_first];
  uring->flight_first = (uring->flight_first + 1) % FLIGHTS;
  uring->flight_count--;
  uring->flights_landed--;
  struct slot *slot = &uring->slots.table[flight->slot];
  slot->flags &= (uint16_t)~FLYING;
  slot->send = NULL;
  slot->in_flight--;
  uring->landed = flight->lender;  // which holds the rest until the next call
  complete(uring, slot, EVNET_OP_SEND, flight->result, false, out);
  size_t taken = flight->result > 0 ? (size_t)flight->result : 0;
  out->data = flight->data + taken;
  out->rest = flight->size - taken;
  uring_check_finished(uring, slot);
  return true;
}

static bool on_out(struct uring *uring, struct slot *slot, int32_t events,
                   struct evnet_completion *out) {
  slot->flags &= (uint16_t)~OUT_ARMED;
  const struct evnet_send *send = slot->send;
  if (send == NULL || (slot->flags & (DETACHED | FLYING))) return false;
  int64_t sent =
      poll_failed(events) ? events : evnet_socket_send(slot->descriptor, send->pieces, send->count);
  if (sent == -EAGAIN) {
    uring_arm_out(uring, slot);
    return false;
  }
  slot->send = NULL;
  return complete(uring, slot, EVNET_OP_SEND, sent, false, out);
}

// Accepted connections

void uring_discard_descriptor(struct evnet_poller *poller, int descriptor) {
  (void)poller;
  evnet_socket_reset_on_close(descriptor);
  (void)close(descriptor);
}

static void waiting_push(struct uring *uring, struct evnet_handle listener, int descriptor) {
  uring->waiting[(uring->waiting_first + uring->waiting_count++) % WAITING_MAX] =
      (struct waiting){.listener = listener, .descriptor = descriptor};
}

static struct waiting waiting_pop(struct uring *uring) {
  struct waiting entry = uring->waiting[uring->waiting_first];
  uring->waiting_first = (uring->waiting_first + 1) % WAITING_MAX;
  uring->waiting_count--;
  return entry;
}

static bool take_accept(const struct uring *uring, struct slot *slot) {
  if (slot->accept_turn != uring->turn) {
    slot->accept_turn = uring->turn;
    slot->accept_count = 0;
  }
  if (slot->accept_count == ACCEPTS_PER_TURN) return false;
  slot->accept_count++;
  return true;
}

static bool tell_accept_error(const struct uring *uring, struct slot *slot, int status,
                              struct evnet_completion *out) {
  slot->flags &= (uint16_t)~ACCEPT_ON;
  return complete(uring, slot, EVNET_OP_ACCEPT, status, false, out);
}

// Tells of one connection that was accepted, or keeps it: its listener has stopped, or has had its
// share of the turn.
static bool step_waiting(struct uring *uring, struct evnet_completion *out) {
  const struct waiting entry = waiting_pop(uring);
  struct slot *slot = &uring->slots.table[entry.listener.index];
  bool gone = slot->generation != entry.listener.generation || (slot->flags & DETACHED);
  bool on = slot->flags & ACCEPT_ON;
  if (!gone && (!on || !take_accept(uring, slot))) {
    if (on) uring->waiting_wanted = true;
    waiting_push(uring, entry.listener, entry.descriptor);
    return false;
  }
  if (entry.descriptor < 0) return !gone && tell_accept_error(uring, slot, entry.descriptor, out);
  // A multishot accept has one place for the peers of all. Reset while it waited: getpeername(2)
  // says ENOTCONN, and nobody is there any more.
  if (gone || evnet_socket_remote_address(entry.descriptor, (enum evnet_transport)slot->transport,
                                          &uring->peer) < 0) {
    uring_discard_descriptor(&uring->poller, entry.descriptor);
    return false;
  }
  complete(uring, slot, EVNET_OP_ACCEPT, entry.descriptor, true, out);
  out->peer = &uring->peer;
  return true;
}

// Whether an accept that ended so is started again without a word. Nothing but failures is told as
// well: a security module refuses every accept, say, and to pass over that would spin.
static bool accept_goes_on(struct slot *slot, int32_t result) {
  if (result >= 0) slot->accept_failures = 0;
  if (result >= 0 || result == -ECANCELED) return true;
  if (evnet_socket_accept_error_is_lasting(result)) return false;
  if (++slot->accept_failures < ACCEPTS_PER_TURN) return true;
  slot->accept_failures = 0;
  return false;
}

// What was accepted, and an error behind it, are told in that order, as long as there is a place.
static bool on_accept(struct uring *uring, struct slot *slot, const struct io_uring_cqe *cqe,
                      struct evnet_completion *out) {
  if (!(cqe->flags & IORING_CQE_F_MORE)) slot->flags &= (uint16_t)~ACCEPT_ARMED;
  bool goes_on = accept_goes_on(slot, cqe->res);
  bool on = slot->flags & ACCEPT_ON;
  if (goes_on && on) uring_arm_accept(uring, slot);
  if (cqe->res < 0 && (goes_on || !on)) return false;
  if (uring->waiting_count < WAITING_MAX) {
    waiting_push(uring, slot_handle(&uring->slots, slot), cqe->res);
    uring->waiting_left++;
    return false;
  }
  if (cqe->res < 0)
    return !(slot->flags & DETACHED) && tell_accept_error(uring, slot, cqe->res, out);
  uring_discard_descriptor(&uring->poller, cqe->res);
  return false;
}

// The turn

// A detached slot with nothing in flight: what it owes, and DETACH. Or one whose hang-up may be
// told now.
static bool step_finished(struct uring *uring, struct slot *slot, struct evnet_completion *out) {
  if (!(slot->flags & DETACHED) || slot->in_flight > 0) {
    // Since it was listed for its hang-up it may have been detached, or found no place.
    uring_list(uring, &uring->starved, slot);
    return !(slot->flags & (DETACHED | HANGUP_TOLD)) && tell_hangup(uring, slot, out);
  }
  if (slot->send != NULL && !(slot->flags & LISTENER)) {
    slot->send = NULL;
    uring_list(uring, &uring->finished, slot);
    return complete(uring, slot, EVNET_OP_SEND, -ECANCELED, false, out);
  }
  (void)close(slot->descriptor);
  complete(uring, slot, EVNET_OP_DETACH, 0, false, out);
  slots_release(&uring->slots, slot);
  return true;
}

static bool dispatch(struct uring *uring, const struct io_uring_cqe *cqe,
                     struct evnet_completion *out) {
  enum tag tag = uring_tag(cqe);
  bool last = !(cqe->flags & IORING_CQE_F_MORE);
  if (tag == TAG_CANCEL) return false;
  if (tag == TAG_WAKE) {
    if (last) uring->wake_armed = false;
    return false;
  }
  if (tag == TAG_SEND) {
    note_failure(uring, cqe);
    return false;
  }
  // In flight until now, so the slot is the same that it was.
  struct slot *slot = &uring->slots.table[cqe->user_data & 0xffffff];
  EVNET_ASSERT(slot->generation == (uint32_t)(cqe->user_data >> 24) && slot->in_flight > 0);
  if (last) slot->in_flight--;
  bool told = false;
  switch (tag) {
    case TAG_RECV:
      told = on_recv(uring, slot, cqe, out);
      break;
    case TAG_READY:
      told = on_ready(uring, slot, cqe->res, out);
      break;
    case TAG_OUT:
      told = on_out(uring, slot, cqe->res, out);
      break;
    case TAG_HANGUP:
      told = on_hangup(uring, slot, cqe, out);
      break;
    case TAG_ACCEPT:
      told = on_accept(uring, slot, cqe, out);
      break;
    case TAG_SEND:
    case TAG_CANCEL:
    case TAG_WAKE:
      break;
  }
  uring_check_finished(uring, slot);
  return told;
}

// Takes one completion off the ring; false: there is none.
static bool take_cqe(struct uring *uring, struct io_uring_cqe *out_cqe) {
  if (io_uring_cq_ready(&uring->ring) == 0) return false;
  struct io_uring_cqe *head;
  if (io_uring_peek_cqe(&uring->ring, &head) < 0) return false;
  // Copied by its fields: the struct ends in an array without a size.
  out_cqe->user_data = head->user_data;
  out_cqe->res = head->res;
  out_cqe->flags = head->flags;
  io_uring_cq_advance(&uring->ring, 1);
  return true;
}

bool uring_next(struct evnet_poller *poller, struct evnet_completion *out_completion) {
  struct uring *uring = (struct uring *)poller;
  uring_end_leases(uring);
  for (;;) {
    if (uring->flights_landed > 0) return uring_step_flight(uring, out_completion);
    struct slot *finished = slot_list_pop(&uring->slots, &uring->finished);
    struct io_uring_cqe cqe;
    bool told;
    if (finished != NULL) {
      finished->flags &= (uint16_t)~LISTED;
      told = step_finished(uring, finished, out_completion);
    } else if (uring->held_left > 0) {
      uring->held_left--;
      told = step_held(uring, out_completion);
    } else if (take_cqe(uring, &cqe)) {
      told = dispatch(uring, &cqe, out_completion);
    } else if (uring->waiting_left > 0) {
      uring->waiting_left--;
      told = step_waiting(uring, out_completion);
    } else {
      return false;
    }
    if (told) return true;
  }
}
