// Translates io_uring's completions into those of the poller's contract.
//
// `next` looks at these in order: the rest of a batch of datagrams; flights that have landed; slots
// on `finished`; entries held back for this turn; events of watches; the kernel's completions, and
// the connections queued at a listener. uring_receive.c and uring_accept.c translate their own completions.
#include "net/poller/internal/uring_complete.h"

#include <errno.h>
#include <poll.h>

#include "net/poller/internal/socket.h"
#include "net/poller/internal/uring_accept.h"
#include "net/poller/internal/uring_connect.h"
#include "net/poller/internal/uring_memory.h"
#include "net/poller/internal/uring_receive.h"
#include "net/poller/internal/uring_slot.h"
#include "net/poller/internal/uring_submit.h"
#include "net/poller/internal/uring_watch.h"

// Hang-ups

static bool tell_hangup(struct uring *uring, struct slot *slot, struct evnet_completion *out) {
  int status = evnet_socket_take_error(slot->descriptor);
  if (status == 0 && slot->held == 0) status = evnet_socket_peek_end(slot->descriptor);
  if (status == -EAGAIN || (status == 0 && slot->held > 0)) {  // data is unread before EOF
    slot->flags |= DEAD;
    return false;
  }
  slot->flags |= HANGUP_TOLD;
  return uring_tell(uring, slot, EVNET_OP_HANGUP, status, false, out);
}

static bool on_hangup(struct uring *uring, struct slot *slot, const struct io_uring_cqe *cqe,
                      struct evnet_completion *out) {
  if (!(cqe->flags & IORING_CQE_F_MORE)) slot->flags &= (uint16_t)~WATCHED;
  if (slot->flags & (DETACHED | HANGUP_TOLD)) return false;
  if (uring_is_receiving(slot)) {
    // The recv will report the hang-up. If the recv is stopped first, a newly armed watch reports
    // it.
    if (slot->flags & WATCHED) (void)uring_cancel(uring, slot, TAG_HANGUP);
    return false;
  }
  if (uring_poll_failed(cqe->res)) {
    slot->flags |= HANGUP_TOLD;
    return uring_tell(uring, slot, EVNET_OP_HANGUP, cqe->res, false, out);
  }
  // The kernel also reports an EOF without a hang-up, which must not be reported before the data
  // that precedes it.
  if (cqe->res < 0 || !(cqe->res & (POLLHUP | POLLERR))) {
    uring_arm_hangup(uring, slot);
    return false;
  }
  return tell_hangup(uring, slot, out);
}

// Sends

// Records a flight that did not succeed. The slot still belongs to this flight, even if its landing
// was noted before.
static void note_failure(struct uring *uring, const struct io_uring_cqe *cqe) {
  struct slot *slot = &uring->slots.table[cqe->user_data & 0xffffff];
  bool same = slot->generation == (uint32_t)(cqe->user_data >> 24) && (slot->flags & FLYING);
  if (same) slot->flight->result = cqe->res == -EAGAIN || cqe->res == -EINTR ? 0 : cqe->res;
}

void uring_land_flights(struct uring *uring) {
  // If the completion queue has overflowed, the kernel may still have failures to report.
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
  uring->landed = flight->lender;  // keeps the unsent bytes until the next call
  uring_tell(uring, slot, EVNET_OP_SEND, flight->result, false, out);
  size_t taken = flight->result > 0 ? (size_t)flight->result : 0;
  out->data = flight->data + taken;
  out->rest = flight->size - taken;
  uring_check_finished(uring, slot);
  return true;
}

// Reports the result of a send for which a poll was armed.
static bool tell_sent(struct uring *uring, struct slot *slot, int64_t result,
                      struct evnet_completion *out) {
  slot->send = NULL;
  if (slot->flags & OUT_ARMED) uring_cancel_unwanted(uring, slot);
  return uring_tell(uring, slot, EVNET_OP_SEND, result, false, out);
}

static int64_t send_started(const struct uring *uring, const struct slot *slot) {
  const size_t most =
      evnet_quota_ask(&uring->poller, slot_handle(&uring->slots, slot), EVNET_OP_SEND);
  return evnet_socket_send_started(slot->descriptor, slot->send, most);
}

