// Unix sockets of macOS and the BSDs.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include "net/poller/internal/unix_system.h"

// The most descriptors that one read can return (Linux's SCM_MAX_FD). The kernel has to close
// descriptors beyond that.
enum { DESCRIPTORS_MAX = 253 };

const bool evnet_unix_system_abstract_names = false;
const int evnet_unix_system_receive_flags = 0;

static void close_received(struct msghdr *message) {
  for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL;
       header = CMSG_NXTHDR(message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const unsigned char *data = CMSG_DATA(header);
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
      int descriptor;
      memcpy(&descriptor, data + i * sizeof descriptor, sizeof descriptor);
      (void)close(descriptor);
    }
  }
}

// Receives with a control buffer, because not all of these kernels close descriptors for which
// there is no room. A message with descriptors begins a new read (soreceive(9)), so a short read
// proves nothing.
int64_t evnet_unix_system_recv(int descriptor, void *out_data, size_t size, bool *out_split) {
  union {
    struct cmsghdr header;  // aligns `bytes`
    unsigned char bytes[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
  } control;
  struct iovec piece = {.iov_base = out_data, .iov_len = size};
  struct msghdr message = {.msg_iov = &piece,
                           .msg_iovlen = 1,
                           .msg_control = control.bytes,
                           .msg_controllen = sizeof control.bytes};
  ssize_t got = recvmsg(descriptor, &message, 0);
  if (got < 0) return -errno;
  *out_split = true;
  if (message.msg_controllen > 0) close_received(&message);
  return got;
}

int evnet_unix_system_chmod(const char *path, const struct stat *made, mode_t mode) {
  (void)made;
  return fchmodat(AT_FDCWD, path, mode, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : -errno;
}

int evnet_unix_system_credentials(int descriptor, struct evnet_credentials *out_credentials) {
  struct evnet_credentials peer = {0};
  if (getpeereid(descriptor, &peer.user, &peer.group) != 0) return -errno;
  *out_credentials = peer;
  return 0;
}
