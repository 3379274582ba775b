// The CPU that a thread keeps to.
#ifndef EVNET_NET_SERVER_INTERNAL_AFFINITY_H_
#define EVNET_NET_SERVER_INTERNAL_AFFINITY_H_

#include <stdint.h>

#include "net/base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

// What evnet_thread_pin found and evnet_thread_unpin brings back.
struct evnet_affinity;

// evnet_thread_pin makes the calling thread keep to one CPU of those in its affinity mask: the
// index-th, counted around.
//
//   out_before  the mask as it was, for evnet_thread_unpin.
//
// Returns: 0.
// Errors:  -EOPNOTSUPP where threads cannot be pinned; -ENOMEM; those of sched_setaffinity(2).
EVNET_WARN_UNUSED int evnet_thread_pin(uint32_t index, struct evnet_affinity **out_before);

// evnet_thread_unpin gives the calling thread its former mask back and frees it; NULL is accepted.
void evnet_thread_unpin(struct evnet_affinity *before);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_SERVER_INTERNAL_AFFINITY_H_
