// Adopting sockets from any thread, onto the reactor that the balancer picks. To adopt a socket
// from a callback onto a certain reactor, use evnet_adopt (net/reactor/adopt.h).
#ifndef EVNET_NET_SERVER_ADOPT_H_
#define EVNET_NET_SERVER_ADOPT_H_

#include "../base/status.h"
#include "../reactor/adopt.h"
#include "../reactor/conn.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_server;

// evnet_server_adopt is evnet_adopt_with from any thread. A connection goes to the reactor that the
// server's balancer picks by the peer's address, as an accepted one does. A listener and a UDP
// socket without a peer go to reactor 0, so that the balancer distributes the listener's
// connections. A connection counts towards connections_max and the balancer's loads, but not
// towards connections_per_address_max.
//
//   descriptor  evnet's if the function returned 0: if the adoption then fails, evnet closes it.
//               The caller keeps it after an error of the function.
//   options     copied with the handler; NULL: all defaults.
//   done        called once if the function returned 0. After a success, it is called on the
//               socket's reactor with 0 and the id of evnet_adopt, before on_open. Otherwise it is
//               called there or on reactor 0 with the reason, and no other callback follows: those
//               of evnet_adopt_with, or -ENOBUFS if mailbox_bytes_max would be exceeded. NULL:
//               evnet logs such a reason at DEBUG.
//   user        passed to done.
//
// Returns: 0.
// Errors:  -EBADF if descriptor is not open.
//          -ENOTCONN if the server's addresses are not bound yet.
//          -ENOBUFS if mailbox_bytes_max would be exceeded.
//          -ESHUTDOWN if the server has stopped.
//          -ENOMEM if memory runs out.
//          After an error nothing is called.
// Thread:  any, while the server exists. It never blocks.
EVNET_API EVNET_WARN_UNUSED int evnet_server_adopt(
    struct evnet_server *server, int descriptor, const struct evnet_adopt_options *options,
    void (*done)(struct evnet_conn_id id, int status, void *user), void *user);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_SERVER_ADOPT_H_
