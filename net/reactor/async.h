// What other threads ask of a connection, which they know by its id: the reactor's side of
// net/server/async.h.
#ifndef EVNET_NET_REACTOR_ASYNC_H_
#define EVNET_NET_REACTOR_ASYNC_H_

#include <stddef.h>
#include <sys/uio.h>

#include "net/base/address.h"
#include "net/base/status.h"
#include "net/buffer/outbound.h"
#include "net/reactor/conn.h"
#include "net/reactor/mailbox.h"

#ifdef __cplusplus
extern "C" {
#endif

enum evnet_async_act {
  EVNET_ASYNC_WRITE,    // data and size
  EVNET_ASYNC_WAKE,     // on_data with what is unread, possibly nothing
  EVNET_ASYNC_RELEASE,  // of a hold
  EVNET_ASYNC_CLOSE,
  EVNET_ASYNC_SEND_TO,  // of a UDP socket: data, size, to and from
};

// A request, made by its poster and the reactor's from a successful post until `finish`.
struct evnet_async {
  struct evnet_message message;  // first; `bytes` set by the poster, `run` by the post
  struct evnet_conn_id id;
  enum evnet_async_act act;
  const void *data;  // in place until `finish`
  size_t size;
  const struct evnet_address *to;    // likewise
  const struct evnet_address *from;  // likewise; NULL: the system's choice
  // Called once, on the reactor's thread, outside of every other callback; it frees the request.
  // status: 0 when it was done, for a write: when the kernel has taken the last byte; -ESTALE:
  // there is no such connection any more, or it is closing; -ENOTCONN: RELEASE of a
  // connection that is not open yet; -EPIPE:
  // its writing has ended; -ENOBUFS above outbound_bytes_max; -ENOMEM; -ESHUTDOWN: the reactor has
  // ended; or what the connection closed with before all was sent.
  void (*finish)(struct evnet_async *async, int status);

  // The reactor's.
  struct evnet_outbound_lent lent;
  struct iovec piece;  // SEND_TO
  struct evnet_reactor *reactor;
  struct evnet_async *next;
  int status;
};

// evnet_reactor_async posts a request.
//
// Returns: 0.
// Errors:  -ENOBUFS, -ESHUTDOWN: not taken, and `finish` is not called.
// Thread:  any, while the reactor exists.
EVNET_WARN_UNUSED int evnet_reactor_async(struct evnet_reactor *reactor, struct evnet_async *async);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_ASYNC_H_
