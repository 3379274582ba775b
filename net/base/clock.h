// The monotonic clock.
#ifndef EVNET_NET_BASE_CLOCK_H_
#define EVNET_NET_BASE_CLOCK_H_

#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

// evnet_clock_now_ns reads CLOCK_MONOTONIC, in nanoseconds. Reactors read the poller's clock
// instead, which a simulation drives.
//
// Thread:  any; async-signal-safe (clock_gettime is, signal-safety(7)).
EVNET_API uint64_t evnet_clock_now_ns(void);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_BASE_CLOCK_H_
