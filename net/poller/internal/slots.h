// The table of attached descriptors. An index and a generation name a slot, and lists link slots by
// index. The flags of a slot are defined by the backend that owns the table.
#ifndef EVNET_NET_POLLER_INTERNAL_SLOTS_H_
#define EVNET_NET_POLLER_INTERNAL_SLOTS_H_

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/base/assert.h"
#include "net/base/memory.h"
#include "net/poller/poller.h"

#define EVNET_SLOT_NONE 0x7fffffffu

// The state of a handle that evnet_poller_reserve made. Any other handle, and one that has
// connected, is SLOT_PLAIN.
enum slot_connect {
  SLOT_PLAIN = 0,
  SLOT_RESERVED,  // has no descriptor
  // Has a descriptor. If it has none, connect_status is -ECANCELED, after connect_stop.
  SLOT_CONNECTING,
  // CONNECT will report connect_status. Has a descriptor if connect_status is 0.
  SLOT_ANSWERED,
};

// 24 bytes, because it is part of the cost of an idle connection.
struct slot {
  int descriptor;           // -1 in a free slot
  uint32_t generation;      // changes when the slot is freed; never 0 after its first use
  uint32_t next : 31;       // the link of the list that the slot is on
  uint32_t duplicated : 1;  // the descriptor may have a duplicate other than those of a fork
  uint16_t flags;           // backend-specific; 0 in a free slot
  uint16_t transport : 2;
  uint16_t connect : 2;    // enum slot_connect
  uint16_t in_flight : 3;  // io_uring: operations whose last completion has not come
  // io_uring: received entries that are held back. Readiness: small amounts that may still be spliced
  // before the slot receives again.
  uint16_t held : 9;
  union {
    const struct evnet_send *send;  // a pending send_start, or NULL
    struct flight *flight;          // io_uring: a pending send of lent memory
    int connect_status;             // unless `connect` is SLOT_PLAIN
    struct {                        // io_uring: of a listener
      uint32_t accept_turn;
      // The most connections that this turn takes. 0: the last accept found none.
      uint16_t accept_share;
      uint16_t accept_left;  // of these, connections not taken yet
    };
  };
};

_Static_assert(sizeof(struct slot) == 24, "it is part of what an idle connection costs");

// First in, first out. A slot is on at most one list.
struct slot_list {
  uint32_t first;
  uint32_t last;
};

struct slots {
  struct slot *table;  // `max` slots of reserved address space
  uint32_t max;
  uint32_t used;  // slots below this index were in use at least once
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

// Returns NULL if the list is empty.
static inline struct slot *slot_list_pop(struct slots *slots, struct slot_list *list) {
  if (slot_list_is_empty(list)) return NULL;
  struct slot *slot = &slots->table[list->first];
  list->first = slot->next;
  return slot;
}

// Appends all of `tail` to `list`.
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

// Returns NULL if all slots are in use. The slot keeps its generation; the caller sets the other
// fields.
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

// Acquires a slot for evnet_poller_reserve. Returns NULL if all slots are in use.
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
