// Adopted sockets. A connected socket is in DIALLING, without a dial, after evnet_adopt. It opens
// when the due list runs, or when its poller reports an event for it, whichever is first.
#include "net/reactor/adopt.h"

#include <errno.h>

#include "net/reactor/conn.h"
#include "net/reactor/internal/due.h"
#include "net/reactor/internal/handler.h"
#include "net/reactor/internal/listener.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/side.h"
#include "net/reactor/internal/table.h"

// Returns a side with the handler of the options; NULL if memory runs out.
static struct conn_side *create_side(struct evnet_reactor *reactor,
                                     const struct evnet_adopt_options *options) {
  struct conn_side *side = side_create(reactor);
  if (side == NULL) return NULL;
  if (handler_give_own(reactor, side, options->handler, options->user) == 0) return side;
  side_destroy(reactor, side);
  return NULL;
}

static int adopt_connection(struct evnet_reactor *reactor, int descriptor,
                            const struct evnet_socket_kind *kind,
                            const struct evnet_adopt_options *options,
                            struct evnet_conn_id *out_id) {
  // First, because a descriptor that the poller has taken cannot be given back.
  struct conn_side *side = NULL;
  if (options->handler != NULL) {
    side = create_side(reactor, options);
    if (side == NULL) return -ENOMEM;
  }
  struct evnet_conn *conn;
  int status = table_adopt(reactor, descriptor, kind, &conn);
  if (status < 0) {
    side_destroy(reactor, side);
    return status;
  }
  conn->side = side;
  if (side != NULL) conn->handler = HANDLER_OWN;
  conn->user = options->conn_user;
  conn->background = options->background;
  due_add(conn, 0);
  *out_id = evnet_conn_get_id(conn);
  return 0;
}

int evnet_adopt(struct evnet_reactor *reactor, int descriptor, void *conn_user,
                struct evnet_conn_id *out_id) {
  const struct evnet_adopt_options options = {.conn_user = conn_user};
  return evnet_adopt_with(reactor, descriptor, &options, out_id);
}

int evnet_adopt_with(struct evnet_reactor *reactor, int descriptor,
                     const struct evnet_adopt_options *options, struct evnet_conn_id *out_id) {
  static const struct evnet_adopt_options defaults = {0};
  if (options == NULL) options = &defaults;
  struct evnet_socket_kind kind;
  struct evnet_conn_id id = {0};
  if (reactor->stop.phase != STOP_NONE) return -ESHUTDOWN;
  int status = evnet_poller_identify(reactor->poller, descriptor, &kind);
  if (status < 0) return status;
  status = kind.is_listener || kind.is_bound
               ? listener_adopt(reactor, descriptor, &kind, options, &id)
               : adopt_connection(reactor, descriptor, &kind, options, &id);
  if (status < 0) return status;
  if (out_id != NULL) *out_id = id;
  return 0;
}
