// The addresses of a socket's two ends, normalized.
#include "net/poller/internal/socket_address.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "net/poller/internal/unix_system.h"

// A dual-stack socket reports IPv4 peers as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2). Code that
// counts, logs or compares addresses needs one form.
void evnet_socket_unmap_ip4(struct evnet_address *address) {
  const struct sockaddr_in6 *ip6 = &address->socket.ip6;
  if (ip6->sin6_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&ip6->sin6_addr)) return;
  struct sockaddr_in ip4 = {.sin_family = AF_INET, .sin_port = ip6->sin6_port};
  memcpy(&ip4.sin_addr, ip6->sin6_addr.s6_addr + 12, sizeof ip4.sin_addr);
  address->socket.ip4 = ip4;
  address->size = sizeof ip4;
}

// On systems without abstract names, an empty path of any length means that the socket has no name.
void evnet_socket_normalize(struct evnet_address *address) {
  if (address->socket.any.sa_family == AF_UNIX && !evnet_unix_system_abstract_names &&
      address->socket.local.sun_path[0] == '\0') {
    address->size = offsetof(struct sockaddr_un, sun_path);
  }
  evnet_socket_unmap_ip4(address);
}

int evnet_socket_remote_address(int descriptor, enum evnet_transport transport,
                                struct evnet_address *out_address) {
  struct evnet_address address = {.transport = transport};
  address.size = sizeof address.socket;
  if (getpeername(descriptor, &address.socket.any, &address.size) != 0) return -errno;
  evnet_socket_normalize(&address);
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
  evnet_socket_normalize(&address);
  *out_address = address;
  return 0;
}
