// Sends a range of a file by the system's sendfile(2). If there is none, or it does not support
// this file, the range is sent by a read and a send.
#include <errno.h>
#include <sys/types.h>
#include <unistd.h>

#include "net/poller/internal/socket.h"
#include "net/poller/internal/socket_system.h"

_Static_assert(sizeof(off_t) == sizeof(int64_t), "large files: -D_FILE_OFFSET_BITS=64");

static int64_t read_at(const struct evnet_file_range *file, int64_t skip, void *out, size_t size) {
  for (;;) {
    ssize_t got = pread(file->descriptor, out, size, file->offset + skip);
    if (got >= 0) return got;
    if (errno != EINTR) return -errno;
  }
}

static int64_t copy(int descriptor, const struct evnet_file_range *file) {
  uint8_t block[16384];
  int64_t copied = 0;
  int64_t status = 0;
  while ((size_t)copied < file->size) {
    size_t left = file->size - (size_t)copied;
    int64_t got = read_at(file, copied, block, left < sizeof block ? left : sizeof block);
    status = got == 0 ? EVNET_REASON_FILE_SHORT : got;
    if (got <= 0) break;
    const struct iovec piece = {.iov_base = block, .iov_len = (size_t)got};
    status = evnet_socket_send(descriptor, &piece, 1);
    if (status <= 0) break;
    copied += status;
  }
  return copied > 0 ? copied : status;
}

static int64_t send_file(int descriptor, const struct evnet_file_range *file) {
  for (;;) {
    int64_t sent = evnet_socket_system_sendfile(descriptor, file);
    if (sent > 0) return sent;
    if (sent == 0) return EVNET_REASON_FILE_SHORT;
    // Some file systems do not support sendfile(2).
    const bool refused = sent == -ENOSYS || sent == -EPERM;  // by a sandbox, see seccomp(2)
    if (refused || sent == -EINVAL || sent == -ENOTSUP) return copy(descriptor, file);
    if (sent != -EINTR) return sent;
  }
}

// Sends at most `bytes_max` bytes of a send_start, which is longer.
static int64_t send_part(int descriptor, const struct evnet_send *send, size_t bytes_max) {
  struct iovec pieces[EVNET_SEND_PIECES_MAX];
  size_t count = 0;
  for (; count < send->count && bytes_max > 0; count++) {
    pieces[count] = send->pieces[count];
    if (pieces[count].iov_len > bytes_max) pieces[count].iov_len = bytes_max;
    bytes_max -= pieces[count].iov_len;
  }
  return evnet_socket_send(descriptor, pieces, count);
}

int64_t evnet_socket_send_started(int descriptor, const struct evnet_send *send, size_t bytes_max) {
  if (bytes_max == 0) return 0;
  if (send->count > 0) {
    if (bytes_max == SIZE_MAX) return evnet_socket_send(descriptor, send->pieces, send->count);
    return send_part(descriptor, send, bytes_max);
  }
  struct evnet_file_range file = *send->file;
  if (file.size > bytes_max) file.size = bytes_max;
  return send_file(descriptor, &file);
}
