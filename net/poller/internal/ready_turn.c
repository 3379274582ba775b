// A turn of the readiness backends: which slots an event names, what each slot does then, and which
// slots wait for the next turn.
#include "net/poller/internal/ready_turn.h"

#include <errno.h>

#include "net/poller/internal/ready_connect.h"
#include "net/poller/internal/ready_slot.h"
#include "net/poller/internal/ready_watch.h"
#include "net/poller/internal/rights.h"
#include "net/poller/internal/socket.h"

// A step tries one operation and returns whether it made a completion. A stream's request runs only
// step_recv. The other steps are not inlined, so that the path of a request takes fewer cache
// lines.
#define RARE __attribute__((noinline))

RARE static bool step_detached(struct ready *ready, struct slot *slot,
                               struct evnet_completion *out) {
  if (slot == &ready->watching) return ready_step_watch(ready, out);
  if (slot->send != NULL) {
    slot->send = NULL;
    go_on(ready, slot);
    return complete(ready, slot, EVNET_OP_SEND, -ECANCELED, false, out);
  }
  complete(ready, slot, EVNET_OP_DETACH, 0, false, out);
  slots_release(&ready->slots, slot);
  return true;
}

// Each ACCEPT stands for at most one connection. The result of accepting it decides whether there
// is another.
RARE static bool step_accept(struct ready *ready, struct slot *slot, struct evnet_completion *out) {
  if (!(slot->flags & ACCEPT_ON) || !(slot->flags & READABLE)) return false;
  if (ready->share_accepts == EVNET_ACCEPTS_MAX) {
    enqueue(ready, &ready->later, slot);
    return false;
  }
  ready->share_accepts++;
  go_on(ready, slot);
  return complete(ready, slot, EVNET_OP_ACCEPT, 0, true, out);
}

int ready_accept(struct evnet_poller *poller, struct evnet_handle handle,
                 struct evnet_address *out_peer) {
  struct ready *ready = ready_of(poller);
  struct slot *slot = slot_of(ready, handle);
  if (!(slot->flags & ACCEPT_ON)) return -EAGAIN;
  int descriptor = evnet_socket_accept(slot->descriptor, (enum evnet_transport)slot->transport,
                                       &ready->unix_listeners, out_peer);
  if (descriptor >= 0) return descriptor;
  if (descriptor == -EAGAIN) {
    slot->flags &= (uint16_t)~READABLE;
  } else {
    // READABLE stays, because the edge is not used up: accept_start tries again.
    slot->flags &= (uint16_t)~ACCEPT_ON;
  }
  return descriptor;
}

// Handles a wait for room: reports that there is room, or that the kernel cannot be asked for the
// event.
static bool step_room(struct ready *ready, struct slot *slot, struct evnet_completion *out) {
  int status = 0;
  if (!(slot->flags & OUT_WATCHED)) {
    status = ready_watch_writes(ready, slot, true);
    slot->flags &= (uint16_t)~WRITABLE;
    if (status == 0) return false;  // the kernel reports the event if there is room
  }
  slot->send = NULL;
  (void)ready_watch_writes(ready, slot, false);
  go_on(ready, slot);
  return complete(ready, slot, EVNET_OP_SEND, status, false, out);
}

RARE static bool step_send(struct ready *ready, struct slot *slot, struct evnet_completion *out) {
  if (slot->send == &evnet_datagrams_room) return step_room(ready, slot, out);
  const size_t most =
      evnet_quota_ask(&ready->poller, slot_handle(&ready->slots, slot), EVNET_OP_SEND);
  int64_t sent = evnet_socket_send_started(slot->descriptor, slot->send, most);
  if (sent == -EAGAIN) {
    slot->flags &= (uint16_t)~WRITABLE;
    int status = ready_watch_writes(ready, slot, true);
    if (status == 0) return false;
    sent = status;  // it would never be retried
  }
  slot->send = NULL;
  ready->share_send = true;
  (void)ready_watch_writes(ready, slot, false);
  go_on(ready, slot);
  return complete(ready, slot, EVNET_OP_SEND, sent, false, out);
}

// No recv is armed, so no read would find that the connection is dead. An EOF alone is not
// reported, because data may precede it.
RARE static bool step_hangup(struct ready *ready, struct slot *slot, struct evnet_completion *out) {
  int status = evnet_socket_take_error(slot->descriptor);
  if (status == 0) status = evnet_socket_peek_end(slot->descriptor);
  if (status == -EAGAIN) return false;
  slot->flags |= HANGUP_TOLD;
  return complete(ready, slot, EVNET_OP_HANGUP, status, false, out);
}

// The quota permits no bytes. READABLE stays, because the edge is not used up.
RARE static bool step_refused(struct ready *ready, struct slot *slot,
                              struct evnet_completion *out) {
  slot->flags &= (uint16_t)~RECV_ON;
  return (slot->flags & DEAD) && !(slot->flags & HANGUP_TOLD) && step_hangup(ready, slot, out);
}

