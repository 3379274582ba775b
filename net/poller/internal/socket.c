// Calls on one socket that are the same on every system.
#include "net/poller/internal/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/poller/internal/fork.h"
#include "net/poller/internal/socket_address.h"
#include "net/poller/internal/socket_system.h"
#include "net/poller/internal/unix_system.h"

// Whether accept's error concerns the listener or the system, not only the one connection.
static bool is_lasting(int status) {
  switch (-status) {
    case EAGAIN:
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EBADF:
    case EFAULT:
    case EINVAL:
    case ENOTSOCK:
      return true;
    default:
      // accept(2) returns errors that are pending on the new socket (ECONNABORTED, ENETDOWN,
      // EPROTO, EHOSTUNREACH, ...), and EPERM for firewall rules.
      return false;
  }
}

int evnet_socket_accept(int listener, enum evnet_transport transport,
                        struct evnet_unix_listeners *unix_listeners,
                        struct evnet_address *out_peer) {
  *out_peer = (struct evnet_address){.transport = transport};
  int descriptor = -EAGAIN;
  // Bounded, because a security module may refuse every accept, and skipping all of them would
  // spin.
  for (int tries = 0; tries < EVNET_ACCEPTS_MAX; tries++) {
    out_peer->size = sizeof out_peer->socket;
    descriptor = evnet_socket_system_accept(listener, &out_peer->socket.any, &out_peer->size);
    if (descriptor >= 0 || is_lasting(descriptor)) break;
  }
  if (descriptor < 0) return descriptor;
  evnet_socket_normalize(out_peer);
  if (transport == EVNET_TRANSPORT_UNIX) evnet_unix_accepted(unix_listeners, listener, descriptor);
  return descriptor;
}

void evnet_socket_attach(int descriptor) { evnet_socket_system_attach(descriptor); }

int64_t evnet_socket_recv(int descriptor, void *out_data, size_t size) {
  for (;;) {
    ssize_t got = recv(descriptor, out_data, size, 0);
    if (got >= 0) return got;
    if (errno != EINTR) return -errno;
  }
}

int64_t evnet_socket_recv_unix(int descriptor, void *out_data, size_t size, bool *out_split) {
  for (;;) {
    int64_t got = evnet_unix_system_recv(descriptor, out_data, size, out_split);
    if (got != -EINTR) return got;
  }
}

int64_t evnet_socket_send(int descriptor, const struct iovec *pieces, size_t count) {
  for (;;) {
    ssize_t sent;
    if (count == 1) {
      // send(2) costs less than sendmsg(2) with one piece.
      sent = send(descriptor, pieces->iov_base, pieces->iov_len, evnet_socket_system_send_flags);
    } else {
      // msg_iovlen is a size_t on Linux, an int on the BSDs; both hold EVNET_SEND_PIECES_MAX.
      struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)pieces,
                               .msg_iovlen = (uint8_t)count};
      sent = sendmsg(descriptor, &message, evnet_socket_system_send_flags);
    }
    if (sent >= 0) return sent;
    if (errno != EINTR) return -errno;
  }
}

int evnet_socket_peek_end(int descriptor) {
  for (;;) {
    uint8_t byte;
    ssize_t got = recv(descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got >= 0) return got == 0 ? 0 : -EAGAIN;
    if (errno != EINTR) return -errno;
  }
}

// The kernel refuses this for a Unix socket.
static void disconnect(int descriptor) {
  const struct sockaddr none = {.sa_family = AF_UNSPEC};
  (void)connect(descriptor, &none, sizeof none);
}

static bool is_to_be_reset(int descriptor) {
  struct linger linger = {0};
  socklen_t size = sizeof linger;
  return getsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, &size) == 0 && linger.l_onoff != 0;
}

void evnet_socket_close(int descriptor, bool is_connection, bool duplicated) {
  const bool forked = evnet_fork_hold();
  if (is_connection && (duplicated || forked)) {
    // If a fork came after evnet_socket_reset, shutdown(2) alone would end the connection without a
    // reset.
    if (is_to_be_reset(descriptor)) disconnect(descriptor);
    (void)shutdown(descriptor, SHUT_RDWR);
  }
  (void)close(descriptor);
  evnet_fork_release();
}

void evnet_socket_reset(int descriptor, bool duplicated) {
  const struct linger linger = {.l_onoff = 1, .l_linger = 0};
  (void)setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  if (!duplicated && !evnet_fork_has_happened()) return;
  disconnect(descriptor);  // on a Unix socket it fails, and evnet_socket_close calls shutdown(2)
}

int evnet_socket_duplicate(int descriptor) {
  int duplicate = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  return duplicate >= 0 ? duplicate : -errno;
}

int evnet_socket_take_error(int descriptor) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return -errno;
  return -error;
}

int evnet_socket_shutdown_write(int descriptor) {
  return shutdown(descriptor, SHUT_WR) == 0 ? 0 : -errno;
}

int evnet_socket_peer_credentials(int descriptor, enum evnet_transport transport,
                                  struct evnet_credentials *out_credentials) {
  if (transport != EVNET_TRANSPORT_UNIX) return -EOPNOTSUPP;
  return evnet_unix_system_credentials(descriptor, out_credentials);
}

int evnet_socket_tcp_info(int descriptor, enum evnet_transport transport,
                          struct evnet_tcp_info *out_info) {
  if (transport != EVNET_TRANSPORT_TCP) return -EOPNOTSUPP;
  if (descriptor < 0) return -ENOTCONN;
  return evnet_socket_system_tcp_info(descriptor, out_info);
}

int64_t evnet_socket_unacked_bytes(int descriptor, enum evnet_transport transport) {
  if (transport != EVNET_TRANSPORT_TCP) return -EOPNOTSUPP;
  if (descriptor < 0) return -ENOTCONN;
  return evnet_socket_system_unacked_bytes(descriptor);
}
