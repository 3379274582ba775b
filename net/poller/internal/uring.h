// The io_uring backend. It is built on Linux only, and only with liburing.
#ifndef EVNET_NET_POLLER_INTERNAL_URING_H_
#define EVNET_NET_POLLER_INTERNAL_URING_H_

#include "net/poller/internal/backend.h"

#ifdef __cplusplus
extern "C" {
#endif

// The poller belongs to the calling thread (IORING_SETUP_SINGLE_ISSUER).
//
// Errors:  -ENOSYS if the kernel does not have io_uring, or is older than Linux 6.1.
//          -EPERM if kernel.io_uring_disabled or seccomp refuses it.
//          -ENOMEM, -EMFILE, -ENFILE.
EVNET_WARN_UNUSED int evnet_uring_create(const struct evnet_poller_options *options,
                                         struct evnet_poller **out_poller);

// Explains an -ENOMEM of evnet_uring_create if the limit of locked memory may be the cause. The
// text is valid until the thread's next call. Returns NULL if the limit does not apply to this
// thread.
const char *evnet_uring_memory_message(void);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_INTERNAL_URING_H_
