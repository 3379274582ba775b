// Converts addresses to text.
#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>

#include "net/base/address.h"

// snprintf cannot fail in this file: no wide characters, few bytes.

static const char *scheme_name(const struct evnet_address *address) {
  return address->transport == EVNET_TRANSPORT_UDP ? "udp" : "tcp";
}

static int format_unix(const struct evnet_address *address, char *text, size_t size) {
  const size_t start = offsetof(struct sockaddr_un, sun_path);
  const int path_size = address->size > start ? (int)(address->size - start) : 0;
  const char *path = address->socket.local.sun_path;
  if (path_size > 0 && path[0] == '\0') {
    return snprintf(text, size, "unix://@%.*s", path_size - 1, path + 1);
  }
  return snprintf(text, size, "unix://%.*s", path_size, path);
}

static int format_ip6(const struct evnet_address *address, char *text, size_t size) {
  const struct sockaddr_in6 *ip6 = &address->socket.ip6;
  char host[INET6_ADDRSTRLEN] = "";
  (void)inet_ntop(AF_INET6, &ip6->sin6_addr, host, sizeof host);
  char zone[16] = "";
  if (ip6->sin6_scope_id != 0) (void)snprintf(zone, sizeof zone, "%%%u", ip6->sin6_scope_id);
  const bool one_family = IN6_IS_ADDR_UNSPECIFIED(&ip6->sin6_addr) && !address->dual_stack;
  return snprintf(text, size, "%s%s://[%s%s]:%u", scheme_name(address), one_family ? "6" : "", host,
                  zone, evnet_address_port(address));
}

static int format_ip4(const struct evnet_address *address, char *text, size_t size) {
  char host[INET_ADDRSTRLEN] = "";
  (void)inet_ntop(AF_INET, &address->socket.ip4.sin_addr, host, sizeof host);
  return snprintf(text, size, "%s://%s:%u", scheme_name(address), host,
                  evnet_address_port(address));
}

size_t evnet_address_format(const struct evnet_address *address, char *text, size_t size) {
  switch (address->socket.any.sa_family) {
    case AF_UNIX:
      return (size_t)format_unix(address, text, size);
    case AF_INET:
      return (size_t)format_ip4(address, text, size);
    case AF_INET6:
      return (size_t)format_ip6(address, text, size);
    default:
      return (size_t)snprintf(text, size, "none");
  }
}

uint16_t evnet_address_port(const struct evnet_address *address) {
  switch (address->socket.any.sa_family) {
    case AF_INET:
      return ntohs(address->socket.ip4.sin_port);
    case AF_INET6:
      return ntohs(address->socket.ip6.sin6_port);
    default:
      return 0;
  }
}
