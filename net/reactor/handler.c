// The handlers that belong to one connection. handlers.c has those of addresses.
#include "net/reactor/internal/handler.h"

#include <errno.h>

#include "net/reactor/conn.h"
#include "net/reactor/internal/due.h"
#include "net/reactor/internal/side.h"

int handler_give_own(struct evnet_reactor *reactor, struct conn_side *side,
                     const struct evnet_handler *handler, void *user) {
  if (side->handler == NULL) {
    side->handler = evnet_allocate(reactor->options.allocator, sizeof *side->handler);
    if (side->handler == NULL) return -ENOMEM;
  }
  *side->handler = (struct evnet_bound_handler){.handler = *handler, .user = user};
  return 0;
}

static void take_own(struct evnet_conn *conn) {
  conn->handler = EVNET_HANDLER_FIRST;
  if (conn->side == NULL) return;
  evnet_release(conn->reactor->options.allocator, conn->side->handler);
  conn->side->handler = NULL;
  if (conn->state == CONN_OPEN) due_add(conn, 0);  // frees a side that nothing needs
}

int evnet_conn_set_handler(struct evnet_conn *conn, const struct evnet_handler *handler,
                           void *user) {
  if (!conn_has_socket(conn) && !conn->dialled) return -ENOTCONN;
  if (handler == NULL) {
    take_own(conn);
  } else {
    struct conn_side *side = side_get(conn);
    const int status =
        side != NULL ? handler_give_own(conn->reactor, side, handler, user) : -ENOMEM;
    if (status < 0) {
      if (conn->state == CONN_OPEN) due_add(conn, 0);  // frees a side that nothing needs
      return status;
    }
    conn->handler = HANDLER_OWN;
  }
  // The new handler gets the bytes that the former one has left.
  const bool may_read = conn->state == CONN_OPEN && !conn_is_datagram(conn);
  if (may_read && side_inbound_bytes(conn) > 0) {
    conn->handed = 1;
    due_add(conn, DUE_DATA);
  }
  return 0;
}
