// Dialling from any thread, onto the reactor that the balancer picks. To dial from a callback onto
// a certain reactor, use evnet_dial (net/reactor/dial.h).
#ifndef EVNET_NET_SERVER_DIAL_H_
#define EVNET_NET_SERVER_DIAL_H_

#include "../base/status.h"
#include "../reactor/conn.h"
#include "../reactor/dial.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_server;

// evnet_server_dial is evnet_dial onto the reactor that the server's balancer picks. For
// EVNET_SOURCE_HASH there is no peer address to hash, so the reactors take turns. The connection
// counts towards connections_max and the balancer's loads, but not towards
// connections_per_address_max.
//
//   address  as in evnet_dial; copied.
//   options  copied with all that they point to except user and conn_user; NULL: all defaults.
//   done     called once if the function returned 0. If the dial has begun, it is called on the
//            picked reactor with 0 and the connection's id, before on_open or the on_close of a
//            failed dial. If the dial cannot begin, it is called there or on reactor 0 with the
//            reason, and no other callback follows: -ENOBUFS at connections_max or if
//            mailbox_bytes_max would be exceeded, -EAGAIN at lookups_max, -ENOMEM, -ESHUTDOWN, or
//            a status of the resolver. NULL: evnet logs such a reason at DEBUG.
//   user     passed to done.
//
// Returns: 0.
// Errors:  EVNET_STATUS_ADDRESS if address or options.source is malformed; logged at DEBUG.
//          EVNET_STATUS_OPTION if an option is out of bounds; logged at DEBUG.
//          -ENOTCONN if the server's addresses are not bound yet.
//          -ENOBUFS if mailbox_bytes_max would be exceeded.
//          -ESHUTDOWN if the server has stopped.
//          -ENOMEM if memory runs out.
//          After an error nothing is called.
// Thread:  any, while the server exists. It never blocks.
EVNET_API EVNET_WARN_UNUSED int evnet_server_dial(
    struct evnet_server *server, const char *address, const struct evnet_dial_options *options,
    void (*done)(struct evnet_conn_id id, int status, void *user), void *user);

// evnet_server_dial_address is evnet_server_dial with the target of evnet_dial_address; copied.
EVNET_API EVNET_WARN_UNUSED int evnet_server_dial_address(
    struct evnet_server *server, const struct evnet_address *address,
    const struct evnet_dial_options *options,
    void (*done)(struct evnet_conn_id id, int status, void *user), void *user);

// evnet_server_dial_host is evnet_server_dial with the target of evnet_dial_host; host is copied.
EVNET_API EVNET_WARN_UNUSED int evnet_server_dial_host(
    struct evnet_server *server, enum evnet_transport transport, const char *host, uint16_t port,
    const struct evnet_dial_options *options,
    void (*done)(struct evnet_conn_id id, int status, void *user), void *user);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_SERVER_DIAL_H_
