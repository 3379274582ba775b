// macOS. It cannot open a socket as non-blocking and close-on-exec in one call, and a send has no
// flag against SIGPIPE. SO_NOSIGPIPE disables the signal for a socket.
//
// If another thread calls fork and exec before fcntl(2), the new program inherits the descriptor.
// The only remedy on macOS is POSIX_SPAWN_CLOEXEC_DEFAULT of posix_spawn, which the spawning code
// has to set.
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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

// An accepted socket inherits the listener's keepalive, its interval and its count, but not its idle time
// (xnu-11417 bsd/netinet/tcp_input.c, where a listener's connection is set up).
static void copy_keepalive_idle(int listener, int descriptor) {
  int is_on = 0, idle_s = 0;
  socklen_t size = sizeof is_on;
  if (getsockopt(listener, SOL_SOCKET, SO_KEEPALIVE, &is_on, &size) != 0 || is_on == 0) return;
  size = sizeof idle_s;
  if (getsockopt(listener, IPPROTO_TCP, TCP_KEEPALIVE, &idle_s, &size) != 0) return;
  (void)setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPALIVE, &idle_s, sizeof idle_s);
}

int evnet_socket_system_accept(int listener, struct sockaddr *out_address, socklen_t *size) {
  int descriptor = prepare(accept(listener, out_address, size));
  if (descriptor >= 0) copy_keepalive_idle(listener, descriptor);
  return descriptor;
}

void evnet_socket_system_attach(int descriptor) {
  const int one = 1;
  // Fails with EINVAL if the peer has already closed. An accepted socket still has the option,
  // because it inherits the option from its listener.
  (void)setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &one, sizeof one);
}
