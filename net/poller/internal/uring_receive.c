// Translates io_uring's completions for receiving.
//
// Bytes that a socket receives beyond its share of a turn, or after recv_stop, are held back in
// their buffers, in order. An EOF or error stays after them. Stopped sockets may keep at most half
// of the buffers. Bytes beyond that are reported although their sockets are stopped, oldest first,
// because other sockets need buffers.
#include "net/poller/internal/uring_receive.h"
#include "net/poller/internal/rights.h"

#include <errno.h>
#include <poll.h>

#include "net/poller/internal/socket.h"
#include "net/poller/internal/uring_memory.h"
#include "net/poller/internal/uring_submit.h"

static bool tell_bytes(struct uring *uring, const struct slot *slot, uint32_t buffer, int32_t size,
                       struct evnet_completion *out) {
  uring_tell(uring, slot, EVNET_OP_RECV, size, true, out);
  out->data = uring_buffer_lend(uring, buffer);
  return true;
}

// Called when nothing of the slot is held back any longer. Lists the slot so that it can report a
// hang-up that came while data was unread, or arm a recv or a watch that was put off.
static void list_put_off(struct uring *uring, struct slot *slot) {
  bool dead = (slot->flags & DEAD) && !uring_is_receiving(slot);
  uring_list(uring, dead ? &uring->finished : &uring->starved, slot);
}

static bool tell_end(struct uring *uring, struct slot *slot, int32_t result,
                     struct evnet_completion *out) {
  slot->flags &= (uint16_t)~RECV_ON;
  if (result < 0) slot->flags |= HANGUP_TOLD;
  // A reset may follow an EOF, so the slot is watched; but most connections are detached before the
  // next wait.
  list_put_off(uring, slot);
  return uring_tell(uring, slot, EVNET_OP_RECV, result, false, out);
}

// Returns the counter of the bytes that the slot has received in this turn.
static uint32_t *share_of(struct uring *uring, const struct slot *slot) {
  uint32_t entry = slot_index(&uring->slots, slot) & (SHARES - 1);
  if (uring->share_turn[entry] != uring->turn) {
    uring->share_turn[entry] = uring->turn;
    uring->share_bytes[entry] = 0;
  }
  return &uring->share_bytes[entry];
}

// Whether the slot may receive `size` more bytes this turn. Once refused, it stays refused until
// the next turn.
static bool take_share(struct uring *uring, const struct slot *slot, uint32_t size) {
  uint32_t *used = share_of(uring, slot);
  bool fits = *used == 0 || (*used <= uring->recv_bytes && size <= uring->recv_bytes - *used);
  *used = fits ? *used + size : UINT32_MAX;
  return fits;
}

static void hold_back(struct uring *uring, struct slot *slot, const struct held *entry) {
  // An entry has a buffer, or is the one EOF or error after the buffers of its slot.
  EVNET_ASSERT(uring->held_count < HELD_MAX);
  uring->held[(uring->held_first + uring->held_count++) % HELD_MAX] = *entry;
  slot->held++;
  if (slot->flags & RECV_ON) uring->held_wanted = true;
}

// Returns NULL if the handle has been detached.
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

// An EOF or error is always the last entry of its slot.
static bool step_held_end(struct uring *uring, struct slot *slot, const struct held *entry,
                          struct evnet_completion *out) {
  bool stopped = !(slot->flags & RECV_ON);
  if (stopped && entry->result < 0 && !(slot->flags & HANGUP_TOLD)) {
    slot->flags |= HANGUP_TOLD;
    return uring_tell(uring, slot, EVNET_OP_HANGUP, entry->result, false, out);
  }
  if (slot->held > 0) {
    hold_back(uring, slot, entry);
    return false;
  }
  if (!stopped) return tell_end(uring, slot, entry->result, out);
  // The EOF is found again when recv_start arms a recv.
  slot->flags &= (uint16_t)~ENDED;
  list_put_off(uring, slot);
  return false;
}

// Reports one entry that was held back, or keeps it for the next turn.
bool uring_step_held(struct uring *uring, struct evnet_completion *out) {
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
  if (slot->held == 0) list_put_off(uring, slot);
  return tell_bytes(uring, slot, entry.buffer, entry.result, out);
}

// A socket that fills a buffer has large messages, and changes to POLLED.
static void choose_size(struct uring *uring, struct slot *slot, int32_t size) {
  if ((slot->flags & POLLED) || (uint32_t)size < uring->buffers.bytes) return;
  if (uring->buffers.bytes == uring->recv_bytes) return;
  // If the queue has no entry for the cancel, the socket changes with the next buffer that it
  // fills.
  if ((slot->flags & RECV_ARMED) && !uring_cancel(uring, slot, TAG_RECV)) return;
  slot->flags |= POLLED;
}

// Handles an EOF or error that came although recv_stop cancelled the recv. An EOF is found again
// when recv_start arms a recv; an error is not.
static bool ended_while_stopped(struct uring *uring, struct slot *slot, int32_t result,
                                struct evnet_completion *out) {
  if (result == 0 || (slot->flags & HANGUP_TOLD)) {
    uring_arm_hangup(uring, slot);
    return false;
  }
  slot->flags |= HANGUP_TOLD;
  return uring_tell(uring, slot, EVNET_OP_HANGUP, result, false, out);
}

