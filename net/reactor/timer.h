// Timers on a reactor, one-shot or repeating, for everything but the timeouts of a connection.
// Starting, moving, stopping and expiring a timer is O(1) for any number of timers and allocates
// nothing.
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

// A timer, embedded in its owner. It must not move while it runs. A structure of zeros is a timer
// that does not run. Only the functions below use the fields.
struct evnet_timer {
  struct evnet_wheel_node node EVNET_ZERO;  // its place in the reactor's wheel
  uint64_t expires_ms EVNET_ZERO;  // in the reactor's time; may be later than the wheel reaches
  uint64_t period_ms EVNET_ZERO;   // 0: one-shot
  void (*expired)(struct evnet_timer *timer, void *user) EVNET_ZERO;  // the callback
  void *user EVNET_ZERO;                                              // passed to it
};

// evnet_timer_start calls `expired` once, delay_ms from now. If the timer runs already, it is
// moved. A delay of 0 means the next turn of the loop, with I/O in between. The callback may start
// the timer again, or free it.
//
//   timer     must stay in place until it has expired or was stopped.
//   delay_ms  milliseconds.
//   expired   called on the reactor's thread with timer and user.
//
// Thread:  the reactor's.
EVNET_API void evnet_timer_start(struct evnet_reactor *reactor, struct evnet_timer *timer,
                                 uint64_t delay_ms,
                                 void (*expired)(struct evnet_timer *timer, void *user),
                                 void *user);

// evnet_timer_repeat calls `expired` every period_ms, first after one period, until
// evnet_timer_stop. Missed calls are not made up: the next call is at the next multiple of the
// period.
//
//   timer      must stay in place until it was stopped.
//   period_ms  milliseconds; 0 counts as 1.
//   expired    called on the reactor's thread with timer and user.
//
// Thread:  the reactor's.
EVNET_API void evnet_timer_repeat(struct evnet_reactor *reactor, struct evnet_timer *timer,
                                  uint64_t period_ms,
                                  void (*expired)(struct evnet_timer *timer, void *user),
                                  void *user);

// evnet_timer_stop stops a timer; it has no effect on one that does not run. The timer's own
// callback may call it. Stop a timer before freeing its memory, unless the reactor has been
// destroyed.
//
// Thread:  the reactor's.
EVNET_API void evnet_timer_stop(struct evnet_reactor *reactor, struct evnet_timer *timer);

// evnet_timer_remaining_ms returns the time until a timer's callback.
//
// Returns: milliseconds by the loop's clock (evnet_reactor_now_ms); 0 if the callback is due; -1 if
//          the timer does not run.
// Thread:  the reactor's.
EVNET_API int64_t evnet_timer_remaining_ms(const struct evnet_reactor *reactor,
                                           const struct evnet_timer *timer);

// evnet_reactor_now_ms returns the time of the loop's clock: CLOCK_MONOTONIC of clock_gettime(2),
// or the clock of a simulated kernel. All reactors of a process share it. evnet reads it when the
// wait in the kernel ends and after each callback, so it stands still during a callback. This call
// reads no clock.
//
// Returns: milliseconds.
// Thread:  the reactor's.
EVNET_API uint64_t evnet_reactor_now_ms(const struct evnet_reactor *reactor);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_TIMER_H_
