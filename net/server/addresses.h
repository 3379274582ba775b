// The addresses of a running server: accepting is paused and resumed, and addresses are added and
// removed.
//
//   const struct evnet_listen listen = {.address = "tcp://:9443"};
//   int status = evnet_server_add_address(server, &listen, added, app);
//   ...
//   static void added(struct evnet_server *server, size_t index, int status, void *user) {
//     if (status == 0) ...  // on reactor 0; accepting begins after the return
//   }
//
// Every function here may be called from any thread, from on_boot on, while the server exists. It
// posts a request and returns. The request visits the reactors one after the other, reactor 0
// first. All reactors carry out requests in the same order; requests of one thread run in the order
// of their calls. One exception: while the removal of a UDP address waits on a reactor for queued
// datagrams and holds, later requests overtake it, and the reactors after that one still receive.
//
//   done  called once if the function returned 0, after all reactors have carried out the request.
//         It is called on reactor 0; if reactor 0 has ended, on another reactor. NULL: none.
//         status  0, or the reason of the failure (listed as "Done" below). After a failure the
//                 server is as before.
//         index   of the address.
//   user  passed to done.
//
// A negative return means that evnet took nothing and calls nothing:
//
//   -ENOTCONN   the server's addresses are not bound yet.
//   -ENOBUFS    mailbox_bytes_max would be exceeded.
//   -ESHUTDOWN  the server has stopped.
//   -ENOMEM     memory ran out.
#ifndef EVNET_NET_SERVER_ADDRESSES_H_
#define EVNET_NET_SERVER_ADDRESSES_H_

#include <stddef.h>
#include <stdint.h>

#include "../base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_listen;
struct evnet_server;

// Names all addresses of a server, and its adopted listeners.
#define EVNET_ADDRESSES_ALL SIZE_MAX

// evnet_server_pause_accept stops accepting. When `done` is called with 0, every accepted
// connection has had its on_open, and no further one comes until a resume. New connections wait in
// the kernel's backlog; if it is full, clients retry (listen(2)). Open connections, dials and
// adopted connections are not affected, nor are UDP addresses if index is EVNET_ADDRESSES_ALL.
//
// The pause of all addresses and the pause of one address are independent: an address accepts while
// neither is in effect. Pausing twice is pausing once.
//
// A pause from on_boot takes effect before reactor 0 accepts. With reuse_port, other reactors may
// accept until they have carried it out.
//
//   index  of an address, as in evnet_server_address; or EVNET_ADDRESSES_ALL.
//
// Returns: 0 if the request was posted; else see above.
// Errors:  -EINVAL if index is not below 64.
// Done:    0.
//          -EINVAL if there is no address with this index.
//          -EOPNOTSUPP if it is a UDP address; see evnet_conn_pause_reading.
//          -ESHUTDOWN if a stop has begun.
EVNET_API int evnet_server_pause_accept(struct evnet_server *server, size_t index,
                                        void (*done)(struct evnet_server *server, size_t index,
                                                     int status, void *user),
                                        void *user);

// evnet_server_resume_accept ends a pause. The server accepts the connections in the backlog.
//
// Returns, errors and done: as evnet_server_pause_accept.
EVNET_API int evnet_server_resume_accept(struct evnet_server *server, size_t index,
                                         void (*done)(struct evnet_server *server, size_t index,
                                                      int status, void *user),
                                         void *user);

// evnet_server_add_address listens on a further address, with the options of the server. `done`
// gets the new index. Accepting begins after `done` has returned, and so does receiving of a UDP
// address. A pause of all addresses applies to the new one, too.
//
// evnet prefers indexes that were never used. It gives the index of a removed address to a new one
// only when no connection of the removed address is open any more.
//
//   listen  the address and the handler of its connections (server.h); copied. If the address is a
//           name, the call looks it up, which may block for seconds; use a numeric address on a
//           reactor's thread. The handler's on_boot, on_reactor_boot, on_tick, on_shutdown and
//           on_reactor_shutdown are called only if an address at the start had the same handler and
//           user.
//
// Returns: 0 if the request was posted; else see above.
// Errors:  EVNET_STATUS_ADDRESS, EVNET_STATUS_LOOKUP, EVNET_STATUS_OPTION, -ENOBUFS, -EMFILE,
//          -ENFILE as evnet_server_create; logged.
//          -ENOBUFS also after 255 different pairs of handler and user, removed addresses included.
// Done:    0.
//          -ENOBUFS if 64 indexes are in use, or 128 sockets.
//          -ESHUTDOWN if a stop has begun.
//          the errors of evnet_server_start that concern an address, such as -EADDRINUSE; the log
//          names the address.
//          index is SIZE_MAX after a failure.
EVNET_API EVNET_WARN_UNUSED int evnet_server_add_address(
    struct evnet_server *server, const struct evnet_listen *listen,
    void (*done)(struct evnet_server *server, size_t index, int status, void *user), void *user);

// evnet_server_remove_address stops listening on an address. When `done` is called with 0, its
// sockets are closed on all reactors, and another server can bind the address. The path of a Unix
// socket and its lock file are removed.
//
// The address's connections stay open and keep their evnet_conn_listener_index. Connections in the
// backlog are reset; a duplicate made by evnet_server_dup_listener keeps them. A UDP socket stops
// receiving. It closes when its queued datagrams are sent and its holds released, and `done` waits
// for that.
//
// The other indexes do not change. To remove an adopted listener, use evnet_close or
// evnet_async_close with its id.
//
//   index  of an address, as in evnet_server_address.
//
// Returns: 0 if the request was posted; else see above.
// Errors:  -EINVAL if index is not below 64.
// Done:    0.
//          -EINVAL if there is no address with this index.
//          -ESHUTDOWN if a stop has begun, or begins meanwhile.
EVNET_API int evnet_server_remove_address(struct evnet_server *server, size_t index,
                                          void (*done)(struct evnet_server *server, size_t index,
                                                       int status, void *user),
                                          void *user);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_SERVER_ADDRESSES_H_