bool uring_on_recv(struct uring *uring, struct slot *slot, const struct io_uring_cqe *cqe,
                   struct evnet_completion *out) {
  if (!(cqe->flags & IORING_CQE_F_MORE)) slot->flags &= (uint16_t)~RECV_ARMED;
  int32_t result = cqe->res;
  uint32_t buffer = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
  bool gone = slot->flags & DETACHED;
  if ((cqe->flags & IORING_CQE_F_BUFFER) && (gone || result <= 0)) {
    uring_buffer_provide(uring, buffer);
  }
  if (gone) return false;
  if (result == -ENOBUFS) {
    // Arming again immediately would spin, because the buffers come back with this turn's leases.
    uring_list(uring, &uring->starved, slot);
    return false;
  }
  if (result == -ECANCELED || result == -EINTR || result == -EAGAIN) {
    if (slot->flags & RECV_ON) uring_arm_recv(uring, slot);
    return false;
  }
  if (result > 0) {
    choose_size(uring, slot, result);
    // Not immediately, because the handler of these bytes may stop receiving.
    if (!(slot->flags & RECV_ARMED)) uring_list(uring, &uring->starved, slot);
  } else {
    if (!(slot->flags & RECV_ON)) return ended_while_stopped(uring, slot, result, out);
    slot->flags |= ENDED;
  }
  // EOF or an error needs no share, but stays after the entries that are held.
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

// Handles a poll of a datagram socket that reports datagrams or an error, which receiving returns.
// The socket is polled again for the next turn, as below. It is not if the error lasts, because the
// poll would complete repeatedly.
static bool on_datagrams(struct uring *uring, struct slot *slot, int32_t events,
                         struct evnet_completion *out) {
  if (uring_poll_failed(events)) {
    slot->flags &= (uint16_t)~RECV_ON;
    return uring_tell(uring, slot, EVNET_OP_DATAGRAM, events, false, out);
  }
  bool more;
  int status = evnet_datagrams_receive(uring->datagrams, slot->descriptor,
                                       slot_handle(&uring->slots, slot), &more);
  // After shutdown(2) with SHUT_RD, every one-shot poll completes with POLLRDHUP. Datagrams that
  // still arrive are a change, so such a socket is polled for changes.
  const bool is_shut = status == -EAGAIN && events > 0 && (events & POLLRDHUP);
  if (status < 0 && status != -EAGAIN) {
    slot->flags &= (uint16_t)~RECV_ON;
  } else if (!is_shut || !(slot->flags & RECV_ARMED)) {
    if (is_shut) slot->flags |= READY_EDGE;
    uring_list(uring, &uring->starved, slot);
  }
  return evnet_datagrams_next(uring->datagrams, out);
}

// Handles a poll of a POLLED slot that reports data. The poll is armed again for the next turn,
// where it completes immediately if data was left.
bool uring_on_ready(struct uring *uring, struct slot *slot, const struct io_uring_cqe *cqe,
                    struct evnet_completion *out) {
  const int32_t events = cqe->res;
  if (!(cqe->flags & IORING_CQE_F_MORE)) slot->flags &= (uint16_t) ~(RECV_ARMED | READY_EDGE);
  if ((slot->flags & DETACHED) || !(slot->flags & RECV_ON)) return false;
  if (slot->transport == EVNET_TRANSPORT_UDP) return on_datagrams(uring, slot, events, out);
  uint32_t *used = share_of(uring, slot);
  bool now = slot->held == 0 && *used < uring->recv_bytes;
  int64_t got = -EAGAIN;
  if (now && uring_poll_failed(events)) {
    got = events;
  } else if (now) {
    const size_t left = uring->recv_bytes - *used;
    const size_t most =
        evnet_quota_ask(&uring->poller, slot_handle(&uring->slots, slot), EVNET_OP_RECV);
    if (most == 0) {
      slot->flags &= (uint16_t)~RECV_ON;
      uring_arm_hangup(uring, slot);
      return false;
    }
    const size_t share = most < left ? most : left;
    const struct evnet_handle handle = slot_handle(&uring->slots, slot);
    got = slot->transport == EVNET_TRANSPORT_UNIX && evnet_rights_are_taken(&uring->poller, handle)
              ? evnet_rights_receive(&uring->poller, handle, slot->descriptor, uring->large, share)
              : evnet_socket_recv(slot->descriptor, uring->large, share);
  }
  if (got <= 0 && got != -EAGAIN) {
    slot->flags |= ENDED;
    return tell_end(uring, slot, (int32_t)got, out);
  }
  if (got > 0 && got <= POLLED_LEAVE_BYTES) slot->flags &= (uint16_t)~POLLED;
  // Not immediately, because the handler of these bytes may stop receiving.
  uring_list(uring, &uring->starved, slot);
  if (got < 0) return false;
  *used += (uint32_t)got;
  uring_tell(uring, slot, EVNET_OP_RECV, got, true, out);
  out->data = uring->large;
  return true;
}
