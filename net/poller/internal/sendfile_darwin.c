// sendfile(2) of macOS. It raises no SIGPIPE, because all of evnet's sockets have SO_NOSIGPIPE.
#include <errno.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "net/poller/internal/socket_system.h"

int64_t evnet_socket_system_sendfile(int descriptor, const struct evnet_file_range *file) {
  off_t size = (off_t)file->size;
  int status = sendfile(file->descriptor, descriptor, file->offset, &size, NULL, 0);
  if (status == 0) return size;
  // With these two errors a part may have been sent. With other errors, `size` is meaningless.
  if ((errno == EAGAIN || errno == EINTR) && size > 0) return size;
  return -errno;
}
