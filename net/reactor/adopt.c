// Adopted sockets. A connected socket is in DIALLING, without a dial, after evnet_adopt. It opens
// when the due list runs, or when its poller reports an event for it, whichever is first.
#include "net/reactor/adopt.h"

#include <errno.h>

#include "net/reactor/conn.h"
#include "net/reactor/internal/due.h"
#include "net/reactor/internal/listener.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/table.h"

static int adopt_connection(struct evnet_reactor *reactor, int descriptor,
                            const struct evnet_socket_kind *kind, void *conn_user,
                            struct evnet_conn_id *out_id) {
  struct evnet_conn *conn;
  int status = table_adopt(reactor, descriptor, kind, &conn);
  if (status < 0) return status;
  conn->user = conn_user;
  due_add(conn, 0);
  *out_id = evnet_conn_get_id(conn);
  return 0;
}

int evnet_adopt(struct evnet_reactor *reactor, int descriptor, void *conn_user,
                struct evnet_conn_id *out_id) {
  struct evnet_socket_kind kind;
  struct evnet_conn_id id = {0};
  if (reactor->stop.phase != STOP_NONE) return -ESHUTDOWN;
  int status = evnet_poller_identify(reactor->poller, descriptor, &kind);
  if (status < 0) return status;
  status = kind.is_listener ? listener_adopt(reactor, descriptor, &kind)
                            : adopt_connection(reactor, descriptor, &kind, conn_user, &id);
  if (status < 0) return status;
  if (out_id != NULL) *out_id = id;
  return 0;
}
