// Sockets that were opened outside evnet.
#include <errno.h>
#include <fcntl.h>

#include "net/poller/internal/socket.h"
#include "net/poller/internal/socket_options.h"
#include "net/poller/internal/socket_system.h"

// Returns the option's value, 0 or more, or -errno.
static int option(int descriptor, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  return getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : -errno;
}

// Returns the transport for a family and a type, or -errno.
static int transport_of(int family, int type) {
  const bool is_ip = family == AF_INET || family == AF_INET6;
  if (!is_ip && family != AF_UNIX) return -EAFNOSUPPORT;
  if (type == SOCK_STREAM) return is_ip ? EVNET_TRANSPORT_TCP : EVNET_TRANSPORT_UNIX;
  return is_ip && type == SOCK_DGRAM ? EVNET_TRANSPORT_UDP : -ESOCKTNOSUPPORT;
}

int evnet_socket_adopt(int descriptor, const struct evnet_socket_kind *kind) {
  const int status_flags = fcntl(descriptor, F_GETFL);
  const int descriptor_flags = fcntl(descriptor, F_GETFD);
  if (status_flags < 0 || descriptor_flags < 0) return -errno;
  if (fcntl(descriptor, F_SETFL, status_flags | O_NONBLOCK) < 0) return -errno;
  if (fcntl(descriptor, F_SETFD, descriptor_flags | FD_CLOEXEC) < 0) return -errno;
  return kind->is_bound ? evnet_socket_ask_local(descriptor) : 0;
}

int evnet_socket_identify(struct evnet_poller *poller, int descriptor,
                          struct evnet_socket_kind *out_kind) {
  (void)poller;
  const int type = option(descriptor, SO_TYPE);
  if (type < 0) return type;
  struct evnet_address own = {.size = sizeof own.socket};
  if (getsockname(descriptor, &own.socket.any, &own.size) != 0) return -errno;
  const int transport = transport_of(own.socket.any.sa_family, type);
  if (transport < 0) return transport;
  own.transport = (enum evnet_transport)transport;
  *out_kind = (struct evnet_socket_kind){
      .transport = (enum evnet_transport)transport,
      .is_listener = type == SOCK_STREAM && option(descriptor, SO_ACCEPTCONN) > 0};
  if (out_kind->is_listener) return 0;
  struct evnet_address peer = {.transport = out_kind->transport, .size = sizeof peer.socket};
  if (getpeername(descriptor, &peer.socket.any, &peer.size) == 0) {
    out_kind->peer = peer;
    return 0;
  }
  const int status = -errno;
  out_kind->is_bound =
      status == -ENOTCONN && transport == EVNET_TRANSPORT_UDP && evnet_address_port(&own) != 0;
  return out_kind->is_bound ? 0 : status;
}
