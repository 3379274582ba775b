#include "net/poller/internal/rights.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include "net/poller/internal/datagram_system.h"
#include "net/poller/internal/socket_system.h"
#include "net/poller/internal/unix_system.h"

// The most descriptors of one read (SCM_MAX_FD of Linux).
enum { DESCRIPTORS_MAX = 253 };

// Appends the descriptors of a control message, and closes those that exceed the room.
static size_t append(const struct cmsghdr *control, int *descriptors, size_t count) {
  if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) return count;
  const unsigned char *data = CMSG_DATA(control);
  const size_t more = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  for (size_t i = 0; i < more; i++) {
    int descriptor;
    memcpy(&descriptor, data + i * sizeof descriptor, sizeof descriptor);
    if (count == DESCRIPTORS_MAX) {
      (void)close(descriptor);
      continue;
    }
    // Systems without MSG_CMSG_CLOEXEC cannot do both in one step.
    if (evnet_unix_system_receive_flags == 0) (void)fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    descriptors[count++] = descriptor;
  }
  return count;
}

int64_t evnet_rights_receive(const struct evnet_poller *poller, struct evnet_handle handle,
                             int descriptor, void *out_data, size_t size) {
  _Alignas(struct cmsghdr) unsigned char control[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
  struct iovec piece = {.iov_base = out_data, .iov_len = size};
  struct msghdr message = {
      .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  ssize_t got;
  do {
    got = recvmsg(descriptor, &message, evnet_unix_system_receive_flags);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return -errno;
  int descriptors[DESCRIPTORS_MAX];
  size_t count = 0;
  for (const struct cmsghdr *header = evnet_datagram_first_control(&message); header != NULL;
       header = evnet_datagram_next_control(&message, header))
    count = append(header, descriptors, count);
  const bool cut = message.msg_flags & MSG_CTRUNC;
  if (count > 0 || cut)
    poller->taker->take(poller->taker->context, handle, descriptors, count, cut);
  return got;
}

int64_t evnet_rights_send(int descriptor, int passed, const void *data, size_t size) {
  _Alignas(struct cmsghdr) unsigned char control[CMSG_SPACE(sizeof passed)] = {0};
  struct iovec piece = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
  struct msghdr message = {
      .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof passed);
  memcpy(CMSG_DATA(header), &passed, sizeof passed);
  for (;;) {
    const ssize_t sent = sendmsg(descriptor, &message, evnet_socket_system_send_flags);
    if (sent >= 0) return sent;
    if (errno != EINTR) return -errno;
  }
}
