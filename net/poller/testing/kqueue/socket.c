// The sockets of macOS: the options TCP_KEEPALIVE, which Linux calls TCP_KEEPIDLE, and SO_NOSIGPIPE, which
// Linux does not have. socket_darwin.c sets SO_NOSIGPIPE once for a socket, and sends without MSG_NOSIGNAL. The
// linker (--wrap) directs every call here, and MSG_NOSIGNAL is added for sockets with the option.
//
// Unlike on macOS, an accepted socket does not inherit the option from its listener. So a signal
// reveals code that does not set it.
//
// As on macOS (the files of XNU are named in the poller's):
//
// - An accepted socket does not inherit TCP_KEEPALIVE.
// - MCAST_JOIN_GROUP needs the address's length and an interface.
// - ipi_spec_dst of a received datagram is not filled.
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/poller/testing/kqueue/socket.h"

enum { DESCRIPTORS_MAX = 1 << 16 };

static atomic_bool no_sigpipe[DESCRIPTORS_MAX];

int __real_setsockopt(int descriptor, int level, int name, const void *value, socklen_t size);
int __wrap_setsockopt(int descriptor, int level, int name, const void *value, socklen_t size);
ssize_t __real_send(int descriptor, const void *data, size_t size, int flags);
ssize_t __wrap_send(int descriptor, const void *data, size_t size, int flags);
int __real_accept(int listener, struct sockaddr *out_address, socklen_t *size);
int __wrap_accept(int listener, struct sockaddr *out_address, socklen_t *size);
ssize_t __real_recvmsg(int descriptor, struct msghdr *message, int flags);
ssize_t __wrap_recvmsg(int descriptor, struct msghdr *message, int flags);
ssize_t __real_sendmsg(int descriptor, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int descriptor, const struct msghdr *message, int flags);

static bool is_known(int descriptor) { return descriptor >= 0 && descriptor < DESCRIPTORS_MAX; }

static int extra_flags(int descriptor) {
  return is_known(descriptor) && atomic_load(&no_sigpipe[descriptor]) ? MSG_NOSIGNAL : 0;
}

void evnet_test_socket_closed(int descriptor) {
  if (is_known(descriptor)) atomic_store(&no_sigpipe[descriptor], false);
}

// Returns 0 or an errno.
static int check_group(int level, const struct group_req *request) {
  const size_t size =
      level == IPPROTO_IP ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
  if ((unsigned char)request->gr_group.ss_len != size) return EINVAL;
  return request->gr_interface == 0 ? EADDRNOTAVAIL : 0;
}

int __wrap_setsockopt(int descriptor, int level, int name, const void *value, socklen_t size) {
  const bool is_ip = level == IPPROTO_IP || level == IPPROTO_IPV6;
  if (is_ip && (name == MCAST_JOIN_GROUP || name == MCAST_LEAVE_GROUP)) {
    errno = check_group(level, value);
    if (errno != 0) return -1;
  }
  if (level == IPPROTO_TCP && name == TCP_KEEPALIVE) name = TCP_KEEPIDLE;
  if (level != SOL_SOCKET || name != SO_NOSIGPIPE) {
    return __real_setsockopt(descriptor, level, name, value, size);
  }
  if (!is_known(descriptor) || size != sizeof(int)) {
    errno = EINVAL;
    return -1;
  }
  atomic_store(&no_sigpipe[descriptor], *(const int *)value != 0);
  return 0;
}

ssize_t __wrap_send(int descriptor, const void *data, size_t size, int flags) {
  return __real_send(descriptor, data, size, flags | extra_flags(descriptor));
}

ssize_t __wrap_sendmsg(int descriptor, const struct msghdr *message, int flags) {
  return __real_sendmsg(descriptor, message, flags | extra_flags(descriptor));
}

int __wrap_accept(int listener, struct sockaddr *out_address, socklen_t *size) {
  int descriptor = __real_accept(listener, out_address, size);
  const int idle_s = 7200;  // the default of both systems
  // Fails for a Unix socket.
  if (descriptor >= 0) {
    (void)__real_setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  }
  return descriptor;
}

ssize_t __wrap_recvmsg(int descriptor, struct msghdr *message, int flags) {
  ssize_t got = __real_recvmsg(descriptor, message, flags);
  if (got < 0) return got;
  for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control != NULL;
       control = CMSG_NXTHDR(message, control)) {
    if (control->cmsg_level != IPPROTO_IP || control->cmsg_type != IP_PKTINFO) continue;
    struct in_pktinfo info;
    memcpy(&info, CMSG_DATA(control), sizeof info);
    info.ipi_spec_dst = (struct in_addr){0};
    memcpy(CMSG_DATA(control), &info, sizeof info);
  }
  return got;
}

int getpeereid(int descriptor, uid_t *out_user, gid_t *out_group) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return -1;
  *out_user = peer.uid;
  *out_group = peer.gid;
  return 0;
}
