// Timers on a reactor, for the layers above it.
#ifndef EVNET_NET_REACTOR_TIMER_H_
#define EVNET_NET_REACTOR_TIMER_H_

#include <stdint.h>

#include "net/reactor/reactor.h"
#include "net/reactor/wheel.h"

#ifdef __cplusplus
extern "C" {
#endif

// Embedded by its owner; all zero: not running.
struct evnet_timer {
  struct evnet_wheel_node node;
  uint64_t expires_ms;  // the reactor's time, which may be further away than the wheel reaches
  void (*expired)(struct evnet_timer *timer, void *user);
  void *user;
};

// evnet_timer_start calls `expired` once, delay_ms from now; a timer that runs already is moved. A
// delay of 0 means the next turn. The timer must stay in place until it has expired or was stopped.
//
// Thread:  the reactor's.
void evnet_timer_start(struct evnet_reactor *reactor, struct evnet_timer *timer, uint64_t delay_ms,
                       void (*expired)(struct evnet_timer *timer, void *user), void *user);

// evnet_timer_stop; one that does not run is left alone.
//
// Thread:  the reactor's.
void evnet_timer_stop(struct evnet_reactor *reactor, struct evnet_timer *timer);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_TIMER_H_
