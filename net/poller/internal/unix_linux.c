#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "net/poller/internal/unix_system.h"

const bool evnet_unix_system_abstract_names = true;

// Without a control buffer the kernel drops what is sent along, descriptors included, and says so
// by MSG_CTRUNC (scm_recv in include/net/scm.h; the same from Linux 4.5 to 6.18). So none is ever
// in our table, where it would count against our limit and a close(2) of it might block.
//
// unix_stream_read_generic stops behind bytes that carried descriptors, and else only for want of
// room or of bytes, or at out-of-band data, which the poller hears of by EPOLLPRI.
int64_t evnet_unix_system_recv(int descriptor, void *out_data, size_t size, bool *out_split) {
  struct iovec piece = {.iov_base = out_data, .iov_len = size};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
  ssize_t got = recvmsg(descriptor, &message, 0);
  if (got < 0) return -errno;
  *out_split = message.msg_flags & MSG_CTRUNC;
  return got;
}

int evnet_unix_system_credentials(int descriptor, struct evnet_credentials *out_credentials) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return -errno;
  *out_credentials =
      (struct evnet_credentials){.user = peer.uid, .group = peer.gid, .process = peer.pid};
  return 0;
}
