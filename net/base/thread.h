// Threads that evnet makes.
#ifndef EVNET_NET_BASE_THREAD_H_
#define EVNET_NET_BASE_THREAD_H_

#include <pthread.h>
#include <stdint.h>

#include "status.h"

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

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_BASE_THREAD_H_
