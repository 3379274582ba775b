// Adopted sockets. A connected one is in DIALLING, without a dial, from evnet_adopt until the due
// list opens it, or until its poller has something to tell of it, whichever is first.
#include "net/reactor/adopt.h"

#include <errno.h>

#include "net/reactor/internal/datagram.h"
#include "net/reactor/internal/state.h"

void adopt_open(struct evnet_conn *conn) {
  struct evnet_reactor *reactor = conn->reactor;
  dial_free(conn);
  conn->state = CONN_OPEN;
  struct evnet_address peer;
  // Reset meanwhile, it has none any more; that will be told.
  if (evnet_poller_remote_address(reactor->poller, conn_handle(conn), &peer) == 0)
    peer_set(conn, &peer);
  int status = conn_is_datagram(conn) ? datagram_connected(conn) : 0;
  if (status == 0) status = conn_open(conn);
  if (status < 0) conn_finish(conn, status);
}

static int adopt_connection(struct evnet_reactor *reactor, int descriptor,
                            const struct evnet_socket_kind *kind, void *conn_user,
                            struct evnet_conn_id *out_id) {
  struct evnet_conn *conn;
  int status = conn_adopt(reactor, descriptor, kind, &conn);
  if (status < 0) return status;
  conn->user = conn_user;
  conn_defer(conn, 0);
  *out_id = evnet_conn_id(conn);
  return 0;
}

int evnet_adopt(struct evnet_reactor *reactor, int descriptor, void *conn_user,
                struct evnet_conn_id *out_id) {
  struct evnet_socket_kind kind;
  struct evnet_conn_id id = {0};
  if (reactor->stop_phase != STOP_NONE) return -ESHUTDOWN;
  int status = evnet_poller_identify(reactor->poller, descriptor, &kind);
  if (status < 0) return status;
  status = kind.is_listener ? listener_adopt(reactor, descriptor, &kind)
                            : adopt_connection(reactor, descriptor, &kind, conn_user, &id);
  if (status < 0) return status;
  if (out_id != NULL) *out_id = id;
  return 0;
}
