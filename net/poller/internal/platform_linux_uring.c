// The backends of Linux, built with liburing.
#include <errno.h>

#include "net/poller/internal/readiness.h"
#include "net/poller/internal/uring.h"

// The backends that AUTO tries, the best first. It tries the next if the kernel or a sandbox
// refuses one.
static const enum evnet_backend auto_order[] = {EVNET_BACKEND_EPOLL, EVNET_BACKEND_IO_URING};

static int create(enum evnet_backend backend, const struct evnet_poller_options *options,
                  struct evnet_poller **out_poller) {
  switch (backend) {
    case EVNET_BACKEND_EPOLL:
      return evnet_ready_create(&evnet_readiness_epoll, options, out_poller);
    case EVNET_BACKEND_IO_URING:
      return evnet_uring_create(options, out_poller);
    default:
      return -ENOSYS;
  }
}

int evnet_poller_platform_create(const struct evnet_poller_options *options,
                                 struct evnet_poller **out_poller) {
  if (options->backend != EVNET_BACKEND_AUTO) return create(options->backend, options, out_poller);
  int status = -ENOSYS;
  for (size_t i = 0; i < sizeof auto_order / sizeof auto_order[0]; i++) {
    status = create(auto_order[i], options, out_poller);
    // Another error, such as lack of memory or descriptors, would make the next backend fail, too.
    if (status != -ENOSYS && status != -EPERM) break;
  }
  return status;
}

static const char *uring_message(int status) {
  switch (status) {
    case -EPERM:
      return "io_uring is refused by the system (seccomp, or kernel.io_uring_disabled)";
    case -ENOSYS:
      return "io_uring is not available: missing from this kernel, refused by a sandbox (as is "
             "eventfd(2)), or older than Linux 6.1";
    case -EAGAIN:
      return "io_uring cannot create a ring: a limit on threads or memory is reached (ulimit -u or "
             "-l)";
    case -ENOMEM:
      return evnet_uring_memory_message();
    default:
      return NULL;
  }
}

const char *evnet_poller_platform_message(enum evnet_backend backend, int status) {
  if (backend == EVNET_BACKEND_IO_URING) return uring_message(status);
  return evnet_epoll_message(backend, status);
}
