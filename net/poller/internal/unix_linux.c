#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "net/poller/internal/unix_system.h"

const bool evnet_unix_system_abstract_names = true;
const int evnet_unix_system_receive_flags = MSG_CMSG_CLOEXEC;

// Without a control buffer the kernel drops control data, including descriptors, and sets
// MSG_CTRUNC (scm_recv in include/net/scm.h; the same from Linux 4.5 to 6.18). So no descriptor
// enters this process's table, where it would count against the limit, and where its close(2) might
// block.
//
// unix_stream_read_generic stops after bytes that carried descriptors. Otherwise it stops only for
// lack of room or bytes, or at out-of-band data, which EPOLLPRI reports to the poller.
int64_t evnet_unix_system_recv(int descriptor, void *out_data, size_t size, bool *out_split) {
  struct iovec piece = {.iov_base = out_data, .iov_len = size};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
  ssize_t got = recvmsg(descriptor, &message, 0);
  if (got < 0) return -errno;
  *out_split = message.msg_flags & MSG_CTRUNC;
  return got;
}

// fchmodat2(2) exists since Linux 6.6; include/uapi/asm-generic/unistd.h has its number.
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

int evnet_unix_system_chmod(const char *path, const struct stat *made, mode_t mode) {
  if (syscall(SYS_fchmodat2, AT_FDCWD, path, mode, AT_SYMLINK_NOFOLLOW) == 0) return 0;
  // A sandbox that does not know the call may fail with EPERM.
  if (errno != ENOSYS && errno != EPERM) return -errno;
  // The C library emulates the call by way of /proc; without /proc it fails with EOPNOTSUPP (glibc
  // and musl).
  if (fchmodat(AT_FDCWD, path, mode, AT_SYMLINK_NOFOLLOW) == 0) return 0;
  if (errno != EOPNOTSUPP && errno != ENOENT) return -errno;
  struct stat there;
  if (lstat(path, &there) != 0) return -errno;
  if (there.st_dev != made->st_dev || there.st_ino != made->st_ino) return -ESTALE;
  return chmod(path, mode) == 0 ? 0 : -errno;
}

int evnet_unix_system_credentials(int descriptor, struct evnet_credentials *out_credentials) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return -errno;
  *out_credentials =
      (struct evnet_credentials){.user = peer.uid, .group = peer.gid, .process = peer.pid};
  return 0;
}
