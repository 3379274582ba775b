// Threads that evnet makes, and the CPU that one of them keeps to.
#ifndef EVNET_NET_SERVER_INTERNAL_THREADS_H_
#define EVNET_NET_SERVER_INTERNAL_THREADS_H_

#include <pthread.h>
#include <stdint.h>

#include "net/base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

// evnet_thread_create starts a thread in which every signal is blocked, but for those that a fault
// of its own raises: one that is meant for the process goes to a thread of the user's.
//
// Returns: 0.
// Errors:  those of pthread_create(3).
EVNET_WARN_UNUSED int evnet_thread_create(pthread_t *out_thread, void *(*main)(void *argument),
                                          void *argument);

// evnet_thread_set_name names the calling thread as PREFIX-INDEX for debuggers and top(1), where
// the system can. At most 15 characters are kept (pthread_setname_np(3)).
void evnet_thread_set_name(const char *prefix, uint32_t index);

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

#endif  // EVNET_NET_SERVER_INTERNAL_THREADS_H_
