// The water marks of a stream's output: on_pressure and on_drain become due here, and reading stops
// in between. lifecycle.c calls the two.
#include "net/reactor/internal/marks.h"

#include "net/reactor/internal/due.h"
#include "net/reactor/internal/end.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/reading.h"
#include "net/reactor/internal/side.h"

static void do_high_action(struct evnet_conn *conn) {
  switch (limits_of(conn)->outbound_high_action) {
    case EVNET_HIGH_CLOSE:
      end_abort(conn, EVNET_REASON_HIGH_WATER);
      break;
    case EVNET_HIGH_STOP_READING:
      reading_stop(conn, STOP_OUTBOUND_HIGH);
      break;
    case EVNET_HIGH_NOTIFY:
      reading_allow(conn, STOP_OUTBOUND_HIGH);
      break;
  }
}

// As evnet_conn_outbound_bytes has them, but for what is gathered, which is sent before it comes to
// the mark: a producer that writes up to that must meet it, or it has no on_drain to wait for.
static size_t marked_bytes(const struct evnet_conn *conn) {
  return side_queued_bytes(conn) + side_flying_bytes(conn);
}

void marks_check_high(struct evnet_conn *conn) {
  bool above = marked_bytes(conn) >= limits_of(conn)->outbound_high_water_bytes;
  if ((conn->flags & PRESSED) || !above) return;
  conn->flags |= PRESSED;
  do_high_action(conn);
  if (conn->state == CONN_CLOSED) return;
  // A drain that was not told yet never happened: the two would be told in the wrong order.
  if (conn->flags & DUE_DRAIN) {
    conn->flags &= (uint16_t)~DUE_DRAIN;
  } else {
    due_add(conn, DUE_PRESSURE);
  }
}

void marks_check_low(struct evnet_conn *conn) {
  bool below = marked_bytes(conn) <= limits_of(conn)->outbound_low_water_bytes;
  if (!(conn->flags & PRESSED) || !below) return;
  conn->flags &= (uint16_t)~PRESSED;
  // Reading starts again with on_drain, not before it: what is read would be answered.
  if (conn->state == CONN_OPEN) due_add(conn, DUE_DRAIN);
}

void marks_changed(struct evnet_conn *conn) {
  marks_check_low(conn);
  marks_check_high(conn);
}

void marks_action_changed(struct evnet_conn *conn) {
  if (conn->flags & PRESSED) do_high_action(conn);
}
