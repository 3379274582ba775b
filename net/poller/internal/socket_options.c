#include "net/poller/internal/socket_options.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "net/poller/internal/datagram_system.h"
#include "net/poller/internal/multicast.h"
#include "net/poller/internal/socket_address.h"
#include "net/poller/internal/socket_system.h"

static int set(int descriptor, int level, int name, const void *value, size_t size) {
  if (name == 0) return -EOPNOTSUPP;  // evnet_socket_system_options
  return setsockopt(descriptor, level, name, value, (socklen_t)size) == 0 ? 0 : -errno;
}

static int set_int(int descriptor, int level, int name, int value) {
  return set(descriptor, level, name, &value, sizeof value);
}

// Returns the name of a TCP option.
static int tcp_name(enum evnet_socket_option option) {
  const struct evnet_socket_option_names *names = &evnet_socket_system_options;
  switch (option) {
    case EVNET_SOCKET_NODELAY:
      return TCP_NODELAY;
    case EVNET_SOCKET_KEEPALIVE_IDLE_S:
      return names->keepalive_idle;
    case EVNET_SOCKET_KEEPALIVE_INTERVAL_S:
      return names->keepalive_interval;
    case EVNET_SOCKET_KEEPALIVE_COUNT:
      return names->keepalive_count;
    case EVNET_SOCKET_USER_TIMEOUT_MS:
      return names->user_timeout;
    case EVNET_SOCKET_NOTSENT_LOWAT_BYTES:
      return names->notsent_lowat;
    default:
      return 0;
  }
}

// Sets an option of IP, in the form of the socket's family. A dual-stack socket also sends IPv4's
// packets, for which Linux takes IPv4's option on an IPv6 socket; other systems have one option.
static int set_ip(int descriptor, enum evnet_transport transport, int name4, int name6, int least,
                  int value) {
  if (transport == EVNET_TRANSPORT_UNIX) return -EOPNOTSUPP;
  if (value < least || value > 255) return -EINVAL;
  struct evnet_address own;
  int status = evnet_socket_local_address(descriptor, transport, &own);
  if (status < 0) return status;
  if (own.socket.any.sa_family == AF_INET) return set_int(descriptor, IPPROTO_IP, name4, value);
  status = set_int(descriptor, IPPROTO_IPV6, name6, value);
  if (status == 0) (void)set_int(descriptor, IPPROTO_IP, name4, value);
  return status;
}

int evnet_socket_set_option(int descriptor, enum evnet_transport transport,
                            enum evnet_socket_option option, int value) {
  if (option == EVNET_SOCKET_SEND_BUFFER_BYTES)
    return set_int(descriptor, SOL_SOCKET, SO_SNDBUF, value);
  if (option == EVNET_SOCKET_RECEIVE_BUFFER_BYTES)
    return set_int(descriptor, SOL_SOCKET, SO_RCVBUF, value);
  if (option == EVNET_SOCKET_HOPS)
    return set_ip(descriptor, transport, IP_TTL, IPV6_UNICAST_HOPS, 1, value);
  if (option == EVNET_SOCKET_TRAFFIC_CLASS)
    return set_ip(descriptor, transport, IP_TOS, IPV6_TCLASS, 0, value);
  if (option == EVNET_SOCKET_BROADCAST)
    return transport == EVNET_TRANSPORT_UDP ? set_int(descriptor, SOL_SOCKET, SO_BROADCAST, value)
                                            : -EOPNOTSUPP;
  // A Unix socket would accept SO_KEEPALIVE, too, and ignore it.
  if (transport != EVNET_TRANSPORT_TCP) return -EOPNOTSUPP;
  if (option == EVNET_SOCKET_KEEPALIVE) return set_int(descriptor, SOL_SOCKET, SO_KEEPALIVE, value);
  return set_int(descriptor, IPPROTO_TCP, tcp_name(option), value);
}

bool evnet_socket_spreads_port(void) { return evnet_socket_system_options.reuse_port_spreads; }

// Whether to set the option after bind(2). If a UDP socket has the option and asks for port 0,
// Linux may choose a port that other sockets with the option use (measured on 6.18; not for TCP).
static bool shares_late(const struct evnet_address *address) {
  return evnet_socket_system_options.reuse_port_may_be_late &&
         address->transport == EVNET_TRANSPORT_UDP && evnet_address_port(address) == 0;
}

int evnet_socket_share_bound_port(int descriptor, const struct evnet_address *address,
                                  const struct evnet_listen_options *options) {
  if (!options->reuse_port || !shares_late(address)) return 0;
  return set_int(descriptor, SOL_SOCKET, evnet_socket_system_options.reuse_port, 1);
}

