// macOS's sendfile(2). SO_NOSIGPIPE, which every socket of ours has, spares us the signal.
#include <errno.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "net/poller/internal/socket_system.h"

int64_t evnet_socket_system_sendfile(int descriptor, const struct evnet_file_range *file) {
  off_t size = (off_t)file->size;
  int status = sendfile(file->descriptor, descriptor, file->offset, &size, NULL, 0);
  if (status == 0) return size;
  // With these two a part may have gone all the same; what other errors leave in size says nothing.
  if ((errno == EAGAIN || errno == EINTR) && size > 0) return size;
  return -errno;
}
