// A system without sendfile(2), or with one that nobody has tried yet.
#include <errno.h>

#include "net/poller/internal/socket_system.h"

int64_t evnet_socket_system_sendfile(int descriptor, const struct evnet_file_range *file) {
  (void)descriptor;
  (void)file;
  return -ENOSYS;
}
