// The work that follows each return of user code: send the gathered writes and perform the returned
// action. Most callbacks are called in the file of the event that causes them. The two callers here
// are those that several files use.
#include "net/reactor/internal/callback.h"

#include "net/reactor/internal/clock.h"
#include "net/reactor/internal/close.h"
#include "net/reactor/internal/handler.h"
#include "net/reactor/internal/outbound.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/reactor.h"

void callback_returned(struct evnet_reactor *reactor, struct evnet_conn *conn,
                       enum evnet_action action) {
  reactor->ran = true;
  if (reactor->scratch.conn != NULL) outbound_flush_scratch(reactor);
  if (action == EVNET_NONE) return;
  if (action == EVNET_CLOSE && conn != NULL) close_conn(conn, EVNET_REASON_LOCAL);
  if (action == EVNET_SHUTDOWN) {
    if (reactor->owner.shutdown != NULL) {
      reactor->owner.shutdown(reactor->owner.context);
    } else {
      evnet_reactor_stop(reactor, reactor->options.drain_ms);
    }
  }
}

void callback_run(struct evnet_conn *conn,
                  enum evnet_action (*callback)(struct evnet_conn *conn, void *user)) {
  struct evnet_reactor *reactor = conn->reactor;
  if (callback == NULL || conn->state != CONN_OPEN) return;
  callback_returned(reactor, conn, callback(conn, handler_of(conn)->user));
}

void callback_stopping(struct evnet_conn *conn) {
  struct evnet_reactor *reactor = conn->reactor;
  if (conn->state != CONN_OPEN || (conn->flags & STOPPING_TOLD)) return;
  conn->flags |= STOPPING_TOLD;
  const struct evnet_bound_handler *bound = handler_of(conn);
  if (bound->handler.on_stopping == NULL) return;
  bound->handler.on_stopping(conn, bound->user);
  callback_returned(reactor, conn, EVNET_NONE);
  clock_lap(reactor);
}
