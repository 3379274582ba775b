// Carries out requests of other threads on the reactor's thread.
#ifndef EVNET_NET_REACTOR_INTERNAL_ASYNC_H_
#define EVNET_NET_REACTOR_INTERNAL_ASYNC_H_

#include "net/reactor/async.h"
#include "net/reactor/internal/names.h"

// async_carry_out performs a request and completes it, now or later.
void async_carry_out(struct evnet_reactor *reactor, struct evnet_async *async);

// async_run_answers calls `finish` of the completed requests, once a turn.
void async_run_answers(struct evnet_reactor *reactor);

#endif  // EVNET_NET_REACTOR_INTERNAL_ASYNC_H_
