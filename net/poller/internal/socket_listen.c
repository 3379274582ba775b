// Opening sockets that wait for peers: listeners, and datagram sockets bound to an address.
#include "net/poller/internal/socket_listen.h"

#include <errno.h>
#include <unistd.h>

#include "net/poller/internal/socket_options.h"
#include "net/poller/internal/socket_system.h"

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
    // The kernel does not have IPv6, so "all addresses" means all IPv4 addresses.
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
  if (status == 0 && options->reuse_port_by_cpu != NULL) {
    status = evnet_socket_system_share_by_cpu(descriptor, options->reuse_port_by_cpu);
    if (status < 0 && options->out_refused != NULL) *options->out_refused = "reuse_port_by_cpu";
  }
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
  // Any other failure does not show that the family is missing.
  const bool is_there =
      bind(descriptor, &loopback.socket.any, loopback.size) == 0 || errno != EADDRNOTAVAIL;
  (void)close(descriptor);
  return is_there;
}
