// Requests of other threads to a connection, which they name by its id: the reactor's part of
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

// The kinds of requests.
enum evnet_async_act {
  EVNET_ASYNC_WRITE,    // send data to the peer
  EVNET_ASYNC_WAKE,     // call on_data with the unread bytes, possibly none
  EVNET_ASYNC_RELEASE,  // release a hold
  EVNET_ASYNC_RESUME,   // end a pause of reading
  EVNET_ASYNC_CLOSE,    // close the connection
  EVNET_ASYNC_ABORT,    // reset the connection
  EVNET_ASYNC_SEND_TO,  // send data as a datagram of a UDP socket
};

// A request. Its poster creates it, and the reactor owns it from a successful post until `finish`.
struct evnet_async {
  struct evnet_message message;  // first; the poster sets `bytes`, and the post sets `run`
  struct evnet_conn_id id;
  enum evnet_async_act act;
  const void *data;                  // WRITE, SEND_TO: unchanged until `finish`
  size_t size;                       // bytes at data
  const struct evnet_address *to;    // SEND_TO: unchanged until `finish`
  const struct evnet_address *from;  // SEND_TO: likewise; NULL: the system chooses

  // Called once, on the reactor's thread, outside of every other callback. It frees the request.
  //
  //   status  0 if the request was carried out; for a write, if the kernel has taken the last byte.
  //           -ESTALE if the connection has closed or is closing.
  //           -ENOTCONN for RELEASE and RESUME if the connection is not open yet.
  //           -EPIPE if its sending side is closed.
  //           -ENOBUFS if outbound_bytes_max would be exceeded.
  //           -ENOMEM if memory ran out.
  //           -ESHUTDOWN if the reactor has ended.
  //           Otherwise the reason with which the connection closed before all was sent.
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
// Errors:  -ENOBUFS if mailbox_bytes_max would be exceeded.
//          -ESHUTDOWN if the reactor has ended.
//          After an error the request is the caller's, and `finish` is not called.
// Thread:  any, while the reactor exists.
EVNET_WARN_UNUSED int evnet_reactor_async(struct evnet_reactor *reactor, struct evnet_async *async);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_ASYNC_H_
