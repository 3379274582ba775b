// Reads the kernel's socket addresses.
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "net/base/address.h"
#include "net/base/internal/numeric.h"

static int read_ip4(const struct sockaddr *socket, socklen_t size, struct evnet_address *out) {
  struct sockaddr_in ip4;
  if (size < sizeof ip4) return -EINVAL;
  memcpy(&ip4, socket, sizeof ip4);
  numeric_set_ip4(out, ip4.sin_addr, ntohs(ip4.sin_port));
  return 0;
}

static int read_ip6(const struct sockaddr *socket, socklen_t size, struct evnet_address *out) {
  struct sockaddr_in6 ip6;
  if (size < sizeof ip6) return -EINVAL;
  memcpy(&ip6, socket, sizeof ip6);
  numeric_set_ip6(out, &ip6.sin6_addr, ip6.sin6_scope_id, ntohs(ip6.sin6_port));
  return 0;
}

static int read_unix(const struct sockaddr *socket, socklen_t size, struct evnet_address *out) {
  if (size < offsetof(struct sockaddr_un, sun_path) || size > sizeof out->socket.local)
    return -EINVAL;
  memcpy(&out->socket.local, socket, size);
  out->size = size;
  return 0;
}

int evnet_address_from_socket(const struct sockaddr *socket, socklen_t size,
                              enum evnet_transport transport, struct evnet_address *out) {
  if (size < offsetof(struct sockaddr, sa_data)) return -EINVAL;
  const bool is_unix = socket->sa_family == AF_UNIX;
  if (is_unix != (transport == EVNET_TRANSPORT_UNIX)) return -EINVAL;
  struct evnet_address address = {.transport = transport};
  int status = -EAFNOSUPPORT;
  if (socket->sa_family == AF_INET) status = read_ip4(socket, size, &address);
  if (socket->sa_family == AF_INET6) status = read_ip6(socket, size, &address);
  if (is_unix) status = read_unix(socket, size, &address);
  if (status == 0) *out = address;
  return status;
}
