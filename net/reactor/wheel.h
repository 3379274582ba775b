// A hierarchical timer wheel with ticks of one millisecond. Scheduling, cancelling and expiring a
// node are O(1), for any number of nodes and any time between two advances, and make no system
// calls.
//
//   level 0: 64 slots of 1 ms
//   level 1: 64 slots of 64 ms
//   level 2: 64 slots of 4.1 s
//   level 3: 64 slots of 4.4 min
//   level 4: 64 slots of 4.7 h, so EVNET_WHEEL_DELAY_MS_MAX is about 12 days
//
// A node is in the finest level whose current rotation contains its expiry. It moves down
// (cascades) when the wheel's time reaches its slot, at most four times. The design is scheme 7 of
// Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", SOSP 1987.
//
// evnet_wheel_advance collects the expired nodes, and evnet_wheel_pop returns them one by one. A
// node that is scheduled in between, even for the current time, waits for the next advance: a timer
// of 0 ms that restarts itself runs once in each turn of the loop. Between calls, a node may be
// cancelled or rescheduled at any time, and freed once it is cancelled.
//
// Times are milliseconds since an origin that the owner chooses. The wheel is not thread-safe.
#ifndef EVNET_NET_REACTOR_WHEEL_H_
#define EVNET_NET_REACTOR_WHEEL_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  EVNET_WHEEL_LEVELS = 5,                    // levels of a wheel
  EVNET_WHEEL_SLOTS = 64,                    // slots of a level
  EVNET_WHEEL_DELAY_MS_MAX = (1 << 30) - 1,  // the longest delay; a longer one expires after it
};

// A node, embedded in an object with a deadline. All zero: not scheduled.
struct evnet_wheel_node {
  struct evnet_wheel_node *next;  // the wheel's; NULL: not scheduled
  struct evnet_wheel_node *prev;  // the wheel's
  uint32_t expires_ms;            // the wheel's: the low 32 bits of the time of expiry
  uint32_t tag;                   // the owner's; the wheel neither reads nor writes it
};

// A wheel. Only the functions below use the fields.
struct evnet_wheel {
  uint64_t now_ms;                        // the time of the last advance
  uint64_t occupied[EVNET_WHEEL_LEVELS];  // bit i: slot i of the level is not empty
  // Heads of circular lists, oldest node first. A head's tag is the index of its bit in `occupied`.
  struct evnet_wheel_node slots[EVNET_WHEEL_LEVELS][EVNET_WHEEL_SLOTS];
  struct evnet_wheel_node due;    // expired, to be returned by evnet_wheel_pop
  struct evnet_wheel_node early;  // scheduled for now or the past: due at the next advance
  size_t count;                   // scheduled nodes, in all lists
};

// evnet_wheel_init creates an empty wheel.
//
//   wheel   must not move afterwards, because it holds pointers into itself.
//   now_ms  the wheel's time.
void evnet_wheel_init(struct evnet_wheel *wheel, uint64_t now_ms);

// evnet_wheel_scheduled returns whether a node is scheduled.
static inline bool evnet_wheel_scheduled(const struct evnet_wheel_node *node) {
  return !!node->next;
}

// evnet_wheel_schedule schedules a node, or moves it. Delays count from the wheel's time, which is
// that of the last advance.
//
//   expires_ms  the time of expiry. A time in the past expires at the next advance. A time later
//               than EVNET_WHEEL_DELAY_MS_MAX from now expires after that maximum; the owner then
//               schedules the node again.
void evnet_wheel_schedule(struct evnet_wheel *wheel, struct evnet_wheel_node *node,
                          uint64_t expires_ms);

// evnet_wheel_cancel removes a node; it has no effect on one that is not scheduled.
void evnet_wheel_cancel(struct evnet_wheel *wheel, struct evnet_wheel_node *node);

// evnet_wheel_advance advances the wheel's time and collects the nodes that have expired.
//
//   now_ms  the new time; an earlier one than the wheel's counts as the wheel's.
void evnet_wheel_advance(struct evnet_wheel *wheel, uint64_t now_ms);

// evnet_wheel_pop returns one collected node, which is no longer scheduled. The order is that of
// expiry, and of scheduling for nodes of the same millisecond. A node that was scheduled for the
// past has the wheel's time at that moment as its expiry.
//
// Returns: the node; NULL if none is left.
struct evnet_wheel_node *evnet_wheel_pop(struct evnet_wheel *wheel);

// evnet_wheel_next_ms returns the time until which the owner can wait. It is never later than the
// earliest expiry, and earlier if nodes have to cascade first. After an advance to that time, a
// node is due or the next time is later, so an expiry takes at most five wakes.
//
// Returns: a time for evnet_wheel_advance; the wheel's time if nodes are due already; UINT64_MAX if
//          the wheel is empty.
uint64_t evnet_wheel_next_ms(const struct evnet_wheel *wheel);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_WHEEL_H_
