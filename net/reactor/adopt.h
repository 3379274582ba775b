// Sockets that somebody else has made: an end of socketpair(2), a connection that another library
// or process has opened, a listener that the service manager handed down.
#ifndef EVNET_NET_REACTOR_ADOPT_H_
#define EVNET_NET_REACTOR_ADOPT_H_

#include "../base/status.h"
#include "conn.h"

#ifdef __cplusplus
extern "C" {
#endif

// evnet_adopt makes a descriptor evnet's own. The system tells what it is:
//
//   connected  TCP, a Unix stream, or UDP with a peer: a connection, whose on_open, and then what
//              stands unread, comes later in the turn, never from inside this call. It counts, and
//              closes, as a dialled one does (dial.h); its evnet_conn_listener_index is -1.
//   listening  TCP or a Unix stream: its connections open on this reactor; in a server they count
//              like others, and of a listener on reactor 0 the balancer picks where they go. Their
//              evnet_conn_listener_index is -1. It closes when a stop begins; a Unix socket's path
//              is left alone. Its options stay what they are. At most 64 listeners for a reactor,
//              with those of the server's addresses.
//
//   descriptor  evnet's on success, and then not to be used any more; the caller's on error. It is
//               made non-blocking, for all who share the open socket (fcntl(2)), and close-on-exec.
//   conn_user   evnet_conn_user from the beginning; of a listener it means nothing.
//   out_id      the connection's id; of a listener all zero. NULL: nobody wants to know.
//
// Returns: 0.
// Errors:  -EBADF, -ENOTSOCK; -EAFNOSUPPORT, -ESOCKTNOSUPPORT for a kind that evnet does not serve;
//          -EEXIST: the reactor has this descriptor already, as a connection's or a listener's;
//          -ENOTCONN: it is neither connected nor listening; -ENOBUFS at connections_max or with
//          too many listeners; -ESHUTDOWN once the reactor stops; -ENOMEM; -EOPNOTSUPP in a
//          simulation; the rest of epoll_ctl(2). No callback follows then.
// Thread:  the reactor's.
EVNET_API EVNET_WARN_UNUSED int evnet_adopt(struct evnet_reactor *reactor, int descriptor,
                                            void *conn_user, struct evnet_conn_id *out_id);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_ADOPT_H_
