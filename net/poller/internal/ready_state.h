// The state of the readiness backends, shared by ready.c and ready_*.c and by nothing else. Each of
// those that others call has a header of its name.
//
// A slot is one attached descriptor. Its flags remember each edge until it has been used up, so
// operations may be stopped and started without a system call and without missing what came in
// between:
//
//              an edge                  started
//   (nothing) ---------> READABLE --------------------> worth a step: recv(2), in next
//                           ^        RECV_ON                   |
//                           |                                  +--> bytes: a RECV completion
//                           +-- the share is used up, or ------+
//                               an end is behind the bytes     |
//                                                              +--> EAGAIN, or a short read:
//                                                                   READABLE is cleared, and the
//                                                                   next edge sets it
//
// A turn takes each slot once: those that an event names, then those kept from the last turn on the
// `now` list. A slot taken is stepped until it has nothing more to do or has had its share of the
// turn: recv_bytes_max bytes, one send, EVNET_ACCEPTS_MAX tries, one batch of datagrams. What that
// leaves goes on `later`, which is the next turn's `now`; wait does not block while it is not
// empty. A slot is on at most one of: `now`, `later`, the free list, or being `current`.
//
// A Unix connection begins as LEVEL where the kernel can do that. A control message cuts a read
// without a further edge, and only the dear recvmsg(2) says so; but while the rest is reported
// again, no read has to prove anything, and recv(2) will do. What is reported and not read would be
// reported for ever, so the first such event makes the slot edge-triggered, as all others are:
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

enum {
  READABLE = 1 << 0,  // an edge came and no read has shown that it is used up
  WRITABLE = 1 << 1,  // the same for sends
  ENDING = 1 << 2,  // an end, hang-up or error is behind the data: read on to it, whatever a short
                    // read says
  DEAD = 1 << 3,    // a hang-up or error came: reported even while recv is stopped
  URGENT = 1 << 4,  // out-of-band data split a read: read on to EAGAIN
  RECV_ON = 1 << 5,
  ACCEPT_ON = 1 << 6,
  LISTENER = 1 << 7,
  LISTED = 1 << 8,    // on `now` or `later`
  DETACHED = 1 << 9,  // only its last completions are to come
  HANGUP_TOLD = 1 << 10,
  OUT_WATCHED = 1 << 11,  // not TCP: the kernel reports writability, because a send is blocked
  LEVEL = 1 << 12,  // a Unix connection: reported by each wait while there is something to read
};

enum {
  EVENTS_MAX = 512,
  EVENTS_PER_SLOT_MAX = 2,  // of one wait: kqueue reports reading and writing each by itself
};

struct ready {
  struct evnet_poller poller;  // first: the public handle points here
  const struct evnet_readiness_ops *kernel;
  void *kernel_state;
  const struct evnet_allocator *allocator;

  struct slots slots;
  struct descriptor_set descriptors;  // of all slots
  struct evnet_unix_listeners unix_listeners;
  struct slot_list now;
  struct slot_list later;
  struct slot *current;  // has more to do in this turn, at once; or NULL

  // What the slot taken last has had of its share of this turn.
  size_t share_bytes;
  bool share_send;
  int share_accepts;
  bool share_datagrams;

  int event_count;
  int event_next;
  bool more;            // the kernel may have had more events than the last wait brought
  uint8_t *recv_block;  // one for all: read lazily, in next, so only one is ever in use
  size_t recv_bytes;
  uint8_t *scratch;
  struct evnet_datagrams *datagrams;  // made with the first datagram socket
  struct evnet_datagram_options datagram_options;
  struct evnet_ready_event events[EVENTS_MAX];
};

static inline struct ready *ready_of(struct evnet_poller *poller) { return (struct ready *)poller; }

static inline void enqueue(struct ready *ready, struct slot_list *list, struct slot *slot) {
  if ((slot->flags & LISTED) || ready->current == slot) return;
  slot->flags |= LISTED;
  slot_list_push(&ready->slots, list, slot);
}

// Lets the slot being stepped go on in this turn, unless it waits for the next one already.
static inline void go_on(struct ready *ready, struct slot *slot) {
  if (!(slot->flags & LISTED)) ready->current = slot;
}

// Asserts that there is one: whoever has detached a handle does not name it again.
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
