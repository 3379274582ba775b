// Systems without sendfile(2), or whose sendfile(2) evnet does not use.
#include <errno.h>

#include "net/poller/internal/socket_system.h"

int64_t evnet_socket_system_sendfile(int descriptor, const struct evnet_file_range *file) {
  (void)descriptor;
  (void)file;
  return -ENOSYS;
}