// Returns the most that a recv may ask for, if there is a quota.
RARE static size_t share_of_quota(const struct ready *ready, const struct slot *slot,
                                  size_t share) {
  const size_t most =
      evnet_quota_ask(&ready->poller, slot_handle(&ready->slots, slot), EVNET_OP_RECV);
  return most < share ? most : share;
}

RARE static int64_t receive_unix(struct ready *ready, struct slot *slot, size_t share,
                                 bool *out_split) {
  const struct evnet_handle handle = slot_handle(&ready->slots, slot);
  if (evnet_rights_are_taken(&ready->poller, handle)) {
    *out_split = true;
    return evnet_rights_receive(&ready->poller, handle, slot->descriptor, ready->recv_block, share);
  }
  return slot->flags & LEVEL
             ? evnet_socket_recv(slot->descriptor, ready->recv_block, share)
             : evnet_socket_recv_unix(slot->descriptor, ready->recv_block, share, out_split);
}

static bool step_recv(struct ready *ready, struct slot *slot, struct evnet_completion *out) {
  size_t share = ready->recv_bytes - ready->share_bytes;
  if (ready->poller.quota != NULL) {
    share = share_of_quota(ready, slot, share);
    if (share == 0) return step_refused(ready, slot, out);
  }
  bool split = false;  // more data may follow a short read
  int64_t got = slot->transport == EVNET_TRANSPORT_UNIX
                    ? receive_unix(ready, slot, share, &split)
                    : evnet_socket_recv(slot->descriptor, ready->recv_block, share);
  if (got == -EAGAIN) {
    slot->flags &= (uint16_t) ~(READABLE | URGENT);
    // If the kernel reported it nevertheless, it would do so in each wait.
    if (slot->flags & LEVEL) ready_leave_level(ready, slot);
    return false;
  }
  if (got <= 0) {
    slot->flags &= (uint16_t) ~(READABLE | RECV_ON);
    if (got < 0) slot->flags |= HANGUP_TOLD;
    if (slot->flags & DEAD)
      // A recv is no longer armed, and a hang-up or error came, too.
      go_on(ready, slot);
    return complete(ready, slot, EVNET_OP_RECV, got, false, out);
  }
  ready->share_bytes += (size_t)got;
  if ((size_t)got == share) {
    enqueue(ready, &ready->later, slot);
  } else if (!split && !(slot->flags & (ENDING | URGENT))) {
    // The queue was empty when the kernel returned fewer bytes than requested. Later data makes an
    // edge; for a LEVEL slot, the next wait reports the rest. This does not hold with out-of-band
    // data, which cuts a read short.
    slot->flags &= (uint16_t)~READABLE;
  } else {
    go_on(ready, slot);
  }
  complete(ready, slot, EVNET_OP_RECV, got, true, out);
  out->data = ready->recv_block;
  return true;
}

// Reports bytes that the caller may splice. The slot goes on: if they were not spliced, they are
// received.
RARE static bool step_splice(struct ready *ready, struct slot *slot, struct evnet_completion *out) {
  slot->flags &= (uint16_t)~SPLICES;
  go_on(ready, slot);
  return complete(ready, slot, EVNET_OP_SPLICE, 0, true, out);
}

// Steps a datagram socket. The datagrams of a batch are reported before anything else of the turn,
// because there is one batch for all sockets. The batch's socket stays `current` until then.
RARE static bool step_datagrams(struct ready *ready, struct slot *slot,
                                struct evnet_completion *out) {
  if (slot->send != NULL && (slot->flags & WRITABLE) && step_room(ready, slot, out)) return true;
  if (evnet_datagrams_next(ready->datagrams, out)) {
    go_on(ready, slot);
    return true;
  }
  if (!(slot->flags & RECV_ON) || !(slot->flags & READABLE)) return false;
  if (ready->share_datagrams) {
    enqueue(ready, &ready->later, slot);
    return false;
  }
  ready->share_datagrams = true;
  bool more;
  int status = evnet_datagrams_receive(ready->datagrams, slot->descriptor,
                                       slot_handle(&ready->slots, slot), &more);
  // A batch that was not full has emptied the socket, and later datagrams make an edge.
  if (!more && (status == -EAGAIN || status > 0)) slot->flags &= (uint16_t)~READABLE;
  // The edge of a lasting error is not used up: recv_start tries immediately.
  if (status < 0 && status != -EAGAIN) slot->flags &= (uint16_t)~RECV_ON;
  if (!evnet_datagrams_next(ready->datagrams, out)) return false;
  go_on(ready, slot);
  return true;
}

