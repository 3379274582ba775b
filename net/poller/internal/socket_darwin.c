// macOS, which can neither ask for a non-blocking, close-on-exec socket when it is made nor say at
// a send that SIGPIPE is not wanted: SO_NOSIGPIPE says it once for the socket.
//
// Between the call and fcntl(2) another thread's fork and exec would inherit the descriptor. macOS
// offers no way around that but posix_spawn's POSIX_SPAWN_CLOEXEC_DEFAULT, which is up to whoever
// spawns.
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "net/poller/internal/socket_system.h"

const int evnet_socket_system_send_flags = 0;

static int prepare(int descriptor) {
  if (descriptor < 0) return -errno;
  if (fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 && fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0) {
    return descriptor;
  }
  int status = -errno;
  (void)close(descriptor);
  return status;
}

int evnet_socket_system_open(int family, int type) {
  int descriptor = prepare(socket(family, type, 0));
  if (descriptor >= 0) evnet_socket_system_attach(descriptor);
  return descriptor;
}

int evnet_socket_system_accept(int listener, struct sockaddr *out_address, socklen_t *size) {
  return prepare(accept(listener, out_address, size));
}

void evnet_socket_system_attach(int descriptor) {
  const int one = 1;
  // Refused with EINVAL when the peer is gone already; an accepted socket has it then all the same,
  // from its listener.
  (void)setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &one, sizeof one);
}
