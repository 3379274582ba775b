// The inbound mark (evnet_conn_need) and notifications of producers (evnet_conn_notify_below).
// inbound.c checks the mark when on_data has returned; lifecycle.c calls on_below.
#include "net/reactor/flow.h"

#include <errno.h>

#include "net/reactor/conn.h"
#include "net/reactor/internal/due.h"
#include "net/reactor/internal/flow.h"
#include "net/reactor/internal/outbound.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/reading.h"
#include "net/reactor/internal/side.h"

static int check_stream(const struct evnet_conn *conn) {
  if (conn_is_datagram(conn)) return -EOPNOTSUPP;
  return conn->state == CONN_OPEN ? 0 : -ENOTCONN;
}

// The inbound mark

void flow_check_inbound(struct evnet_conn *conn) {
  if (conn->state != CONN_OPEN) return;
  const size_t mark = conn->reactor->options.inbound_high_water_bytes;
  if (conn->is_marked && side_inbound_bytes(conn) >= mark) {
    reading_stop(conn, STOP_INBOUND_HIGH);
  } else {
    reading_admit(conn, STOP_INBOUND_HIGH);
  }
}

int evnet_conn_need(struct evnet_conn *conn, size_t bytes) {
  const int status = check_stream(conn);
  if (status < 0) return status;
  const size_t mark = conn->reactor->options.inbound_high_water_bytes;
  const bool is_marked = bytes > 0 && bytes <= mark && mark != EVNET_UNLIMITED;
  if (conn->is_marked == is_marked) return 0;
  conn->is_marked = is_marked;
  // Not immediately, because the callback may be about to consume the bytes.
  due_add(conn, 0);
  return 0;
}

// Producers

void flow_check_below(struct evnet_conn *conn) {
  if (conn->side != NULL && conn->side->below_bytes > 0) due_add(conn, 0);
}

bool flow_take_below(struct evnet_conn *conn) {
  if (conn->side == NULL || conn->side->below_bytes == 0 || conn->state != CONN_OPEN) return false;
  if (outbound_bytes(conn) >= conn->side->below_bytes || outbound_awaits_room(conn)) return false;
  conn->side->below_bytes = 0;
  return true;
}

int evnet_conn_notify_below(struct evnet_conn *conn, size_t bytes) {
  const int status = check_stream(conn);
  if (status < 0) return status;
  if (bytes == 0 && conn->side == NULL) return 0;
  struct conn_side *side = side_get(conn);
  if (side == NULL) return -ENOMEM;
  side->below_bytes = bytes;
  due_add(conn, 0);  // which also frees the side, if the request was cancelled
  return 0;
}
