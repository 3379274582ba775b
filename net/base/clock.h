// The monotonic clock.
#ifndef EVNET_NET_BASE_CLOCK_H_
#define EVNET_NET_BASE_CLOCK_H_

#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

// evnet_clock_now_ns reads CLOCK_MONOTONIC. Reactors read the poller's clock instead, which a
// simulation can control.
//
// Returns: nanoseconds.
// Thread:  any. It is async-signal-safe, because clock_gettime(2) is (signal-safety(7)).
EVNET_API uint64_t evnet_clock_now_ns(void);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_BASE_CLOCK_H_
