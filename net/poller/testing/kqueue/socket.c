// The options TCP_KEEPALIVE, which Linux calls TCP_KEEPIDLE, and SO_NOSIGPIPE, which Linux does not
// have. socket_darwin.c sets SO_NOSIGPIPE once for a socket, and sends without MSG_NOSIGNAL. The
// linker (--wrap) directs every call here, and MSG_NOSIGNAL is added for sockets with the option.
//
// Unlike on macOS, an accepted socket does not inherit the option from its listener. So a signal
// reveals code that does not set it.
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/poller/testing/kqueue/socket.h"

enum { DESCRIPTORS_MAX = 1 << 16 };

static atomic_bool no_sigpipe[DESCRIPTORS_MAX];

int __real_setsockopt(int descriptor, int level, int name, const void *value, socklen_t size);
int __wrap_setsockopt(int descriptor, int level, int name, const void *value, socklen_t size);
ssize_t __real_send(int descriptor, const void *data, size_t size, int flags);
ssize_t __wrap_send(int descriptor, const void *data, size_t size, int flags);
ssize_t __real_sendmsg(int descriptor, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int descriptor, const struct msghdr *message, int flags);

static bool is_known(int descriptor) { return descriptor >= 0 && descriptor < DESCRIPTORS_MAX; }

static int extra_flags(int descriptor) {
  return is_known(descriptor) && atomic_load(&no_sigpipe[descriptor]) ? MSG_NOSIGNAL : 0;
}

void evnet_test_socket_closed(int descriptor) {
  if (is_known(descriptor)) atomic_store(&no_sigpipe[descriptor], false);
}

int __wrap_setsockopt(int descriptor, int level, int name, const void *value, socklen_t size) {
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

int getpeereid(int descriptor, uid_t *out_user, gid_t *out_group) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return -1;
  *out_user = peer.uid;
  *out_group = peer.gid;
  return 0;
}
