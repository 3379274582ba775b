// The water marks of a stream's output. This file marks on_pressure and on_drain as due, and stops
// reading in between. lifecycle.c calls the two callbacks.
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

// Returns evnet_conn_outbound_bytes without the gathered bytes, because evnet sends those before
// they reach the mark. A producer that writes until evnet_conn_outbound_bytes reaches the mark must
// get on_pressure, or it would wait for an on_drain that never comes.
static size_t marked_bytes(const struct evnet_conn *conn) {
  return side_queued_bytes(conn) + side_flying_bytes(conn);
}

void marks_check_high(struct evnet_conn *conn) {
  bool above = marked_bytes(conn) >= limits_of(conn)->outbound_high_water_bytes;
  if ((conn->flags & PRESSED) || !above) return;
  conn->flags |= PRESSED;
  do_high_action(conn);
  if (conn->state == CONN_CLOSED) return;
  // Cancel a drain that was not reported yet, because on_pressure would come after its on_drain.
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
  // Reading resumes with on_drain, not before it, because input would cause more output.
  if (conn->state == CONN_OPEN) due_add(conn, DUE_DRAIN);
}

void marks_changed(struct evnet_conn *conn) {
  marks_check_low(conn);
  marks_check_high(conn);
}

void marks_action_changed(struct evnet_conn *conn) {
  if (conn->flags & PRESSED) do_high_action(conn);
}
