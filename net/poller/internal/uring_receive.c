// What io_uring's completions mean for receiving.
//
// Bytes that one socket brings beyond its share of a turn, or after recv_stop, are held back in
// their buffers, in order, and an end stays behind them. Stopped sockets may keep half the buffers
// so; beyond that bytes are told all the same, those that were kept longest first, as others need
// buffers.
#include "net/poller/internal/uring_receive.h"

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

// Nothing of the slot is held back any more: the hang-up that came while data stood in front can be
// told; or a recv was put off, or a watch.
static void list_put_off(struct uring *uring, struct slot *slot) {
  bool dead = (slot->flags & DEAD) && !uring_is_receiving(slot);
  uring_list(uring, dead ? &uring->finished : &uring->starved, slot);
}

static bool tell_end(struct uring *uring, struct slot *slot, int32_t result,
                     struct evnet_completion *out) {
  slot->flags &= (uint16_t)~RECV_ON;
  if (result < 0) slot->flags |= HANGUP_TOLD;
  // A reset may come behind an end; but most connections are detached before the next wait.
  list_put_off(uring, slot);
  return uring_tell(uring, slot, EVNET_OP_RECV, result, false, out);
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
  // An entry has a buffer, or is the one end behind those of its slot.
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
    return uring_tell(uring, slot, EVNET_OP_HANGUP, entry->result, false, out);
  }
  if (slot->held > 0) {
    hold_back(uring, slot, entry);
    return false;
  }
  if (!stopped) return tell_end(uring, slot, entry->result, out);
  // Found again when recv_start arms anew.
  slot->flags &= (uint16_t)~ENDED;
  list_put_off(uring, slot);
  return false;
}

// Tells of one entry that was held back, or keeps it for the next turn.
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

// Of a datagram socket: there are some, or an error, which receiving tells. Polled again for the
// next turn, as below, unless the error lasts: the poll would complete again and again.
static bool on_datagrams(struct uring *uring, struct slot *slot, int32_t events,
                         struct evnet_completion *out) {
  if (uring_poll_failed(events)) {
    slot->flags &= (uint16_t)~RECV_ON;
    return uring_tell(uring, slot, EVNET_OP_DATAGRAM, events, false, out);
  }
  bool more;
  int status = evnet_datagrams_receive(uring->datagrams, slot->descriptor,
                                       slot_handle(&uring->slots, slot), &more);
  // Who has shut down receiving (shutdown(2), SHUT_RD) made every poll of one shot complete with
  // POLLRDHUP; what comes all the same is a change.
  const bool is_shut = status == -EAGAIN && events > 0 && (events & POLLRDHUP);
  if (status < 0 && status != -EAGAIN) {
    slot->flags &= (uint16_t)~RECV_ON;
  } else if (!is_shut || !(slot->flags & RECV_ARMED)) {
    if (is_shut) slot->flags |= READY_EDGE;
    uring_list(uring, &uring->starved, slot);
  }
  return evnet_datagrams_next(uring->datagrams, out);
}

// Of a POLLED slot: there is something to receive. The poll is armed again for the next turn, where
// it completes at once if something was left.
bool uring_on_ready(struct uring *uring, struct slot *slot, const struct io_uring_cqe *cqe,
                    struct evnet_completion *out) {
  const int32_t events = cqe->res;
  if (!(cqe->flags & IORING_CQE_F_MORE)) slot->flags &= (uint16_t) ~(RECV_ARMED | READY_EDGE);
  if ((slot->flags & DETACHED) || !(slot->flags & RECV_ON)) return false;
  if (slot->transport == EVNET_TRANSPORT_UDP) return on_datagrams(uring, slot, events, out);
  uint32_t *used = share_of(uring, slot);
  bool now = slot->held == 0 && *used < uring->recv_bytes;
  int64_t got = -EAGAIN;
  if (now) {
    got = uring_poll_failed(events)
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
  uring_tell(uring, slot, EVNET_OP_RECV, got, true, out);
  out->data = uring->large;
  return true;
}