static int set_reuse_and_family(int descriptor, const struct evnet_address *address,
                                const struct evnet_listen_options *options, const char **out_name) {
  *out_name = "no_reuse_address";
  int status = 0;
  // Two UDP sockets with the option share an address, and the second one receives all datagrams. A
  // group's address is an exception: all its members bind to it, and each receives the datagrams.
  if (!options->no_reuse_address &&
      (address->transport != EVNET_TRANSPORT_UDP || evnet_multicast_is_group(address)))
    status = set_int(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
  if (status == 0 && options->reuse_port && !shares_late(address)) {
    *out_name = "reuse_port";
    status = set_int(descriptor, SOL_SOCKET, evnet_socket_system_options.reuse_port, 1);
  }
  if (status < 0 || address->socket.any.sa_family != AF_INET6) return status;
  *out_name = "v6only";
  bool one_family = !address->dual_stack || options->v6only;
  return set_int(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, one_family);
}

int evnet_socket_set_settings(int descriptor, enum evnet_transport transport,
                              const struct evnet_socket_settings *options, const char **out_name) {
  const struct {
    const char *name;
    enum evnet_socket_option option;
    int value;  // 0 or less: not set
  } settings[] = {
      {"no_nodelay", EVNET_SOCKET_NODELAY, !options->no_nodelay},
      {"send_buffer_bytes", EVNET_SOCKET_SEND_BUFFER_BYTES, options->send_buffer_bytes},
      {"receive_buffer_bytes", EVNET_SOCKET_RECEIVE_BUFFER_BYTES, options->receive_buffer_bytes},
      {"keepalive_idle_s", EVNET_SOCKET_KEEPALIVE_IDLE_S, options->keepalive_idle_s},
      {"keepalive_idle_s", EVNET_SOCKET_KEEPALIVE, options->keepalive_idle_s > 0},
      {"keepalive_interval_s", EVNET_SOCKET_KEEPALIVE_INTERVAL_S, options->keepalive_interval_s},
      {"keepalive_count", EVNET_SOCKET_KEEPALIVE_COUNT, options->keepalive_count},
      {"user_timeout_ms", EVNET_SOCKET_USER_TIMEOUT_MS, options->user_timeout_ms},
      {"notsent_lowat_bytes", EVNET_SOCKET_NOTSENT_LOWAT_BYTES, options->notsent_lowat_bytes},
  };
  int status = 0;
  for (size_t i = 0; i < sizeof settings / sizeof settings[0] && status == 0; i++) {
    if (settings[i].value <= 0) continue;
    bool is_of_all = settings[i].option == EVNET_SOCKET_SEND_BUFFER_BYTES ||
                     settings[i].option == EVNET_SOCKET_RECEIVE_BUFFER_BYTES;
    if (transport != EVNET_TRANSPORT_TCP && !is_of_all) continue;
    *out_name = settings[i].name;
    status = evnet_socket_set_option(descriptor, transport, settings[i].option, settings[i].value);
  }
  return status;
}

// Whether the address covers more than one local host, so that datagrams have to report which of
// them they were sent to.
static bool has_many_hosts(const struct evnet_address *address) {
  if (evnet_multicast_is_group(address)) return true;
  if (address->socket.any.sa_family == AF_INET6)
    return IN6_IS_ADDR_UNSPECIFIED(&address->socket.ip6.sin6_addr);
  return address->socket.ip4.sin_addr.s_addr == htonl(INADDR_ANY);
}

int evnet_socket_ask_local(int descriptor) {
  struct evnet_address own;
  const int status = evnet_socket_local_address(descriptor, EVNET_TRANSPORT_UDP, &own);
  if (status < 0 || !has_many_hosts(&own)) return status;
  return evnet_datagram_ask_local(descriptor, own.socket.any.sa_family);
}

static int set_of_listener(int descriptor, const struct evnet_address *address,
                           const struct evnet_listen_options *options, const char **out_name) {
  const bool is_stream = address->transport != EVNET_TRANSPORT_UDP;
  const struct evnet_socket_option_names *names = &evnet_socket_system_options;
  int status = 0;
  if (is_stream && options->fast_open_queue_max > 0) {
    *out_name = "fast_open_queue_max";
    status = set_int(descriptor, IPPROTO_TCP, names->fast_open, options->fast_open_queue_max);
  }
  if (status == 0 && is_stream && options->defer_accept_s > 0) {
    *out_name = "defer_accept_s";
    status = set_int(descriptor, IPPROTO_TCP, names->defer_accept, options->defer_accept_s);
  }
  if (status == 0 && options->bind_to_device != NULL) {
    *out_name = "bind_to_device";
    status = set(descriptor, SOL_SOCKET, names->bind_to_device, options->bind_to_device,
                 strlen(options->bind_to_device) + 1);
  }
  return status;
}

int evnet_socket_set_listen_options(int descriptor, const struct evnet_address *address,
                                    const struct evnet_listen_options *options) {
  const char *name = NULL;
  int status = set_reuse_and_family(descriptor, address, options, &name);
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
  if (status == 0)
    status = evnet_socket_set_settings(descriptor, address->transport, &settings, &name);
  if (status == 0) status = set_of_listener(descriptor, address, options, &name);
  const bool is_datagram = address->transport == EVNET_TRANSPORT_UDP;
  if (status == 0 && is_datagram && options->udp_broadcast) {
    name = "udp_broadcast";
    status = set_int(descriptor, SOL_SOCKET, SO_BROADCAST, 1);
  }
  if (status == 0 && is_datagram && has_many_hosts(address)) {
    name = NULL;
    status = evnet_datagram_ask_local(descriptor, address->socket.any.sa_family);
  }
  if (status < 0 && options->out_refused != NULL) *options->out_refused = name;
  return status;
}
