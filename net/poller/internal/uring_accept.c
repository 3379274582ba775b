// Accepting over io_uring: a one-shot poll reports that connections are queued, and accept4(2)
// takes them. So no connection leaves the backlog before there is a place for it, and accept4(2)
// returns the peer's address.
//
// The poll that is armed for the next turn finds out whether more connections are queued, which
// costs less than an accept that finds none. Therefore a turn takes one connection, or twice as
// many as the turn before while more are queued.
#include "net/poller/internal/uring_accept.h"

#include <errno.h>

#include "net/poller/internal/socket.h"

void uring_discard_descriptor(struct evnet_poller *poller, int descriptor) {
  (void)poller;
  evnet_socket_reset(descriptor, false);
  evnet_socket_close(descriptor, true, false);
}

// The largest number of connections that this turn takes from the listener.
static uint16_t choose_share(const struct uring *uring, const struct slot *slot) {
  bool is_flood = slot->accept_turn + 1 == uring->turn && slot->accept_left == 0;
  if (!is_flood || slot->accept_share == 0) return 1;
  return slot->accept_share < EVNET_ACCEPTS_MAX ? (uint16_t)(2 * slot->accept_share)
                                                : EVNET_ACCEPTS_MAX;
}

bool uring_on_acceptable(struct uring *uring, struct slot *slot, int32_t events,
                         struct evnet_completion *out) {
  slot->flags &= (uint16_t)~ACCEPT_ARMED;
  if ((slot->flags & DETACHED) || !(slot->flags & ACCEPT_ON)) return false;
  if (uring_poll_failed(events)) {
    slot->flags &= (uint16_t)~ACCEPT_ON;
    return uring_tell(uring, slot, EVNET_OP_ACCEPT, events, false, out);
  }
  uring_list(uring, &uring->starved, slot);  // polled again for the next turn
  if (events == -ECANCELED) return false;
  slot->accept_share = slot->accept_left = choose_share(uring, slot);
  slot->accept_turn = uring->turn;
  return uring_step_accept(uring, slot, out);
}

bool uring_step_accept(struct uring *uring, struct slot *slot, struct evnet_completion *out) {
  bool on = (slot->flags & ACCEPT_ON) && !(slot->flags & DETACHED);
  if (!on || slot->accept_left == 0) return false;
  slot->accept_left--;
  uring->accepting = slot;
  return uring_tell(uring, slot, EVNET_OP_ACCEPT, 0, true, out);
}

int uring_accept(struct evnet_poller *poller, struct evnet_handle handle,
                 struct evnet_address *out_peer) {
  struct uring *uring = (struct uring *)poller;
  struct slot *slot = uring_slot_of(uring, handle);
  if (!(slot->flags & ACCEPT_ON)) return -EAGAIN;
  int descriptor = evnet_socket_accept(slot->descriptor, (enum evnet_transport)slot->transport,
                                       &uring->unix_listeners, out_peer);
  if (descriptor >= 0) return descriptor;
  slot->accept_share = slot->accept_left = 0;  // the next turn starts with one connection again
  if (descriptor != -EAGAIN) slot->flags &= (uint16_t)~ACCEPT_ON;
  return descriptor;
}
