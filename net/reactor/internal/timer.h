// The timers that are due.
#ifndef EVNET_NET_REACTOR_INTERNAL_TIMER_H_
#define EVNET_NET_REACTOR_INTERNAL_TIMER_H_

#include "net/reactor/internal/names.h"
#include "net/reactor/timer.h"

// timer_pop returns the next timer that is due, or NULL. A periodic timer is scheduled again first,
// so that its callback may stop it.
struct evnet_timer *timer_pop(struct evnet_reactor *reactor);

#endif  // EVNET_NET_REACTOR_INTERNAL_TIMER_H_
