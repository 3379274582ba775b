// Settings that a connection may override: timeouts, water marks, and the action at the high mark.
#include "net/reactor/internal/limits.h"

#include <errno.h>

#include "net/reactor/conn.h"
#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/deadline.h"
#include "net/reactor/internal/marks.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/side.h"

void limits_from_options(const struct evnet_reactor_options *options,
                         struct conn_limits *out_limits) {
  *out_limits = (struct conn_limits){
      .timeouts_ms = {[EVNET_TIMEOUT_IDLE] = options->idle_timeout_ms,
                      [EVNET_TIMEOUT_READ] = options->read_timeout_ms,
                      [EVNET_TIMEOUT_WRITE] = options->write_timeout_ms,
                      [EVNET_TIMEOUT_LIFETIME] = options->lifetime_ms},
      .linger_ms = options->linger_ms,
      .outbound_high_water_bytes = options->outbound_high_water_bytes,
      .outbound_low_water_bytes = options->outbound_low_water_bytes,
      .outbound_high_action = options->outbound_high_action,
  };
}

// Returns the connection's own limits. They are created when a setting first differs, and kept
// until the connection closes.
static int own_limits(struct evnet_conn *conn, struct conn_limits **out_limits) {
  if (conn->state == CONN_DATAGRAM) return -EOPNOTSUPP;
  if (conn->state != CONN_OPEN) return -ENOTCONN;
  struct evnet_reactor *reactor = conn->reactor;
  struct conn_side *side = side_get(conn);
  if (side == NULL) return -ENOMEM;
  if (side->limits == NULL) {
    side->limits = evnet_allocate(reactor->options.allocator, sizeof *side->limits);
    if (side->limits == NULL) return -ENOMEM;
    *side->limits = reactor->limits;
  }
  *out_limits = side->limits;
  return 0;
}

// Returns own limits for settings that only streams have.
static int own_stream_limits(struct evnet_conn *conn, struct conn_limits **out_limits) {
  return conn_is_datagram(conn) ? -EOPNOTSUPP : own_limits(conn, out_limits);
}

static bool is_timeout(int64_t timeout_ms) {
  return timeout_ms >= EVNET_OFF && timeout_ms <= EVNET_TIMEOUT_MS_MAX;
}

int evnet_conn_set_timeout(struct evnet_conn *conn, enum evnet_timeout which, int64_t timeout_ms) {
  if ((unsigned)which > EVNET_TIMEOUT_LIFETIME || !is_timeout(timeout_ms)) return -EINVAL;
  struct conn_limits *limits;
  int status = own_limits(conn, &limits);
  if (status < 0) return status;
  limits->timeouts_ms[which] =
      timeout_ms == 0 ? conn->reactor->limits.timeouts_ms[which] : timeout_ms;
  deadline_restart(conn, which);
  return 0;
}

int evnet_conn_set_linger(struct evnet_conn *conn, int64_t linger_ms) {
  if (!is_timeout(linger_ms)) return -EINVAL;
  struct conn_limits *limits;
  int status = own_stream_limits(conn, &limits);
  if (status < 0) return status;
  limits->linger_ms = linger_ms == 0 ? conn->reactor->limits.linger_ms : linger_ms;
  return 0;
}

int evnet_conn_set_water_marks(struct evnet_conn *conn, size_t high_bytes, size_t low_bytes) {
  const struct evnet_reactor_options *options = &conn->reactor->options;
  if (high_bytes == 0) {
    high_bytes = options->outbound_high_water_bytes;
    if (low_bytes == 0) low_bytes = options->outbound_low_water_bytes;
  }
  if (low_bytes == 0) low_bytes = high_bytes / 2;
  size_t room = options->outbound_bytes_max - options->read_turn_bytes_max;
  if (low_bytes > high_bytes || high_bytes > room) return -EINVAL;
  struct conn_limits *limits;
  int status = own_stream_limits(conn, &limits);
  if (status < 0) return status;
  limits->outbound_high_water_bytes = high_bytes;
  limits->outbound_low_water_bytes = low_bytes;
  marks_changed(conn);
  return 0;
}

int evnet_conn_set_high_action(struct evnet_conn *conn, enum evnet_high_action action) {
  if ((unsigned)action > EVNET_HIGH_NOTIFY) return -EINVAL;
  struct conn_limits *limits;
  int status = own_stream_limits(conn, &limits);
  if (status < 0) return status;
  limits->outbound_high_action = action;
  marks_action_changed(conn);
  return 0;
}
