// Which handler the callbacks of a connection go to.
//
//   conn->handler   index of `reactor->handlers->of`: the reactor's or server's handler, or that of
//                   an address or an adopted listener
//   HANDLER_OWN     conn->side->handler: that of a dial, of an adopted connection, or of
//                   evnet_conn_set_handler
#ifndef EVNET_NET_REACTOR_INTERNAL_HANDLER_H_
#define EVNET_NET_REACTOR_INTERNAL_HANDLER_H_

#include "net/reactor/handlers.h"
#include "net/reactor/internal/names.h"
#include "net/reactor/internal/reactor.h"

// Returns the handler of a connection, with its user. Every callback looks it up anew, because the
// callback before it may have changed it.
static inline const struct evnet_bound_handler *handler_of(const struct evnet_conn *conn) {
  if (conn->handler == HANDLER_OWN) return conn->side->handler;
  return &conn->reactor->handlers->of[conn->handler];
}

// handler_give_own gives a connection or a dial a handler of its own, in place of an earlier one.
//
//   side     the side that keeps the handler.
//   handler  copied.
//
// Returns: 0; the caller sets conn->handler to HANDLER_OWN.
// Errors:  -ENOMEM; nothing has changed.
int handler_give_own(struct evnet_reactor *reactor, struct conn_side *side,
                     const struct evnet_handler *handler, void *user);

#endif  // EVNET_NET_REACTOR_INTERNAL_HANDLER_H_
