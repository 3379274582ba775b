// The wait of a turn.
#ifndef EVNET_NET_REACTOR_INTERNAL_WAIT_H_
#define EVNET_NET_REACTOR_INTERNAL_WAIT_H_

#include <stdbool.h>
#include <stdint.h>

#include "net/reactor/internal/names.h"

struct evnet_reactor;

// wait_time returns how long the kernel may wait, in ns; -1 if until the next event.
int64_t wait_time(struct evnet_reactor *reactor, int64_t wait_ms_max);

// wait_for_kernel waits for completions. Returns as evnet_poller_wait.
int wait_for_kernel(struct evnet_reactor *reactor, int64_t wait_ms_max, bool may_sleep);

// wait_flush_datagrams sends gathered datagrams.
void wait_flush_datagrams(struct evnet_reactor *reactor);

#endif  // EVNET_NET_REACTOR_INTERNAL_WAIT_H_
