// Opens connections, up to on_open. Accepted connections open from their descriptor. Adopted
// connections open when the due list runs, or when their poller first reports an event.
// dial_attempts.c opens dialled connections.
#include "net/reactor/internal/open.h"

#include <errno.h>

#include "net/reactor/internal/callback.h"
#include "net/reactor/internal/clock.h"
#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/datagram_socket.h"
#include "net/reactor/internal/deadline.h"
#include "net/reactor/internal/dial_record.h"
#include "net/reactor/internal/end.h"
#include "net/reactor/internal/handler.h"
#include "net/reactor/internal/peer.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/reading.h"
#include "net/reactor/internal/side.h"
#include "net/reactor/internal/stop.h"
#include "net/reactor/internal/table.h"
#include "net/reactor/internal/trace.h"
#include "net/reactor/owner.h"

int open_conn(struct evnet_conn *conn) {
  struct evnet_reactor *reactor = conn->reactor;
  EVNET_DCHECK(conn->state == CONN_OPEN);
  conn->in_ms = conn->out_ms = conn->read_since_ms = clock_stamp(conn);
  bool has_lifetime = reactor->limits.timeouts_ms[EVNET_TIMEOUT_LIFETIME] != EVNET_OFF;
  if (has_lifetime && side_get(conn) == NULL) return -ENOMEM;
  // A dial with a handler of its own has had its side since it began.
  if (conn->side != NULL) conn->side->opened_ms = conn->out_ms;
  conn->unopened = 0;
  // If another reactor accepted the connection before the stop began, its bytes get a last read,
  // too.
  stop_newcomer(reactor);
  counter_add(&reactor->stats.connections_open, 1);
  counter_add(&reactor->stats.connections_opened, 1);
  reactor->stop.background_open += conn->background;
  deadline_arm_earliest(conn);
  trace_opened(conn);
  enum evnet_action action = EVNET_NONE;
  const struct evnet_bound_handler *bound = handler_of(conn);
  if (bound->handler.on_open != NULL) action = bound->handler.on_open(conn, bound->user);
  callback_returned(reactor, conn, action);
  reading_update(conn);
  return 0;
}

int evnet_reactor_open(struct evnet_reactor *reactor, int descriptor,
                       const struct evnet_address *peer, struct evnet_origin origin) {
  int status = 0;
  struct evnet_handle handle;
  if (reactor->stop.phase == STOP_DONE) {
    status = -ESHUTDOWN;
  } else if (table_is_full(reactor)) {
    status = -ENOBUFS;
  } else {
    status = evnet_poller_attach(reactor->poller, descriptor, peer->transport, &handle);
  }
  if (status < 0) {
    evnet_poller_discard_descriptor(reactor->poller, descriptor);
    return status;
  }
  struct evnet_conn *conn = table_init(reactor, handle, peer->transport, origin);
  peer_set(conn, peer);
  status = open_conn(conn);
  if (status < 0) table_discard(conn);
  return status;
}

void open_adopted(struct evnet_conn *conn) {
  struct evnet_reactor *reactor = conn->reactor;
  dial_free(conn);
  conn->state = CONN_OPEN;
  struct evnet_address peer;
  // If the connection was reset meanwhile, it has no peer address any more; the poller reports the
  // reset.
  if (evnet_poller_remote_address(reactor->poller, conn_handle(conn), &peer) == 0)
    peer_set(conn, &peer);
  int status = conn_is_datagram(conn) ? datagram_connected(conn) : 0;
  if (status == 0) status = open_conn(conn);
  if (status < 0) end_conn(conn, status);
}