static bool step(struct ready *ready, struct slot *slot, struct evnet_completion *out) {
  if (slot->flags & DETACHED) return step_detached(ready, slot, out);
  if (slot->connect != SLOT_PLAIN) return ready_step_connect(ready, slot, out);
  if (slot->flags & LISTENER) return step_accept(ready, slot, out);
  if (slot->transport == EVNET_TRANSPORT_UDP) return step_datagrams(ready, slot, out);
  // Sends come first, so that the reply to the next request can use memory that a completed send
  // frees.
  if (slot->send != NULL && (slot->flags & WRITABLE)) {
    if (ready->share_send) {
      enqueue(ready, &ready->later, slot);
    } else if (step_send(ready, slot, out)) {
      return true;
    }
  }
  if (slot->flags & RECV_ON) {
    if (!(slot->flags & READABLE)) return false;
    return slot->flags & SPLICES ? step_splice(ready, slot, out) : step_recv(ready, slot, out);
  }
  return (slot->flags & DEAD) && !(slot->flags & HANGUP_TOLD) && step_hangup(ready, slot, out);
}

// Returns the slot that the next event names, with updated flags. Returns NULL if the slot has
// nothing to do now.
static struct slot *take_event(struct ready *ready) {
  const struct evnet_ready_event *event = &ready->events[ready->event_next++];
  uint32_t index = (uint32_t)event->token;
  if (index & READY_WATCH_TOKEN) return &ready->watching;
  struct slot *slot = &ready->slots.table[index];
  // The descriptor was detached earlier in this batch, and its slot may be in use again.
  if (slot->generation != (uint32_t)(event->token >> 32) || (slot->flags & DETACHED)) return NULL;
  uint32_t state = event->state;
  uint32_t flags = slot->flags;
  if (state & EVNET_READY_IN) flags |= READABLE;
  if (state & EVNET_READY_OUT) flags |= WRITABLE;
  if (state & EVNET_READY_URGENT) flags |= READABLE | URGENT;
  if (state & (EVNET_READY_END | EVNET_READY_HANGUP | EVNET_READY_ERROR))
    flags |= READABLE | ENDING;
  // WRITABLE is set because a blocked send now fails, which has to be reported.
  if (state & (EVNET_READY_HANGUP | EVNET_READY_ERROR)) flags |= WRITABLE | DEAD;
  slot->flags = (uint16_t)flags;
  // A connect that finishes is reported in this turn, and only then may the handler start reading.
  const bool is_unread = !(flags & RECV_ON) && slot->connect == SLOT_PLAIN;
  if ((flags & LEVEL) && (is_unread || (flags & URGENT))) ready_leave_level(ready, slot);
  return (flags & LISTED) ? NULL : slot;
}

static struct slot *take_slot(struct ready *ready) {
  if (ready->current != NULL) {
    struct slot *slot = ready->current;
    ready->current = NULL;
    return slot;
  }
  ready->share_bytes = 0;
  ready->share_send = false;
  ready->share_accepts = 0;
  ready->share_datagrams = false;
  while (ready->event_next < ready->event_count) {
    struct slot *slot = take_event(ready);
    if (slot != NULL) return slot;
  }
  struct slot *slot = slot_list_pop(&ready->slots, &ready->now);
  if (slot != NULL) slot->flags &= (uint16_t)~LISTED;
  return slot;
}

int ready_wait(struct evnet_poller *poller, int64_t timeout_ns) {
  struct ready *ready = ready_of(poller);
  EVNET_ASSERT(ready->current == NULL && ready->event_next == ready->event_count);
  // `now` holds slots that were detached since the last completion.
  slot_list_append(&ready->slots, &ready->now, &ready->later);
  if (!slot_list_is_empty(&ready->now)) timeout_ns = 0;
  ready->turn++;
  ready->event_next = 0;
  ready->event_count = 0;
  int count =
      ready->kernel->wait(ready->kernel_state, ready->events, EVENTS_MAX, timeout_ns, &ready->more);
  if (count < 0) return count;
  ready->event_count = count;
  return 0;
}

bool ready_next(struct evnet_poller *poller, struct evnet_completion *out_completion) {
  struct ready *ready = ready_of(poller);
  struct slot *slot;
  while ((slot = take_slot(ready)) != NULL) {
    if (step(ready, slot, out_completion)) return true;
  }
  return false;
}

// The kernel reports events first in, first out. This counts the waits that take all events that
// were pending. One more wait steps the slots that the last of these waits left on `later`.
uint32_t ready_unreported(const struct evnet_poller *poller) {
  const struct ready *ready = (const struct ready *)poller;
  if (!ready->more && slot_list_is_empty(&ready->later)) return 0;
  return (ready->slots.used + ready->watches.used) * EVENTS_PER_SLOT_MAX / EVENTS_MAX + 2;
}

// Operations reach the kernel when they are started. The descriptor does not know of work that was
// left from the last turn.
bool ready_settle(struct evnet_poller *poller) {
  const struct ready *ready = ready_of(poller);
  return slot_list_is_empty(&ready->now) && slot_list_is_empty(&ready->later);
}
