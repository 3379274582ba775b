// Dialling: outgoing connections.
//
//   const struct evnet_dial_options options = {.timeout_ms = 3000, .conn_user = pair};
//   struct evnet_reactor *reactor = evnet_conn_reactor(conn);
//   int status = evnet_dial(reactor, "tcp://backend:80", &options, &pair->upstream);
//
//   evnet_dial --> the name is looked up --> addresses are tried --connected--> on_open, ...
//                          |                         |
//                          +----- timeout, close ----+---- all failed --------> on_close only
//
// A dialled connection has the same callbacks as an accepted one. A dial that fails gets on_close
// only, with the reason:
//
//   EVNET_STATUS_ADDRESS   the name is unknown.
//   EVNET_STATUS_LOOKUP    no name server answered, or it failed.
//   a resolver's status    of a lookup by the option `resolve` (resolve.h).
//   -ECANCELED             evnet_close was called.
//   EVNET_REASON_SHUTDOWN  the last connection that a stop waits for has closed.
//   -EMFILE, -ENFILE       no descriptor was left, for the lookup or the socket.
//   -EACCES                `allow` returned false, or connect(2) failed so.
//   -ETIMEDOUT             the timeout expired, or connect(2) failed so.
//   other -errno           of connect(2). If several addresses failed, it is the first of
//                          -ECONNREFUSED, -ETIMEDOUT, -EHOSTUNREACH or -ENETUNREACH, and
//                          -EADDRNOTAVAIL that occurred, or else the first error.
//
// In that on_close the connection has its evnet_conn_user and its id, but no descriptor. Its remote
// address is the IP address whose failure is reported, if one was tried.
//
// While a stop drains, dials continue and evnet_dial accepts new ones, because requests in progress
// may need them. A stop does not wait for dials: those in progress end with the background
// connections, when the last connection that the stop waits for has closed. A dialled connection
// without the background mark closes like any other, once it has no unread bytes, output or hold.
// One that waits for a reply therefore needs a hold or the mark.
//
// A dial of "udp://HOST:PORT" makes a UDP socket with one peer, see datagram.h.
#ifndef EVNET_NET_REACTOR_DIAL_H_
#define EVNET_NET_REACTOR_DIAL_H_

#include <stdbool.h>
#include <stdint.h>

#include "../base/address.h"
#include "../base/status.h"
#include "conn.h"
#include "handler.h"

