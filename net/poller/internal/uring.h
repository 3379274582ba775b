// io_uring as a backend. Linux only, and only where liburing is.
#ifndef EVNET_NET_POLLER_INTERNAL_URING_H_
#define EVNET_NET_POLLER_INTERNAL_URING_H_

#include "net/poller/internal/backend.h"

#ifdef __cplusplus
extern "C" {
#endif

// The poller belongs to the calling thread (IORING_SETUP_SINGLE_ISSUER).
//
// Errors:  -ENOSYS when the kernel has no io_uring, or is older than Linux 6.1; -EPERM when
//          kernel.io_uring_disabled or seccomp refuses it; -ENOMEM, -EMFILE, -ENFILE.
EVNET_WARN_UNUSED int evnet_uring_create(const struct evnet_poller_options *options,
                                         struct evnet_poller **out_poller);

// What -ENOMEM of evnet_uring_create means when the limit of locked memory is the cause: a text
// that is valid until the thread's next call. NULL: it is not limited.
const char *evnet_uring_memory_message(void);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_INTERNAL_URING_H_
