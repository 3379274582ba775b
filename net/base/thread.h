// The threads of evnet.
#ifndef EVNET_NET_BASE_THREAD_H_
#define EVNET_NET_BASE_THREAD_H_

#include <pthread.h>
#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

// evnet_thread_create starts a thread that blocks all signals except those that a fault of the
// thread itself raises. A signal to the process is therefore handled by a thread of the user.
//
// Returns: 0.
// Errors:  -errno of pthread_create(3).
EVNET_WARN_UNUSED int evnet_thread_create(pthread_t *out_thread, void *(*main)(void *argument),
                                          void *argument);

// evnet_thread_set_name names the calling thread PREFIX-INDEX for debuggers and top(1), where the
// system supports names. It keeps at most 15 characters (pthread_setname_np(3)).
void evnet_thread_set_name(const char *prefix, uint32_t index);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_BASE_THREAD_H_
