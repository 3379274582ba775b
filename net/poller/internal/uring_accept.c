// What io_uring's completions mean for accepting: one enter may bring hundreds of connections, so
// they wait to be told, a share in each turn, and an error waits behind them.
#include <errno.h>
#include <unistd.h>

#include "net/poller/internal/socket.h"
#include "net/poller/internal/uring_state.h"

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
  return uring_tell(uring, slot, EVNET_OP_ACCEPT, status, false, out);
}

// Tells of one connection that was accepted, or keeps it: its listener has stopped, or has had its
// share of the turn.
bool uring_step_waiting(struct uring *uring, struct evnet_completion *out) {
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
  if (slot->transport == EVNET_TRANSPORT_UNIX) {
    evnet_unix_accepted(&uring->unix_listeners, slot->descriptor, entry.descriptor);
  }
  uring_tell(uring, slot, EVNET_OP_ACCEPT, entry.descriptor, true, out);
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
bool uring_on_accept(struct uring *uring, struct slot *slot, const struct io_uring_cqe *cqe,
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
