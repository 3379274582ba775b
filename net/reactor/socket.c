// The options and the descriptor of a connection's socket.
#include <errno.h>

#include "net/reactor/conn.h"
#include "net/reactor/datagram.h"
#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/reactor.h"

static int set(struct evnet_conn *conn, enum evnet_socket_option option, int value) {
  if (!conn_has_socket(conn)) return -ENOTCONN;
  return evnet_poller_set_option(conn->reactor->poller, conn_handle(conn), option, value);
}

// Sets an option, unless the value is 0.
static int set_unless_0(struct evnet_conn *conn, enum evnet_socket_option option, int value) {
  return value == 0 ? 0 : set(conn, option, value);
}

int evnet_conn_set_nodelay(struct evnet_conn *conn, bool on) {
  return set(conn, EVNET_SOCKET_NODELAY, on);
}

static bool is_within(int value, int most) { return value >= 0 && value <= most; }

int evnet_conn_set_keepalive(struct evnet_conn *conn, int idle_s, int interval_s, int count) {
  bool on = idle_s != EVNET_OFF;
  if (on && !is_within(idle_s, EVNET_KEEPALIVE_S_MAX)) return -EINVAL;
  if (!is_within(interval_s, EVNET_KEEPALIVE_S_MAX)) return -EINVAL;
  if (!is_within(count, EVNET_KEEPALIVE_COUNT_MAX)) return -EINVAL;
  int status = set_unless_0(conn, EVNET_SOCKET_KEEPALIVE_IDLE_S, on ? idle_s : 0);
  if (status == 0) status = set_unless_0(conn, EVNET_SOCKET_KEEPALIVE_INTERVAL_S, interval_s);
  if (status == 0) status = set_unless_0(conn, EVNET_SOCKET_KEEPALIVE_COUNT, count);
  return status < 0 ? status : set(conn, EVNET_SOCKET_KEEPALIVE, on);
}

int evnet_conn_set_user_timeout(struct evnet_conn *conn, int64_t timeout_ms) {
  if (timeout_ms == EVNET_OFF) timeout_ms = 0;
  if (timeout_ms < 0 || timeout_ms > EVNET_TIMEOUT_MS_MAX) return -EINVAL;
  return set(conn, EVNET_SOCKET_USER_TIMEOUT_MS, (int)timeout_ms);
}

int evnet_conn_set_notsent_lowat(struct evnet_conn *conn, int bytes) {
  return bytes < 0 ? -EINVAL : set(conn, EVNET_SOCKET_NOTSENT_LOWAT_BYTES, bytes);
}

int evnet_conn_set_buffers(struct evnet_conn *conn, int send_bytes, int receive_bytes) {
  if (send_bytes < 0 || receive_bytes < 0) return -EINVAL;
  // The send buffer of the peer holds the bytes that a Unix socket has not received yet (unix(7)).
  if (receive_bytes > 0 && conn->transport == EVNET_TRANSPORT_UNIX) return -EOPNOTSUPP;
  int status = set_unless_0(conn, EVNET_SOCKET_SEND_BUFFER_BYTES, send_bytes);
  if (status < 0) return status;
  return set_unless_0(conn, EVNET_SOCKET_RECEIVE_BUFFER_BYTES, receive_bytes);
}

int evnet_conn_set_hops(struct evnet_conn *conn, int hops) {
  return set(conn, EVNET_SOCKET_HOPS, hops);
}

int evnet_conn_set_traffic_class(struct evnet_conn *conn, int traffic_class) {
  return set(conn, EVNET_SOCKET_TRAFFIC_CLASS, traffic_class);
}

int evnet_conn_set_broadcast(struct evnet_conn *conn, bool on) {
  return set(conn, EVNET_SOCKET_BROADCAST, on);
}

int evnet_conn_fd(const struct evnet_conn *conn) {
  if (!conn_has_socket(conn)) return -ENOTCONN;
  return evnet_poller_descriptor(conn->reactor->poller, conn_handle(conn));
}

int evnet_conn_dup(const struct evnet_conn *conn) {
  if (!conn_has_socket(conn)) return -ENOTCONN;
  return evnet_poller_duplicate(conn->reactor->poller, conn_handle(conn));
}
