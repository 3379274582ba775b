// Watches of a reactor.
#ifndef EVNET_NET_REACTOR_INTERNAL_WATCH_H_
#define EVNET_NET_REACTOR_INTERNAL_WATCH_H_

#include "net/poller/poller.h"
#include "net/reactor/internal/names.h"

struct evnet_reactor;

// watch_ready calls the callback of the watch that a completion names.
void watch_ready(struct evnet_reactor *reactor, const struct evnet_completion *completion);

// watch_end_all stops the watches that run, with a last callback, because the reactor has ended.
void watch_end_all(struct evnet_reactor *reactor);

#endif  // EVNET_NET_REACTOR_INTERNAL_WATCH_H_
