// The state of the readiness backends, shared by ready.c and ready_*.c only. Each ready_*.c whose
// functions are called by others has a header of the same name.
//
// A slot is one attached descriptor. Its flags remember each edge until the edge has been used up.
// So operations can be stopped and started without a system call and without missing an event:
//
//              an edge                  started
//   (nothing) ---------> READABLE --------------------> worth a step: recv(2), in next
//                           ^        RECV_ON                   |
//                           |                                  +--> bytes: a RECV completion
//                           +-- the share is used up, or ------+
//                               EOF follows the bytes          |
//                                                              +--> EAGAIN, or a short read:
//                                                                   READABLE is cleared, and the
//                                                                   next edge sets it
//
// A turn takes each slot once: first the slots that an event names, then the slots on `now`, which
// were left over by the last turn. It steps a slot until the slot has nothing more to do or has had
// its share of the turn: recv_bytes_max bytes, one send, EVNET_ACCEPTS_MAX accepts, one batch of
// datagrams. A slot with work left goes on `later`, which becomes `now` in the next turn; wait does
// not block while it is not empty. A slot is in at most one of these places: `now`, `later`, the
// free list, `current`.
//
// A Unix connection begins as LEVEL if the kernel can do that. A control message cuts a read short
// without a further edge, and only recvmsg(2) reports the cut, at a higher cost. While the kernel
// reports the rest again, no read has to prove that the socket is empty, so recv(2) is sufficient.
// But the kernel reports unread data in each wait. Therefore the first such event makes the slot
// edge-triggered, as all other slots are:
//
//   LEVEL --an event while recv is stopped, out-of-band data, a blocked send--> edges, recvmsg(2)
#ifndef EVNET_NET_POLLER_INTERNAL_READY_STATE_H_
#define EVNET_NET_POLLER_INTERNAL_READY_STATE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/base/assert.h"
#include "net/poller/internal/datagram.h"
#include "net/poller/internal/descriptor_set.h"
#include "net/poller/internal/readiness.h"
#include "net/poller/internal/slots.h"
#include "net/poller/internal/unix_listen.h"
#include "net/poller/internal/watches.h"

enum {
  READABLE = 1 << 0,  // an edge came, and no read has used it up
  WRITABLE = 1 << 1,  // the same for sends
  // EOF, a hang-up or an error follows the data: read up to it, even after a short read.
  ENDING = 1 << 2,
  DEAD = 1 << 3,    // a hang-up or error came: reported even while recv is stopped
  URGENT = 1 << 4,  // out-of-band data split a read: read until EAGAIN
  RECV_ON = 1 << 5,
  ACCEPT_ON = 1 << 6,
  LISTENER = 1 << 7,
  LISTED = 1 << 8,        // on `now` or `later`
  DETACHED = 1 << 9,      // only its last completions are still to be reported
  HANGUP_TOLD = 1 << 10,  // HANGUP was reported, or is not to be reported
  OUT_WATCHED = 1 << 11,  // not TCP: the kernel reports writability, because a send is blocked
  // A Unix connection that each wait reports while there is something to read.
  LEVEL = 1 << 12,
  // Bytes were spliced, so further ones are reported by SPLICE before a recv takes them.
  SPLICES = 1 << 13,
};

// A token with this bit names a watch; the bits below it are the watch's index.
#define READY_WATCH_TOKEN 0x80000000u

enum {
  EVENTS_MAX = 512,
  EVENTS_PER_SLOT_MAX = 2,  // in one wait: kqueue reports reading and writing separately
};

struct ready {
  struct evnet_poller poller;  // first: the public handle points here
  const struct evnet_readiness_ops *kernel;
  void *kernel_state;
  const struct evnet_allocator *allocator;

  struct slots slots;
  struct descriptor_set descriptors;  // of all slots
  struct evnet_unix_listeners unix_listeners;
  struct slot_list now;    // with work left from the last turn
  struct slot_list later;  // with work for the next turn
  struct slot *current;    // a slot with more to do in this turn, or NULL
  struct watches watches;
  struct slot watching;  // stands for the watch that the last event names; always DETACHED
  uint32_t turn;         // counts the waits

  // The part of this turn's share that the current slot has used.
  size_t share_bytes;
  bool share_send;
  int share_accepts;
  bool share_datagrams;

  int event_count;
  int event_next;
  bool more;            // the kernel may have more events than the last wait returned
  uint8_t *recv_block;  // shared: a read is done only in next, so one block is enough
  size_t recv_bytes;
  uint8_t *scratch;
  int splice_pipe[2];  // empty between calls of evnet_poller_splice
  bool has_splice_pipe;
  struct evnet_datagrams *datagrams;  // created with the first datagram socket
  struct evnet_datagram_options datagram_options;
  struct evnet_ready_event events[EVENTS_MAX];
};

static inline struct ready *ready_of(struct evnet_poller *poller) { return (struct ready *)poller; }

static inline void enqueue(struct ready *ready, struct slot_list *list, struct slot *slot) {
  if ((slot->flags & LISTED) || ready->current == slot) return;
  slot->flags |= LISTED;
  slot_list_push(&ready->slots, list, slot);
}

// Lets the slot being stepped continue in this turn, unless it is listed already.
static inline void go_on(struct ready *ready, struct slot *slot) {
  if (!(slot->flags & LISTED)) ready->current = slot;
}

// Asserts that the handle is attached, because callers do not use a handle after detaching it.
static inline struct slot *slot_of(struct ready *ready, struct evnet_handle handle) {
  EVNET_ASSERT(handle.index < ready->slots.used);
  struct slot *slot = &ready->slots.table[handle.index];
  EVNET_ASSERT(slot->generation == handle.generation && !(slot->flags & DETACHED));
  return slot;
}

static inline uint64_t token_of(const struct ready *ready, const struct slot *slot) {
  return (uint64_t)slot->generation << 32 | slot_index(&ready->slots, slot);
}

static inline bool complete(const struct ready *ready, const struct slot *slot, enum evnet_op op,
                            int64_t result, bool more, struct evnet_completion *out) {
  *out = (struct evnet_completion){
      .handle = slot_handle(&ready->slots, slot), .op = op, .more = more, .result = result};
  return true;
}

static inline bool is_connection_slot(const struct slot *slot) {
  return !(slot->flags & LISTENER) && slot->transport != EVNET_TRANSPORT_UDP;
}

#endif  // EVNET_NET_POLLER_INTERNAL_READY_STATE_H_
