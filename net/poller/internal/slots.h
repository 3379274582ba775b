// The table of attached descriptors: an index and a generation name a slot, and lists link slots by
// index. What a slot remembers of its descriptor is the business of the backend that owns the
// table.
#ifndef EVNET_NET_POLLER_INTERNAL_SLOTS_H_
#define EVNET_NET_POLLER_INTERNAL_SLOTS_H_

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/base/assert.h"
#include "net/base/memory.h"
#include "net/poller/poller.h"

#define EVNET_SLOT_NONE 0x7fffffffu

// Of a handle that evnet_poller_reserve made; of all others, and once it has connected, SLOT_PLAIN.
enum slot_connect {
  SLOT_PLAIN = 0,
  SLOT_RESERVED,    // without a descriptor
  SLOT_CONNECTING,  // with one, or connect_status is -ECANCELED: connect_stop
  SLOT_ANSWERED,    // CONNECT is to tell connect_status; with a descriptor if that is 0
};

// 24 bytes: it is part of what an idle connection costs.
struct slot {
  int descriptor;           // -1 in a free slot
  uint32_t generation;      // changes when the slot is freed; never 0 once it was in use
  uint32_t next : 31;       // the link of whichever list the slot is on
  uint32_t duplicated : 1;  // the descriptor may have a duplicate, whatever fork.h says
  uint16_t flags;           // all 0 in a free slot
  uint16_t transport : 2;
  uint16_t connect : 2;    // enum slot_connect
  uint16_t in_flight : 3;  // uring.c: operations whose last completion has not come
  uint16_t held : 9;       // uring.c: of what was received, how many are held back
  union {
    const struct evnet_send *send;  // a send_start under way, or NULL
    struct flight *flight;          // uring.c: a send of lent memory under way
    int connect_status;             // unless `connect` is SLOT_PLAIN
    struct {                        // uring.c: of a listener
      uint32_t accept_turn;
      uint16_t accept_share;  // connections that this turn takes at most; 0: the last was in vain
      uint16_t accept_left;   // of these, not taken yet
    };
  };
};

_Static_assert(sizeof(struct slot) == 24, "it is part of what an idle connection costs");

// First in, first out; a slot is on one list at most.
struct slot_list {
  uint32_t first;
  uint32_t last;
};

struct slots {
  struct slot *table;  // max of them, reserved address space
  uint32_t max;
  uint32_t used;  // those below were in use at least once
  struct slot_list
      free;  // in the order they were freed: an index is used again as late as possible
};

static inline uint32_t slot_index(const struct slots *slots, const struct slot *slot) {
  return (uint32_t)(slot - slots->table);
}

static inline struct evnet_handle slot_handle(const struct slots *slots, const struct slot *slot) {
  return (struct evnet_handle){.index = slot_index(slots, slot), .generation = slot->generation};
}

static inline void slot_list_init(struct slot_list *list) {
  list->first = list->last = EVNET_SLOT_NONE;
}

static inline bool slot_list_is_empty(const struct slot_list *list) {
  return list->first == EVNET_SLOT_NONE;
}

static inline void slot_list_push(struct slots *slots, struct slot_list *list, struct slot *slot) {
  uint32_t index = slot_index(slots, slot);
  slot->next = EVNET_SLOT_NONE;
  if (slot_list_is_empty(list)) {
    list->first = index;
  } else {
    slots->table[list->last].next = index & EVNET_SLOT_NONE;
  }
  list->last = index;
}

// NULL when the list is empty.
static inline struct slot *slot_list_pop(struct slots *slots, struct slot_list *list) {
  if (slot_list_is_empty(list)) return NULL;
  struct slot *slot = &slots->table[list->first];
  list->first = slot->next;
  return slot;
}

// Moves all of `tail` behind `list`.
static inline void slot_list_append(struct slots *slots, struct slot_list *list,
                                    struct slot_list *tail) {
  if (slot_list_is_empty(tail)) return;
  if (slot_list_is_empty(list)) {
    list->first = tail->first;
  } else {
    slots->table[list->last].next = tail->first & EVNET_SLOT_NONE;
  }
  list->last = tail->last;
  slot_list_init(tail);
}

static inline int slots_init(struct slots *slots, uint32_t max) {
  slot_list_init(&slots->free);
  slots->used = 0;
  slots->max = max;
  slots->table = evnet_pages_reserve(max * sizeof *slots->table);
  return slots->table != NULL ? 0 : -ENOMEM;
}

static inline void slots_deinit(struct slots *slots) {
  evnet_pages_release(slots->table, slots->max * sizeof *slots->table);
}

// NULL when all are in use. The slot keeps its generation; the caller sets the rest.
static inline struct slot *slots_acquire(struct slots *slots) {
  struct slot *slot = slot_list_pop(slots, &slots->free);
  if (slot != NULL || slots->used == slots->max) return slot;
  slot = &slots->table[slots->used++];
  slot->generation = 1;
  return slot;
}

static inline void slots_release(struct slots *slots, struct slot *slot) {
  slot->generation++;
  if (slot->generation == 0) slot->generation = 1;
  slot->descriptor = -1;
  slot->flags = 0;
  slot->in_flight = 0;
  slot->held = 0;
  slot->duplicated = 0;
  slot->connect = SLOT_PLAIN;
  slot->send = NULL;
  slot_list_push(slots, &slots->free, slot);
}

// A slot for evnet_poller_reserve; NULL when all are in use.
static inline struct slot *slots_reserve(struct slots *slots, enum evnet_transport transport) {
  struct slot *slot = slots_acquire(slots);
  if (slot == NULL) return NULL;
  slot->descriptor = -1;
  slot->flags = 0;
  slot->transport = (uint32_t)transport & 3u;
  slot->connect = SLOT_RESERVED;
  slot->send = NULL;
  return slot;
}

#endif  // EVNET_NET_POLLER_INTERNAL_SLOTS_H_
