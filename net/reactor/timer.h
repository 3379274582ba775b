// Timers on a reactor: one-shot or repeating, for what is not a connection's timeout. To start,
// move, stop and expire one is O(1), however many there are, and allocates nothing.
//
//   struct poll { struct evnet_timer timer; ... };
//   static void again(struct evnet_timer *timer, void *user) { ... }
//   evnet_timer_repeat(reactor, &poll->timer, 1000, again, poll);
#ifndef EVNET_NET_REACTOR_TIMER_H_
#define EVNET_NET_REACTOR_TIMER_H_

#include <stdint.h>

#include "../base/status.h"
#include "reactor.h"
#include "wheel.h"

#ifdef __cplusplus
extern "C" {
#endif

// Embedded by its owner, and kept in place while it runs; all zero: not running. The fields are the
// functions' own.
struct evnet_timer {
  struct evnet_wheel_node node;
  uint64_t expires_ms;  // the reactor's time, which may be further away than the wheel reaches
  uint64_t period_ms;   // 0: one-shot
  void (*expired)(struct evnet_timer *timer, void *user);
  void *user;
};

// evnet_timer_start calls `expired` once, delay_ms from now; a timer that runs already is moved. A
// delay of 0 means the next turn of the loop, with I/O between. The callback may start the timer
// again, or free it.
//
// Thread:  the reactor's.
EVNET_API void evnet_timer_start(struct evnet_reactor *reactor, struct evnet_timer *timer,
                                 uint64_t delay_ms,
                                 void (*expired)(struct evnet_timer *timer, void *user),
                                 void *user);

// evnet_timer_repeat calls `expired` each period_ms, first after one, until evnet_timer_stop. Late
// calls are not made up for: the next one is at the next multiple of the period.
//
//   period_ms  0 counts as 1.
//
// Thread:  the reactor's.
EVNET_API void evnet_timer_repeat(struct evnet_reactor *reactor, struct evnet_timer *timer,
                                  uint64_t period_ms,
                                  void (*expired)(struct evnet_timer *timer, void *user),
                                  void *user);

// evnet_timer_stop, also from the timer's own callback; one that does not run is left alone. A
// timer has to be stopped before its memory goes, unless the reactor has been destroyed.
//
// Thread:  the reactor's.
EVNET_API void evnet_timer_stop(struct evnet_reactor *reactor, struct evnet_timer *timer);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_TIMER_H_