static bool on_out(struct uring *uring, struct slot *slot, const struct io_uring_cqe *cqe,
                   struct evnet_completion *out) {
  const int32_t events = cqe->res;
  if (!(cqe->flags & IORING_CQE_F_MORE)) slot->flags &= (uint16_t)~OUT_ARMED;
  if (slot->connect != SLOT_PLAIN) return uring_on_connect(uring, slot, events, out);
  const struct evnet_send *send = slot->send;
  if (send == NULL && (slot->flags & OUT_ARMED)) uring_cancel_unwanted(uring, slot);
  if (send == NULL || (slot->flags & (DETACHED | FLYING))) return false;
  if (uring_poll_failed(events)) return tell_sent(uring, slot, events, out);
  int64_t sent = -EAGAIN;
  if (events == -ECANCELED || (events & (POLLOUT | POLLERR | POLLHUP)))
    sent = send == &evnet_datagrams_room ? 0 : send_started(uring, slot);
  if (sent != -EAGAIN) return tell_sent(uring, slot, sent, out);
  // The kernel reported an event without POLLOUT, so there was no room. Another one-shot poll would
  // complete immediately.
  if (events != -ECANCELED && !(events & POLLOUT)) slot->flags |= EDGE;
  uring_arm_out(uring, slot);
  return false;
}

// The turn

// Handles a slot of `finished`. A detached slot with nothing in flight reports its pending
// completions, then DETACH. Any other slot reports its hang-up, or the result of its connect.
static bool step_finished(struct uring *uring, struct slot *slot, struct evnet_completion *out) {
  if (slot->connect == SLOT_ANSWERED) return uring_tell_connect(uring, slot, out);
  if (!(slot->flags & DETACHED) || slot->in_flight > 0) {
    // After it was listed for its hang-up, it may have been detached, or found no free entry.
    uring_list(uring, &uring->starved, slot);
    bool passed = slot->flags & (DETACHED | HANGUP_TOLD) || uring_is_receiving(slot);
    return !passed && tell_hangup(uring, slot, out);
  }
  if (slot->send != NULL && !(slot->flags & LISTENER)) {
    slot->send = NULL;
    uring_list(uring, &uring->finished, slot);
    return uring_tell(uring, slot, EVNET_OP_SEND, -ECANCELED, false, out);
  }
  uring_close_descriptor(uring, slot);
  uring_tell(uring, slot, EVNET_OP_DETACH, 0, false, out);
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
  if (tag == TAG_WATCH) {
    uring->watching.armed = false;
    uring_watch_ready(uring);
    return false;
  }
  // The operation was in flight until now, so the slot has not been reused.
  struct slot *slot = &uring->slots.table[cqe->user_data & 0xffffff];
  EVNET_ASSERT(slot->generation == (uint32_t)(cqe->user_data >> 24) && slot->in_flight > 0);
  if (last) slot->in_flight--;
  bool told = false;
  switch (tag) {
    case TAG_RECV:
      told = uring_on_recv(uring, slot, cqe, out);
      break;
    case TAG_READY:
      told = uring_on_ready(uring, slot, cqe, out);
      break;
    case TAG_OUT:
      told = on_out(uring, slot, cqe, out);
      break;
    case TAG_HANGUP:
      told = on_hangup(uring, slot, cqe, out);
      break;
    case TAG_ACCEPT:
      told = uring_on_acceptable(uring, slot, cqe->res, out);
      break;
    case TAG_SEND:
    case TAG_CANCEL:
    case TAG_WAKE:
    case TAG_WATCH:
      break;
  }
  uring_check_finished(uring, slot);
  return told;
}

// Takes one completion off the ring. Returns false if there is none.
static bool take_cqe(struct uring *uring, struct io_uring_cqe *out_cqe) {
  if (io_uring_cq_ready(&uring->ring) == 0) return false;
  struct io_uring_cqe *head;
  if (io_uring_peek_cqe(&uring->ring, &head) < 0) return false;
  // Copies the fields one by one, because the struct ends in an array without a size.
  out_cqe->user_data = head->user_data;
  out_cqe->res = head->res;
  out_cqe->flags = head->flags;
  io_uring_cq_advance(&uring->ring, 1);
  return true;
}

bool uring_next(struct evnet_poller *poller, struct evnet_completion *out_completion) {
  struct uring *uring = (struct uring *)poller;
  uring_end_leases(uring);
  struct slot *accepting = uring->accepting;
  uring->accepting = NULL;
  if (accepting != NULL && uring_step_accept(uring, accepting, out_completion)) return true;
  for (;;) {
    if (evnet_datagrams_next(uring->datagrams, out_completion)) return true;
    if (uring->flights_landed > 0) return uring_step_flight(uring, out_completion);
    struct slot *finished = slot_list_pop(&uring->slots, &uring->finished);
    struct io_uring_cqe cqe;
    bool told;
    if (finished != NULL) {
      finished->flags &= (uint16_t)~LISTED;
      told = step_finished(uring, finished, out_completion);
    } else if (uring->held_left > 0) {
      uring->held_left--;
      told = uring_step_held(uring, out_completion);
    } else if (uring_has_watch_events(uring)) {
      told = uring_step_watch(uring, out_completion);
    } else if (take_cqe(uring, &cqe)) {
      told = dispatch(uring, &cqe, out_completion);
    } else {
      return false;
    }
    if (told) return true;
  }
}
