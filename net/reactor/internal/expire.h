// Expired deadlines and timers.
#ifndef EVNET_NET_REACTOR_INTERNAL_EXPIRE_H_
#define EVNET_NET_REACTOR_INTERNAL_EXPIRE_H_

#include "net/reactor/internal/names.h"

struct evnet_reactor;

// expire_deadlines handles all expired deadlines of connections.
void expire_deadlines(struct evnet_reactor *reactor);

// expire_timers runs all timers that are due.
void expire_timers(struct evnet_reactor *reactor);

#endif  // EVNET_NET_REACTOR_INTERNAL_EXPIRE_H_
