// sendfile(2) as on macOS: `size` is the number of bytes to send, and returns the number sent, also
// with EAGAIN. An early error does not change it. SO_NOSIGPIPE controls SIGPIPE, as for send.
#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int fail(int error) {
  errno = error;
  return -1;
}

int sendfile(int file, int descriptor, off_t offset, off_t *size, struct sf_hdtr *around,
             int flags) {
  struct stat status;
  if (fstat(file, &status) != 0) return -1;
  if (!S_ISREG(status.st_mode)) return fail(ENOTSUP);
  if (offset < 0 || *size < 0 || around != NULL || flags != 0) return fail(EINVAL);
  const off_t asked = *size == 0 ? status.st_size - offset : *size;  // 0: up to EOF
  *size = 0;
  while (*size < asked) {
    char block[16384];
    size_t part = sizeof block;
    if (asked - *size < (off_t)part) part = (size_t)(asked - *size);
    const ssize_t got = pread(file, block, part, offset + *size);
    if (got <= 0) return (int)got;
    const ssize_t sent = send(descriptor, block, (size_t)got, 0);
    if (sent < 0) return -1;
    *size += sent;
    if (sent < got) return fail(EAGAIN);
  }
  return 0;
}
