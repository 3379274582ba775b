// Finding connections by id or by position.
#include "net/reactor/conn.h"
#include "net/reactor/internal/reactor.h"

// Returns whether on_open was called and on_close was not.
static bool is_open(const struct evnet_conn *conn) {
  switch ((enum conn_state)conn->state) {
    case CONN_OPEN:
    case CONN_FLUSHING:
    case CONN_LINGERING:
      return !conn->unopened;
    case CONN_CLOSED:
      return !conn->unopened && (conn->flags & DUE_CLOSE);
    case CONN_FREE:
    case CONN_LISTENER:
    case CONN_DATAGRAM:
    case CONN_DIALLING:
    case CONN_ATTEMPT:
      break;
  }
  return false;
}

struct evnet_conn *evnet_conn_find(struct evnet_reactor *reactor, struct evnet_conn_id id) {
  if (id.reactor != reactor->owner.reactor_index || id.index >= reactor->table.top) return NULL;
  struct evnet_conn *conn = &reactor->table.conns[id.index];
  if (conn->generation != id.generation || id.generation == 0) return NULL;
  return is_open(conn) || conn->state == CONN_DATAGRAM ? conn : NULL;
}

struct evnet_conn *evnet_reactor_next_conn(struct evnet_reactor *reactor,
                                           struct evnet_conn_id previous) {
  uint32_t index = previous.generation == 0 ? 0 : previous.index + 1;
  for (; index < reactor->table.top; index++) {
    if (is_open(&reactor->table.conns[index])) return &reactor->table.conns[index];
  }
  return NULL;
}
