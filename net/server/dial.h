// Dialling from a server: from any thread, onto the reactor that the balancer picks. Onto a certain
// one, in a callback, it is evnet_dial (net/reactor/dial.h).
#ifndef EVNET_NET_SERVER_DIAL_H_
#define EVNET_NET_SERVER_DIAL_H_

#include "../base/status.h"
#include "../reactor/conn.h"
#include "../reactor/dial.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_server;

// evnet_server_dial is evnet_dial onto the reactor that the server's balancer picks;
// EVNET_SOURCE_HASH, which knows no source here, gives each in turn. The connection counts among
// the server's, against connections_max and in the balancer's loads, and is not held against
// connections_per_address_max, which is about strangers.
//
//   address  and all that the options point to but conn_user: copied.
//   options  NULL: all defaults.
//   done     called once when the function returned 0. On the picked reactor with 0 and the id of
//            the connection, for evnet_async_write, evnet_async_close and their kin, before its
//            on_open, or its on_close alone. Or, there or on reactor 0, with the reason why the
//            dial has not begun: -ENOBUFS at connections_max or above mailbox_bytes_max, -EAGAIN
//            when too many names are being looked up, -ENOMEM or -ESHUTDOWN; no other callback
//            follows then. NULL: such a reason is logged at DEBUG.
//   user     for done.
//
// Returns: 0.
// Errors:  EVNET_STATUS_ADDRESS, EVNET_STATUS_OPTION, each with a line in the log at DEBUG;
//          -ENOTCONN before on_boot; -ENOBUFS above mailbox_bytes_max; -ESHUTDOWN when the server
//          has stopped; -ENOMEM. Nothing is called then.
// Thread:  any, while the server exists; it never blocks.
EVNET_API EVNET_WARN_UNUSED int evnet_server_dial(
    struct evnet_server *server, const char *address, const struct evnet_dial_options *options,
    void (*done)(struct evnet_conn_id id, int status, void *user), void *user);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_SERVER_DIAL_H_
