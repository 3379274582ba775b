// The steps of a reactor's stop.
#ifndef EVNET_NET_REACTOR_INTERNAL_DRAIN_H_
#define EVNET_NET_REACTOR_INTERNAL_DRAIN_H_

#include "net/reactor/internal/names.h"

struct evnet_reactor;

// drain_step is called once a turn, before the wait.
void drain_step(struct evnet_reactor *reactor);

#endif  // EVNET_NET_REACTOR_INTERNAL_DRAIN_H_
