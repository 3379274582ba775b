// Sockets from elsewhere: an end of socketpair(2), a connection that another library or process has
// opened, a listener that the service manager passed.
#ifndef EVNET_NET_REACTOR_ADOPT_H_
#define EVNET_NET_REACTOR_ADOPT_H_

#include <stdbool.h>

#include "../base/status.h"
#include "conn.h"
#include "handler.h"

#ifdef __cplusplus
extern "C" {
#endif

// The options of evnet_adopt_with. A field of 0 selects the default; a structure of zeros is valid.
struct evnet_adopt_options {
  // The handler of the connection, or of the connections that a listener accepts, copied, and the
  // user that its callbacks get. The listeners of a server can have up to 255 different handlers,
  // the server's included.
  // Default: NULL, the reactor's or server's handler and user; `user` is then ignored.
  const struct evnet_handler *handler EVNET_ZERO;
  void *user EVNET_ZERO;  // passed to the callbacks of `handler`

  // The evnet_conn_user of a connection from the beginning; ignored for a listener.
  // Default: NULL.
  void *conn_user EVNET_ZERO;

  // Marks the connection as a background connection from the beginning (evnet_conn_set_background);
  // ignored for a listener.
  // Default: false.
  bool background EVNET_ZERO;
};

// evnet_adopt gives a descriptor to evnet, which finds out what it is:
//
//   connected  TCP, a Unix stream, or UDP with a peer. It becomes a connection. on_open follows
//              later in the turn, never from inside this call, and then on_data if bytes are
//              unread. It counts and closes like a dialled one (dial.h). Its
//              evnet_conn_listener_index is -1.
//   listening  TCP or a Unix stream. Its connections open on this reactor and count like others in
//              a server; for a listener on reactor 0, the balancer picks their reactor. Their
//              evnet_conn_listener_index is -1. The listener closes when a stop begins, or by
//              evnet_close or evnet_async_close with its id; its connections then stay open. evnet
//              leaves its options and the path of a Unix socket alone. A reactor has at most 64
//              listeners, including those of the server's addresses.
//
//   bound       UDP with a local port and without a peer. It becomes a socket like that of a UDP
//               address of the server (datagram.h): on_data receives each datagram, and there is no
//               on_open and on_close. Its evnet_conn_listener_index is -1, and out_id is its id for
//               evnet_async_send_to. It closes in a stop as those do, or by evnet_close or
//               evnet_async_close with its id, once it has sent its queue and has no hold. It
//               counts as a listener.
//
//   descriptor  evnet's on success: do not use it any more. The caller keeps it on error. It
//               becomes non-blocking, for all who share the open socket (fcntl(2)), and
//               close-on-exec.
//   conn_user   the evnet_conn_user of a connection from the beginning; ignored for a listener.
//   out_id      the id of the connection or the listener. NULL if it is not needed. Functions of
//               connections return -ESTALE for a listener's id, except those that close.
//
// Returns: 0.
// Errors:  -EBADF, -ENOTSOCK if descriptor is not an open socket.
//          -EAFNOSUPPORT, -ESOCKTNOSUPPORT if evnet does not support this kind of socket.
//          -EEXIST if the reactor already has this descriptor.
//          -ENOTCONN if the socket is neither connected nor listening nor bound.
//          -ENOBUFS at connections_max, or if there are too many listeners.
//          -ESHUTDOWN if the reactor is stopping.
//          -ENOMEM if memory runs out.
//          -EOPNOTSUPP in a simulated kernel.
//          -errno of epoll_ctl(2) otherwise.
//          After an error no callback follows.
// Thread:  the reactor's.
EVNET_API EVNET_WARN_UNUSED int evnet_adopt(struct evnet_reactor *reactor, int descriptor,
                                            void *conn_user, struct evnet_conn_id *out_id);

// evnet_adopt_with is evnet_adopt with more options.
//
//   options  borrowed for the call with all that they point to except user and conn_user; NULL: all
//            defaults.
//
// Returns and errors: as evnet_adopt; -ENOBUFS also if the listeners have too many different
//                     handlers.
// Thread:  the reactor's.
EVNET_API EVNET_WARN_UNUSED int evnet_adopt_with(struct evnet_reactor *reactor, int descriptor,
                                                 const struct evnet_adopt_options *options,
                                                 struct evnet_conn_id *out_id);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_ADOPT_H_
