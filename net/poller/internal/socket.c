#include "net/poller/internal/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "net/poller/internal/fork.h"
#include "net/poller/internal/socket_system.h"
#include "net/poller/internal/unix_system.h"

int evnet_socket_listen(const struct evnet_address *address,
                        const struct evnet_listen_options *options,
                        struct evnet_unix_listeners *unix_listeners) {
  if (address->transport == EVNET_TRANSPORT_UNIX)
    return evnet_unix_listen(unix_listeners, address, options);
  const bool is_stream = address->transport == EVNET_TRANSPORT_TCP;
  const int type = is_stream ? SOCK_STREAM : SOCK_DGRAM;
  struct evnet_address chosen = *address;
  int descriptor = evnet_socket_system_open(chosen.socket.any.sa_family, type);
  if (descriptor == -EAFNOSUPPORT && chosen.dual_stack && !options->v6only) {
    // A kernel without IPv6: "all addresses" are then all IPv4 addresses.
    chosen =
        (struct evnet_address){.transport = address->transport, .size = sizeof chosen.socket.ip4};
    chosen.socket.ip4.sin_family = AF_INET;
    chosen.socket.ip4.sin_port = address->socket.ip6.sin6_port;
    descriptor = evnet_socket_system_open(AF_INET, type);
  }
  if (descriptor < 0) return descriptor;
  int status = evnet_socket_set_listen_options(descriptor, &chosen, options);
  if (status == 0 && bind(descriptor, &chosen.socket.any, chosen.size) != 0) status = -errno;
  if (status == 0) status = evnet_socket_share_bound_port(descriptor, &chosen, options);
  const int backlog = options->backlog > 0 ? options->backlog : SOMAXCONN;
  if (status == 0 && is_stream && listen(descriptor, backlog) != 0) status = -errno;
  if (status < 0) {
    (void)close(descriptor);
    return status;
  }
  return descriptor;
}

bool evnet_socket_has_family(int family) {
  int descriptor = evnet_socket_system_open(family, SOCK_DGRAM);
  if (descriptor < 0) return false;
  struct evnet_address loopback = {.size = sizeof loopback.socket.ip4};
  if (family == AF_INET6) {
    loopback.size = sizeof loopback.socket.ip6;
    loopback.socket.ip6 =
        (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
  } else {
    loopback.socket.ip4.sin_family = AF_INET;
    loopback.socket.ip4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }
  // Any other failure says nothing about the family.
  const bool is_there =
      bind(descriptor, &loopback.socket.any, loopback.size) == 0 || errno != EADDRNOTAVAIL;
  (void)close(descriptor);
  return is_there;
}

// A socket of both families reports IPv4 peers as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2). Who
// counts, logs or compares addresses wants one form.
void evnet_socket_unmap_ip4(struct evnet_address *address) {
  const struct sockaddr_in6 *ip6 = &address->socket.ip6;
  if (ip6->sin6_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&ip6->sin6_addr)) return;
  struct sockaddr_in ip4 = {.sin_family = AF_INET, .sin_port = ip6->sin6_port};
  memcpy(&ip4.sin_addr, ip6->sin6_addr.s6_addr + 12, sizeof ip4.sin_addr);
  address->socket.ip4 = ip4;
  address->size = sizeof ip4;
}

// One form of each. Without abstract names, an empty path of any length stands for no name.
static void normalize(struct evnet_address *address) {
  if (address->socket.any.sa_family == AF_UNIX && !evnet_unix_system_abstract_names &&
      address->socket.local.sun_path[0] == '\0') {
    address->size = offsetof(struct sockaddr_un, sun_path);
  }
  evnet_socket_unmap_ip4(address);
}

// True when accept's error is about the listener or the system; false when only about the one
// connection.
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
      // accept(2): errors pending on the new socket are passed on as accept's own (ECONNABORTED,
      // ENETDOWN, EPROTO, EHOSTUNREACH, ...), and firewall rules give EPERM.
      return false;
  }
}

int evnet_socket_accept(int listener, enum evnet_transport transport,
                        struct evnet_unix_listeners *unix_listeners,
                        struct evnet_address *out_peer) {
  *out_peer = (struct evnet_address){.transport = transport};
  int descriptor = -EAGAIN;
  // Bounded: a security module may refuse every accept, and to pass over that would spin.
  for (int tries = 0; tries < EVNET_ACCEPTS_MAX; tries++) {
    out_peer->size = sizeof out_peer->socket;
    descriptor = evnet_socket_system_accept(listener, &out_peer->socket.any, &out_peer->size);
    if (descriptor >= 0 || is_lasting(descriptor)) break;
  }
  if (descriptor < 0) return descriptor;
  normalize(out_peer);
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

void evnet_socket_close(int descriptor, bool is_connection, bool duplicated) {
  const bool forked = evnet_fork_hold();
  if (is_connection && (duplicated || forked)) (void)shutdown(descriptor, SHUT_RDWR);
  (void)close(descriptor);
  evnet_fork_release();
}

void evnet_socket_reset(int descriptor, bool duplicated) {
  const struct linger linger = {.l_onoff = 1, .l_linger = 0};
  (void)setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  if (!duplicated && !evnet_fork_has_happened()) return;
  // Refused on a Unix socket; evnet_socket_close then ends it by shutdown(2).
  const struct sockaddr none = {.sa_family = AF_UNSPEC};
  (void)connect(descriptor, &none, sizeof none);
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

int evnet_socket_remote_address(int descriptor, enum evnet_transport transport,
                                struct evnet_address *out_address) {
  struct evnet_address address = {.transport = transport};
  address.size = sizeof address.socket;
  if (getpeername(descriptor, &address.socket.any, &address.size) != 0) return -errno;
  normalize(&address);
  *out_address = address;
  return 0;
}

int evnet_socket_local_address(int descriptor, enum evnet_transport transport,
                               struct evnet_address *out_address) {
  struct evnet_address address = {.transport = transport};
  address.size = sizeof address.socket;
  if (getsockname(descriptor, &address.socket.any, &address.size) != 0) return -errno;
  if (address.socket.any.sa_family == AF_INET6) {
    int one_family = 1;
    socklen_t size = sizeof one_family;
    (void)getsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &one_family, &size);
    address.dual_stack = IN6_IS_ADDR_UNSPECIFIED(&address.socket.ip6.sin6_addr) && one_family == 0;
  }
  normalize(&address);
  *out_address = address;
  return 0;
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
