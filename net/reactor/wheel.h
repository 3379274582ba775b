// A hierarchical timer wheel with millisecond ticks: schedule, cancel and expiry are O(1) each,
// whatever the number of timers and the time between two advances, and none makes a system call.
//
//   level 0: 64 slots of 1 ms
//   level 1: 64 slots of 64 ms
//   level 2: 64 slots of 4.1 s
//   level 3: 64 slots of 4.4 min
//   level 4: 64 slots of 4.7 h, so EVNET_WHEEL_DELAY_MS_MAX is about 12 days
//
// A node sits in the finest level whose present turn contains its expiry, and moves down (cascades)
// when the wheel's time comes to its slot, at most four times. After Varghese and Lauck, "Hashed
// and Hierarchical Timing Wheels", SOSP 1987, scheme 7.
//
// Expiry is a pull: evnet_wheel_advance collects what is due, evnet_wheel_pop gives it out one by
// one. A node scheduled meanwhile, even for now, waits for the next advance: a 0 ms timer that
// re-arms itself runs once a turn of the loop. A node may be cancelled, rescheduled or freed once
// cancelled, at any time between calls.
//
// Times are milliseconds since an origin of the owner's choice. Not thread-safe.
#ifndef EVNET_NET_REACTOR_WHEEL_H_
#define EVNET_NET_REACTOR_WHEEL_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  EVNET_WHEEL_LEVELS = 5,
  EVNET_WHEEL_SLOTS = 64,
  EVNET_WHEEL_DELAY_MS_MAX = (1 << 30) - 1,
};

// Embedded in what has a deadline. All zero: not scheduled.
struct evnet_wheel_node {
  struct evnet_wheel_node *next;  // the wheel's; NULL: not scheduled
  struct evnet_wheel_node *prev;
  uint32_t expires_ms;  // the wheel's: the low 32 bits of the time at which it expires
  uint32_t tag;         // the owner's; the wheel neither reads nor writes it
};

struct evnet_wheel {
  uint64_t now_ms;                        // the time of the last advance
  uint64_t occupied[EVNET_WHEEL_LEVELS];  // bit i: slot i of the level is not empty
  // Heads of circular lists, oldest node first. A head's tag tells its bit in `occupied`.
  struct evnet_wheel_node slots[EVNET_WHEEL_LEVELS][EVNET_WHEEL_SLOTS];
  struct evnet_wheel_node due;    // expired, being given out by pop
  struct evnet_wheel_node early;  // scheduled for now or the past: due at the next advance
  size_t count;                   // nodes scheduled, in all lists
};

// evnet_wheel_init makes an empty wheel whose time is now_ms. The wheel holds pointers into itself:
// it must not be moved.
void evnet_wheel_init(struct evnet_wheel *wheel, uint64_t now_ms);

static inline bool evnet_wheel_scheduled(const struct evnet_wheel_node *node) {
  return node->next != NULL;
}

// evnet_wheel_schedule sets, or moves, a node's expiry. A time in the past expires at the next
// advance; one further away than EVNET_WHEEL_DELAY_MS_MAX expires after that maximum (the owner
// looks and schedules again). The wheel's time, from which it counts, is that of the last advance.
void evnet_wheel_schedule(struct evnet_wheel *wheel, struct evnet_wheel_node *node,
                          uint64_t expires_ms);

// evnet_wheel_cancel takes a node out; one that is not scheduled is left alone.
void evnet_wheel_cancel(struct evnet_wheel *wheel, struct evnet_wheel_node *node);

// evnet_wheel_advance moves the wheel's time on and collects what has expired. A time before the
// wheel's own counts as the wheel's own.
void evnet_wheel_advance(struct evnet_wheel *wheel, uint64_t now_ms);

// evnet_wheel_pop gives one collected node, no longer scheduled: in order of expiry, nodes of one
// millisecond in the order in which they were scheduled (an expiry in the past counts as the
// wheel's time at that moment).
//
// Returns: the node; NULL when none is left.
struct evnet_wheel_node *evnet_wheel_pop(struct evnet_wheel *wheel);

// evnet_wheel_next_ms tells until when there is nothing to do: never later than the earliest
// expiry, and at times earlier, when nodes have to cascade. Advancing to it makes progress: then a
// node is due or the next time is a later one, so an expiry takes at most five wakes.
//
// Returns: a time for evnet_wheel_advance, at least now_ms (now_ms itself: nodes are due already);
//          UINT64_MAX when the wheel is empty.
uint64_t evnet_wheel_next_ms(const struct evnet_wheel *wheel);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_WHEEL_H_
