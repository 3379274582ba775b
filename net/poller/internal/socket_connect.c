#include "net/poller/internal/socket_connect.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "net/poller/internal/socket.h"
#include "net/poller/internal/socket_address.h"
#include "net/poller/internal/socket_options.h"
#include "net/poller/internal/socket_system.h"

static int set_options(int descriptor, const struct evnet_address *address,
                       const struct evnet_connect_options *options) {
  const enum evnet_transport transport = address->transport;
  const struct evnet_socket_settings settings = {
      .send_buffer_bytes = options->send_buffer_bytes,
      .receive_buffer_bytes = options->receive_buffer_bytes,
      .no_nodelay = options->no_nodelay,
      .keepalive_idle_s = options->keepalive_idle_s,
      .keepalive_interval_s = options->keepalive_interval_s,
      .keepalive_count = options->keepalive_count,
      .user_timeout_ms = options->user_timeout_ms,
      .notsent_lowat_bytes = options->notsent_lowat_bytes,
  };
  const char *name_of_setting;
  int status = evnet_socket_set_settings(descriptor, transport, &settings, &name_of_setting);
  const int one = 1;
  if (status == 0 && options->udp_broadcast && transport == EVNET_TRANSPORT_UDP &&
      setsockopt(descriptor, SOL_SOCKET, SO_BROADCAST, &one, sizeof one) != 0)
    status = -errno;
  const char *device = options->bind_to_device;
  if (status < 0 || device == NULL) return status;
  const int name = evnet_socket_system_options.bind_to_device;
  if (name == 0 || transport == EVNET_TRANSPORT_UNIX) return -EOPNOTSUPP;
  const socklen_t size = (socklen_t)strlen(device) + 1;
  return setsockopt(descriptor, SOL_SOCKET, name, device, size) == 0 ? 0 : -errno;
}

static int bind_source(int descriptor, const struct evnet_address *source) {
  const int one = 1;
  if (source->transport == EVNET_TRANSPORT_TCP && evnet_address_port(source) != 0) {
    // As for a listener: otherwise the port of a closed connection stays in use for a minute.
    (void)setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  } else if (source->transport == EVNET_TRANSPORT_TCP) {
    // connect(2) then chooses the port. It knows the peer, so one port can be used for many peers,
    // as without bind(2) (ip(7)). On systems without the option fewer ports are available.
    const int name = evnet_socket_system_options.bind_address_no_port;
    if (name != 0) (void)setsockopt(descriptor, IPPROTO_IP, name, &one, sizeof one);
  }
  return bind(descriptor, &source->socket.any, source->size) == 0 ? 0 : -errno;
}

// Returns 0, -EINPROGRESS or -errno.
static int begin(int descriptor, const struct evnet_address *address) {
  // A TCP connect that succeeds immediately has a result to check, too.
  if (connect(descriptor, &address->socket.any, address->size) == 0)
    return address->transport == EVNET_TRANSPORT_TCP ? -EINPROGRESS : 0;
  // An interrupted connect continues (POSIX, connect()).
  return errno == EINTR ? -EINPROGRESS : -errno;
}

int evnet_socket_connect(const struct evnet_address *address,
                         const struct evnet_connect_options *options, int *out_status) {
  const int type = address->transport == EVNET_TRANSPORT_UDP ? SOCK_DGRAM : SOCK_STREAM;
  int descriptor = evnet_socket_system_open(address->socket.any.sa_family, type);
  if (descriptor < 0) return descriptor;
  int status = set_options(descriptor, address, options);
  if (status == 0 && options->source != NULL) status = bind_source(descriptor, options->source);
  if (status == 0) status = begin(descriptor, address);
  if (status < 0 && status != -EINPROGRESS) {
    (void)close(descriptor);
    return status;
  }
  *out_status = status;
  return descriptor;
}

// Whether both ends are the same socket, because it received its own SYN (RFC 793 section 3.4).
static bool is_own(const struct evnet_address *peer, const struct evnet_address *own) {
  return peer->size == own->size && evnet_address_port(peer) != 0 &&
         memcmp(&peer->socket, &own->socket, peer->size) == 0;
}

int evnet_socket_connect_result(int descriptor) {
  int status = evnet_socket_take_error(descriptor);
  if (status < 0) return status;
  struct evnet_address peer;
  struct evnet_address own;
  status = evnet_socket_remote_address(descriptor, EVNET_TRANSPORT_TCP, &peer);
  if (status == -ENOTCONN) {
    // Not connected yet, or reset since the first check.
    status = evnet_socket_take_error(descriptor);
    return status < 0 ? status : -EINPROGRESS;
  }
  if (status == 0) status = evnet_socket_local_address(descriptor, EVNET_TRANSPORT_TCP, &own);
  return status == 0 && is_own(&peer, &own) ? -ECONNREFUSED : status;
}
