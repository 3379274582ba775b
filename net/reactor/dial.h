// Dialling: connections that are made from here.
//
//   const struct evnet_dial_options options = {.timeout_ms = 3000, .conn_user = pair};
//   struct evnet_reactor *reactor = evnet_conn_reactor(conn);
//   int status = evnet_dial(reactor, "tcp://backend:80", &options, &pair->upstream);
//
//   evnet_dial --> its name is looked up --> its addresses are tried --connected--> on_open, ...
//                          |                         |
//                          +--- timeout, close ------+--- all of them failed ----> on_close alone
//
// A dialled connection is a connection like those that were accepted, with the same callbacks. A
// dial that fails gets on_close alone, with the reason:
//
//   EVNET_STATUS_ADDRESS   the name is not known, or the name server did not answer.
//   -ECANCELED             after evnet_close.
//   EVNET_REASON_SHUTDOWN  at the end of a stop.
//   -EMFILE, -ENFILE       no descriptor was left, for a lookup also.
//   else                   what connect(2) returned; -ETIMEDOUT; -EACCES if `allow` refused. After
//                          several addresses: the first of -ECONNREFUSED, -ETIMEDOUT, -EHOSTUNREACH
//                          or -ENETUNREACH, -EADDRNOTAVAIL that occurred, else the first error.
//
// In that on_close the connection has its evnet_conn_user, its id, and as its remote address the IP
// address whose failure is reported, if an address was tried; it has no descriptor.
//
// While a stop drains, dials go on and new ones are taken, as requests that are being finished may
// need them. A stop waits for no dial: those that are under way end with the background, when the
// last connection has closed that it does wait for. A dialled connection without the background
// mark closes as the others do, when it has no unread bytes, output or hold; so one that waits for
// an answer needs a hold or the mark.
//
// "udp://HOST:PORT" is dialled, too, and then has a peer: datagram.h says what is different.
#ifndef EVNET_NET_REACTOR_DIAL_H_
#define EVNET_NET_REACTOR_DIAL_H_

#include <stdbool.h>
#include <stdint.h>

#include "../base/address.h"
#include "../base/status.h"
#include "conn.h"

#ifdef __cplusplus
extern "C" {
#endif

// All zero: the defaults.
struct evnet_dial_options {
  int64_t timeout_ms;  // until on_open, for the name and all of its addresses together; 0: 10000;
                       // EVNET_OFF: as long as the system tries
  // Bound to first, an address without a name: "10.0.0.7:0", with 0 for any port, or
  // "unix://@name". Its scheme may be left out. Addresses of another family are not tried; ":0" and
  // "[::]:0" are any address of either family. NULL: the system's choice.
  const char *source;
  void *conn_user;  // evnet_conn_user from the beginning
  bool background;  // evnet_conn_set_background from the beginning
  // Called before each connect with the address that it is for: an IP address, after a name was
  // looked up, after an unspecified address became the loopback one, and with an IPv4-mapped IPv6
  // address as IPv4. False: this address is not tried (-EACCES). On the reactor's thread, perhaps
  // inside evnet_dial; it must not call functions of the reactor or its connections. NULL: all are
  // tried.
  //
  //   user  conn_user.
  bool (*allow)(const struct evnet_address *address, void *user);
  bool udp_broadcast;          // UDP to a broadcast address, which is refused without: -EACCES
  const char *bind_to_device;  // an interface's name: only through that one; Linux

  // The socket's, as the options of the server or reactor of the same names, but the device. 0:
  // what those say; EVNET_OFF: the system's, or none. Only the buffers concern UDP and Unix
  // sockets.
  int send_buffer_bytes;
  int receive_buffer_bytes;
  bool no_nodelay;  // TCP with Nagle's algorithm
  bool nodelay;     // TCP without it, although the server's option is no_nodelay
  int keepalive_idle_s;
  int keepalive_interval_s;
  int keepalive_count;
  int64_t user_timeout_ms;
  int notsent_lowat_bytes;
};

// evnet_dial begins to connect; it never blocks, and calls neither on_open nor on_close: either
// comes in a later turn, exactly one of them first.
//
// A name may have several addresses: up to 64 are tried in the order of RFC 6724, with alternating
// families, as RFC 8305 says in its sections 4 and 5. The next attempt starts 250 ms after the last
// one, or when one has failed, but never within 10 ms of the last one; up to 8 run simultaneously.
// The first to connect becomes the connection, and the others are closed. A dial takes one place in
// connections_max. An unspecified address ("0.0.0.0", "[::]") is this host. If a Unix listener's
// backlog is full, the dial waits for room.
//
//   address  as net/base/address.h reads it, with a host and a port; borrowed for the call, as is
//            all that the options point to but conn_user.
//   options  NULL: all defaults.
//   out_id   for evnet_close, and for evnet_async_write and its kin; NULL: not wanted.
//
// Returns: 0.
// Errors:  EVNET_STATUS_ADDRESS if the text is no address, or has no host or no port, and for a
//          source; EVNET_STATUS_OPTION; each with a line in the log at DEBUG. -ENOBUFS at
//          connections_max, where dials count; -EAGAIN when too many names are being looked up;
//          -ESHUTDOWN once a stop has nothing left to wait for, or its deadline has passed;
//          -ENOMEM. No callback follows then.
// Thread:  the reactor's.
EVNET_API EVNET_WARN_UNUSED int evnet_dial(struct evnet_reactor *reactor, const char *address,
                                           const struct evnet_dial_options *options,
                                           struct evnet_conn_id *out_id);

// evnet_close is evnet_conn_close by id, for who must not hold a pointer. A dial that is under way
// it cancels: on_close, with -ECANCELED, follows later in the turn.
//
// Returns: 0.
// Errors:  -ESTALE: it has closed, or is closing; -EOPNOTSUPP for a server's UDP socket.
// Thread:  the reactor's; evnet_async_close is for others.
EVNET_API int evnet_close(struct evnet_reactor *reactor, struct evnet_conn_id id);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_DIAL_H_
