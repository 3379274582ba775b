// Dialling: connections that are made from here.
//
//   const struct evnet_dial_options options = {.timeout_ms = 3000, .conn_user = pair};
//   int status = evnet_dial(evnet_conn_reactor(conn), "tcp://backend:80", &options,
//   &pair->upstream);
//
//   evnet_dial --> its name is looked up --> its addresses are tried --connected--> on_open, ...
//                          |                         |
//                          +--- timeout, close ------+--- the last one failed ----> on_close alone
//
// What was dialled is a connection like those that were accepted, with the same callbacks. Of a
// dial that fails there is on_close alone, with the reason: -ECONNREFUSED and the rest of
// connect(2), of the address that was tried last; -ETIMEDOUT; EVNET_STATUS_ADDRESS for a name that
// nobody knows; -ECANCELED after evnet_close; EVNET_REASON_SHUTDOWN at the end of a stop. `conn`
// has its evnet_conn_user and its id then, and as its remote address the IP address that was tried
// last, if any was; a descriptor it has not.
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

#include "../base/status.h"
#include "conn.h"

#ifdef __cplusplus
extern "C" {
#endif

// All zero: the defaults.
struct evnet_dial_options {
  int64_t timeout_ms;  // until on_open, for the name and all of its addresses together; 0: 10000;
                       // EVNET_OFF: as long as the system tries
  const char *source;  // what to bind to, an address without a name: "10.0.0.7:0", with 0 for any
                       // port, or "unix://@name"; its scheme may be left out. NULL: the system's
                       // choice
  void *conn_user;     // evnet_conn_user from the beginning
  bool background;     // evnet_conn_set_background from the beginning
  int send_buffer_bytes;       // 0: the system's
  int receive_buffer_bytes;    // likewise
  bool no_nodelay;             // TCP with Nagle's algorithm
  bool udp_broadcast;          // UDP to a broadcast address, which is refused without: -EACCES
  const char *bind_to_device;  // an interface's name: only through that one; Linux
};

// evnet_dial begins to connect; it never blocks, and calls neither on_open nor on_close: either
// comes in a later turn, exactly one of them first. Several addresses of a name are tried in their
// order (RFC 6724), each for its share of the time that is left; those of another family than
// `source` are left out. An empty host is this machine. Without a listener that takes it (a full
// Unix backlog) a dial waits for one.
//
//   address  as net/base/address.h reads it, with a port; borrowed for the call, as is all that the
//            options point to.
//   options  NULL: all defaults.
//   out_id   for evnet_close and evnet_async_close; NULL: nobody wants to know.
//
// Returns: 0.
// Errors:  EVNET_STATUS_ADDRESS for a text that is no address, or has no port, and for a source;
//          EVNET_STATUS_OPTION; each with a line in the log at DEBUG. -ENOBUFS at connections_max,
//          where dials count; -EAGAIN when too many names are being looked up; -ESHUTDOWN once a
//          stop has nothing left to wait for, or its deadline has passed; -ENOMEM. No callback
//          follows then.
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
