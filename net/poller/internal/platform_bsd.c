// The backends of macOS and the BSDs.
#include <errno.h>

#include "net/poller/internal/readiness.h"

int evnet_poller_platform_create(const struct evnet_poller_options *options,
                                 struct evnet_poller **out_poller) {
  switch (options->backend) {
    case EVNET_BACKEND_AUTO:
    case EVNET_BACKEND_KQUEUE:
      return evnet_ready_create(&evnet_readiness_kqueue, options, out_poller);
    default:
      return -ENOSYS;
  }
}

const char *evnet_poller_platform_message(enum evnet_backend backend, int status) {
  (void)backend;
  return status == -ENOSYS ? "another system's backend" : NULL;
}
