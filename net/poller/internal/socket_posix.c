// Systems with SOCK_CLOEXEC, SOCK_NONBLOCK, accept4 and MSG_NOSIGNAL of POSIX.1-2024, where each
// function is one call.
#include <errno.h>

#include "net/poller/internal/socket_system.h"

const int evnet_socket_system_send_flags = MSG_NOSIGNAL;

int evnet_socket_system_open(int family, int type) {
  int descriptor = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return descriptor >= 0 ? descriptor : -errno;
}

int evnet_socket_system_accept(int listener, struct sockaddr *out_address, socklen_t *size) {
  int descriptor = accept4(listener, out_address, size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  return descriptor >= 0 ? descriptor : -errno;
}

void evnet_socket_system_attach(int descriptor) { (void)descriptor; }
