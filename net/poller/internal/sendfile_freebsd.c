// sendfile(2) of FreeBSD. It raises SIGPIPE only for headers and trailers, which evnet does not
// use.
#include <errno.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "net/poller/internal/socket_system.h"

int64_t evnet_socket_system_sendfile(int descriptor, const struct evnet_file_range *file) {
  off_t sent = 0;
  int status = sendfile(file->descriptor, descriptor, file->offset, file->size, NULL, &sent, 0);
  // With EAGAIN and EINTR a part may have been sent.
  if (sent > 0 || status == 0) return sent;
  return -errno;
}
