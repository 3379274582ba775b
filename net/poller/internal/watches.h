// The table of watched descriptors (evnet_poller_watch), for all backends. An index and a
// generation name a watch, so that an event of a stopped watch is recognised.
//
// Each watch has a duplicate of its descriptor. So the same descriptor may be watched several
// times, and a number that the owner has closed is never used: epoll(7) would go on reporting a
// closed file that has other descriptors, under a number that another file has got since.
#ifndef EVNET_NET_POLLER_INTERNAL_WATCHES_H_
#define EVNET_NET_POLLER_INTERNAL_WATCHES_H_

#include <stdbool.h>
#include <stdint.h>

#include "net/base/assert.h"
#include "net/base/memory.h"
#include "net/poller/internal/names.h"
#include "net/poller/poller.h"

struct watch {
  int descriptor;       // the duplicate; -1 in a free entry
  uint32_t generation;  // changes when the entry is freed; never 0
  uint32_t events;      // requested
  uint32_t next_free;   // index of the next free entry; WATCH_NONE: none
  uint32_t turn;        // kqueue: the last turn that reported it
  bool is_edge;         // kqueue: see ready_watch.c
  void *user;           // returned with each completion
};

enum { WATCH_NONE = 0x7fffffff };

// All zero: empty.
struct watches {
  struct watch *table;
  uint32_t capacity;
  uint32_t used;        // entries below this index were in use at least once
  uint32_t free_count;  // entries on the free list
  uint32_t first_free;  // undefined if free_count is 0
};

// Opens a watch. Returns 0, or -errno as evnet_poller_watch. The caller registers the duplicate
// with the kernel.
EVNET_WARN_UNUSED int watches_open(struct watches *watches, const struct evnet_allocator *allocator,
                                   int descriptor, uint32_t events, void *user,
                                   struct watch **out_watch);

// Closes the duplicate and frees the entry.
void watches_close(struct watches *watches, struct watch *watch);

// Closes all watches.
void watches_deinit(struct watches *watches, const struct evnet_allocator *allocator);

static inline bool watches_is_empty(const struct watches *watches) {
  return watches->used == watches->free_count;
}

static inline struct evnet_handle watches_handle(const struct watches *watches,
                                                 const struct watch *watch) {
  return (struct evnet_handle){.index = (uint32_t)(watch - watches->table),
                               .generation = watch->generation};
}

// Returns NULL if the watch has been stopped.
static inline struct watch *watches_find(const struct watches *watches, uint32_t index,
                                         uint32_t generation) {
  struct watch *watch = index < watches->used ? &watches->table[index] : NULL;
  return watch != NULL && watch->generation == generation && watch->descriptor >= 0 ? watch : NULL;
}

// Asserts that the watch was not stopped.
static inline struct watch *watches_of(const struct watches *watches, struct evnet_handle handle) {
  struct watch *watch = watches_find(watches, handle.index, handle.generation);
  EVNET_ASSERT(watch != NULL);
  return watch;
}

// Makes a completion of the events that poll(2) reports. Returns false if none of them is to be
// reported.
static inline bool watches_complete(const struct watches *watches, const struct watch *watch,
                                    uint32_t events, struct evnet_completion *out) {
  events &= watch->events | EVNET_WATCH_ERROR | EVNET_WATCH_HANGUP;
  if (events == 0) return false;
  *out = (struct evnet_completion){.handle = watches_handle(watches, watch),
                                   .op = EVNET_OP_WATCH,
                                   .more = true,
                                   .result = events,
                                   .user = watch->user};
  return true;
}

#endif  // EVNET_NET_POLLER_INTERNAL_WATCHES_H_
