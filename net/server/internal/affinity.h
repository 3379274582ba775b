// Pins a thread to one CPU.
#ifndef EVNET_NET_SERVER_INTERNAL_AFFINITY_H_
#define EVNET_NET_SERVER_INTERNAL_AFFINITY_H_

#include <stdint.h>

#include "net/base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

// A thread's affinity mask, saved by evnet_thread_pin and restored by evnet_thread_unpin.
struct evnet_affinity;

// evnet_thread_pin pins the calling thread to one CPU of its affinity mask.
//
//   index       the CPU's position in the mask, modulo the number of CPUs in the mask.
//   out_before  the mask before the call, for evnet_thread_unpin.
//
// Returns: 0.
// Errors:  -EOPNOTSUPP where threads cannot be pinned; -ENOMEM; those of sched_getaffinity(2) and
//          sched_setaffinity(2).
EVNET_WARN_UNUSED int evnet_thread_pin(uint32_t index, struct evnet_affinity **out_before);

// evnet_thread_unpin restores the calling thread's mask and frees `before`; NULL is accepted.
void evnet_thread_unpin(struct evnet_affinity *before);

// evnet_affinity_cpus lists the CPUs of the calling thread's mask in the order of evnet_thread_pin.
//
//   cpus  count_max numbers.
//
// Returns: the number of CPUs, at most count_max.
// Errors:  as evnet_thread_pin.
EVNET_WARN_UNUSED int evnet_affinity_cpus(uint32_t *cpus, uint32_t count_max);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_SERVER_INTERNAL_AFFINITY_H_
