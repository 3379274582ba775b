// Socket options: of listeners before bind(2), and of connections.
#ifndef EVNET_NET_POLLER_INTERNAL_SOCKET_OPTIONS_H_
#define EVNET_NET_POLLER_INTERNAL_SOCKET_OPTIONS_H_

#include <stdbool.h>

#include "net/poller/poller.h"

#ifdef __cplusplus
extern "C" {
#endif

// Sets `options` on a socket that is not bound yet. On failure, names the option that was refused.
int evnet_socket_set_listen_options(int descriptor, const struct evnet_address *address,
                                    const struct evnet_listen_options *options);

// Sets the options that have to be set after bind(2).
int evnet_socket_share_bound_port(int descriptor, const struct evnet_address *address,
                                  const struct evnet_listen_options *options);

// As evnet_poller_spreads_port.
bool evnet_socket_spreads_port(void);

// The settings of a connection, taken from the options of its listener or connect. 0 or less
// selects the system's default.
struct evnet_socket_settings {
  int send_buffer_bytes;
  int receive_buffer_bytes;
  bool no_nodelay;
  int keepalive_idle_s;
  int keepalive_interval_s;
  int keepalive_count;
  int user_timeout_ms;
  int notsent_lowat_bytes;
};

// Sets the settings that a socket of this transport has.
//
//   out_name  receives the name of the last setting that was tried.
int evnet_socket_set_settings(int descriptor, enum evnet_transport transport,
                              const struct evnet_socket_settings *settings, const char **out_name);

// Makes the datagrams of a UDP socket report the host that they were sent to, if the socket is
// bound to several.
int evnet_socket_ask_local(int descriptor);

// As evnet_poller_set_option.
int evnet_socket_set_option(int descriptor, enum evnet_transport transport,
                            enum evnet_socket_option option, int value);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_INTERNAL_SOCKET_OPTIONS_H_
