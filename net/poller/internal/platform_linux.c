// The backends of Linux, built without liburing.
#include <errno.h>

#include "net/poller/internal/readiness.h"

int evnet_poller_platform_create(const struct evnet_poller_options *options,
                                 struct evnet_poller **out_poller) {
  switch (options->backend) {
    case EVNET_BACKEND_AUTO:
    case EVNET_BACKEND_EPOLL:
      return evnet_ready_create(&evnet_readiness_epoll, options, out_poller);
    default:
      return -ENOSYS;
  }
}

const char *evnet_poller_platform_message(enum evnet_backend backend, int status) {
  if (backend == EVNET_BACKEND_IO_URING && status == -ENOSYS) {
    return "this build does not include io_uring: liburing-dev was not installed, or "
           "--define=evnet_io_uring=off";
  }
  return evnet_epoll_message(backend, status);
}
