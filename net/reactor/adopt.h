// Sockets from elsewhere: an end of socketpair(2), a connection that another library or process has
// opened, a listener that the service manager passed.
#ifndef EVNET_NET_REACTOR_ADOPT_H_
#define EVNET_NET_REACTOR_ADOPT_H_

#include "../base/status.h"
#include "conn.h"

#ifdef __cplusplus
extern "C" {
#endif

// evnet_adopt gives a descriptor to evnet, which finds out what it is:
//
//   connected  TCP, a Unix stream, or UDP with a peer. It becomes a connection. on_open follows
//              later in the turn, never from inside this call, and then on_data if bytes are
//              unread. It counts and closes like a dialled one (dial.h). Its
//              evnet_conn_listener_index is -1.
//   listening  TCP or a Unix stream. Its connections open on this reactor and count like others in
//              a server; for a listener on reactor 0, the balancer picks their reactor. Their
//              evnet_conn_listener_index is -1. The listener closes when a stop begins. evnet
//              leaves its options and the path of a Unix socket alone. A reactor has at most 64
//              listeners, including those of the server's addresses.
//
//   descriptor  evnet's on success: do not use it any more. The caller keeps it on error. It
//               becomes non-blocking, for all who share the open socket (fcntl(2)), and
//               close-on-exec.
//   conn_user   the evnet_conn_user of a connection from the beginning; ignored for a listener.
//   out_id      the id of a connection; all zero for a listener. NULL if it is not needed.
//
// Returns: 0.
// Errors:  -EBADF, -ENOTSOCK if descriptor is not an open socket.
//          -EAFNOSUPPORT, -ESOCKTNOSUPPORT if evnet does not support this kind of socket.
//          -EEXIST if the reactor already has this descriptor.
//          -ENOTCONN if the socket is neither connected nor listening.
//          -ENOBUFS at connections_max, or if there are too many listeners.
//          -ESHUTDOWN if the reactor is stopping.
//          -ENOMEM if memory runs out.
//          -EOPNOTSUPP in a simulated kernel.
//          -errno of epoll_ctl(2) otherwise.
//          After an error no callback follows.
// Thread:  the reactor's.
EVNET_API EVNET_WARN_UNUSED int evnet_adopt(struct evnet_reactor *reactor, int descriptor,
                                            void *conn_user, struct evnet_conn_id *out_id);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_ADOPT_H_