#ifdef __cplusplus
extern "C" {
#endif

// The options of a dial. A field of 0 selects the default; a structure of zeros is valid.
struct evnet_dial_options {
  // Milliseconds until on_open, for the lookup and all addresses together. EVNET_OFF: as long as
  // the system tries.
  // Default: 10000.
  int64_t timeout_ms EVNET_ZERO;

  // The address to bind to first, without a name: "10.0.0.7:0", with 0 for any port, or
  // "unix://@name". The scheme may be left out. Addresses of another family are not tried; ":0" and
  // "[::]:0" stand for any address of either family.
  // Default: NULL, the system chooses.
  const char *source EVNET_ZERO;

  // The handler of the connection, copied, and the user that its callbacks get. evnet_dial fails
  // with -ENOMEM if there is no memory for the copy.
  // Default: NULL, the reactor's or server's handler and user; `user` is then ignored.
  const struct evnet_handler *handler EVNET_ZERO;
  void *user EVNET_ZERO;  // passed to the callbacks of `handler`

  // The evnet_conn_user of the connection from the beginning.
  // Default: NULL.
  void *conn_user EVNET_ZERO;

  // Marks the connection as a background connection from the beginning (evnet_conn_set_background).
  // Default: false.
  bool background EVNET_ZERO;

  // Decides about each address before evnet connects to it. If it returns false, the address is not
  // tried and counts as failed with -EACCES. It runs on the reactor's thread, possibly inside
  // evnet_dial, and must not call functions of the reactor or its connections.
  //
  //   address  the final IP address: after the lookup, with the loopback address for an unspecified
  //            one, and with an IPv4-mapped IPv6 address as IPv4.
  //   user     conn_user.
  //
  // Default: NULL, all addresses are tried.
  bool (*allow)(const struct evnet_address *address, void *user) EVNET_ZERO;

  // Permits a UDP broadcast address. A dial to one fails with -EACCES unless this option or that of
  // the server or reactor is set.
  // Default: false.
  bool udp_broadcast EVNET_ZERO;

  // Name of a network interface to use, copied (SO_BINDTODEVICE). Linux.
  // Default: NULL, any.
  const char *bind_to_device EVNET_ZERO;

  // Socket options, as the options of the same names of the server or reactor. 0 selects their
  // value, and EVNET_OFF the system's, or none. UDP and Unix sockets use the buffer sizes only.

  int send_buffer_bytes EVNET_ZERO;     // SO_SNDBUF
  int receive_buffer_bytes EVNET_ZERO;  // SO_RCVBUF
  bool no_nodelay EVNET_ZERO;           // TCP with Nagle's algorithm
  bool nodelay EVNET_ZERO;              // TCP without it, even if the server's option is no_nodelay
  int keepalive_idle_s EVNET_ZERO;      // TCP_KEEPIDLE
  int keepalive_interval_s EVNET_ZERO;  // TCP_KEEPINTVL
  int keepalive_count EVNET_ZERO;       // TCP_KEEPCNT
  int64_t user_timeout_ms EVNET_ZERO;   // TCP_USER_TIMEOUT
  int notsent_lowat_bytes EVNET_ZERO;   // TCP_NOTSENT_LOWAT
};

// evnet_dial begins to connect to an address. It never blocks and never calls on_open or on_close
// itself; one of the two is called first, in a later turn.
//
// For a name, evnet tries up to 64 addresses in the order of RFC 6724, with alternating families,
// as RFC 8305 sections 4 and 5 describe. The next attempt starts 250 ms after the last one or when
// one has failed, but at least 10 ms after the last one. Up to 8 attempts run simultaneously. The
// first one that connects becomes the connection, and evnet closes the others. A dial counts once
// towards connections_max. An unspecified address ("0.0.0.0", "[::]") means this host. If a Unix
// listener's backlog is full, the dial retries until its timeout.
//
//   address  in the form of net/base/address.h, with a host and a port; borrowed for the call.
//   options  borrowed for the call with all that they point to except user and conn_user; NULL:
//            all defaults.
//   out_id   the connection's id, for evnet_close and the functions of net/server/async.h. NULL if
//            it is not needed.
//
// Returns: 0.
// Errors:  EVNET_STATUS_ADDRESS if address is malformed or lacks a host or a port, or if
//          options.source is malformed; logged at DEBUG.
//          EVNET_STATUS_OPTION if an option is out of bounds; logged at DEBUG.
//          -ENOBUFS at connections_max, towards which dials count.
//          -EAGAIN at lookups_max, or if no thread can be created for the lookup.
//          those of a resolver that cannot begin the lookup.
//          -ESHUTDOWN if a stop has no connection left to wait for, or its deadline has passed.
//          -ENOMEM if memory runs out.
//          After an error no callback follows.
// Thread:  the reactor's.
EVNET_API EVNET_WARN_UNUSED int evnet_dial(struct evnet_reactor *reactor, const char *address,
                                           const struct evnet_dial_options *options,
                                           struct evnet_conn_id *out_id);

// evnet_dial_address is evnet_dial to an address that is not text, such as evnet_resolve returns or
// evnet_conn_remote_address.
//
//   address  an IP address with a port, or a Unix socket; borrowed for the call.
//
// Returns, errors and thread: as evnet_dial; EVNET_STATUS_ADDRESS if the address has another family
//          than its transport, or lacks a port or a path.
EVNET_API EVNET_WARN_UNUSED int evnet_dial_address(struct evnet_reactor *reactor,
                                                   const struct evnet_address *address,
                                                   const struct evnet_dial_options *options,
                                                   struct evnet_conn_id *out_id);

// evnet_dial_host is evnet_dial to a host and a port that are separate.
//
//   transport  EVNET_TRANSPORT_TCP or EVNET_TRANSPORT_UDP.
//   host       a name, an IPv4 address, or an IPv6 address without brackets, possibly with a %zone;
//              borrowed for the call.
//   port       not 0.
//
// Returns, errors and thread: as evnet_dial.
EVNET_API EVNET_WARN_UNUSED int evnet_dial_host(struct evnet_reactor *reactor,
                                                enum evnet_transport transport, const char *host,
                                                uint16_t port,
                                                const struct evnet_dial_options *options,
                                                struct evnet_conn_id *out_id);

// evnet_close is evnet_conn_close by id, for code that must not hold a pointer. It cancels a dial
// in progress: on_close follows later in the turn, with -ECANCELED. With the id of an adopted
// listener (adopt.h), it closes the listener.
//
// Returns: 0.
// Errors:  -ESTALE if the connection has closed or is closing.
//          -EOPNOTSUPP for a server's UDP socket.
// Thread:  the reactor's. Other threads use evnet_async_close.
EVNET_API int evnet_close(struct evnet_reactor *reactor, struct evnet_conn_id id);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_DIAL_H_
