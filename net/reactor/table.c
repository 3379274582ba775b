// The table of connections: a place is taken, found by id, and freed. A connection's place is the
// index of the poller's handle, which is reused only after DETACH. No function here calls a
// handler. conn.h describes the states of a connection.
#include "net/reactor/internal/table.h"

#include <errno.h>

#include "net/reactor/conn.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/side.h"
#include "net/reactor/owner.h"

_Static_assert(sizeof(struct evnet_conn) == 104,
               "an idle connection's memory is part of the contract");

struct evnet_conn *table_init(struct evnet_reactor *reactor, struct evnet_handle handle,
                              enum evnet_transport transport, struct evnet_origin origin) {
  struct evnet_conn *conn = &reactor->table.conns[handle.index];
  EVNET_ASSERT(conn->state == CONN_FREE);  // the poller reuses an index only after its DETACH
  if (handle.index >= reactor->table.top) reactor->table.top = handle.index + 1;
  *conn = (struct evnet_conn){
      .reactor = reactor,
      .generation = ++reactor->table.generation_last,
      .deadline = {.tag = handle.generation},
      .due_next = NONE,
      .transport = (uint32_t)transport & 15u,
      .unopened = 1,
      .listener = origin.listener_index,
      .state = CONN_OPEN,
      .handler = origin.handler_index,
  };
  reactor->table.handles++;
  return conn;
}

bool table_is_full(const struct evnet_reactor *reactor) {
  return reactor->stats.connections_open + reactor->stats.connections_dialling >=
         reactor->options.connections_max;
}

// Dialled and adopted connections

static const struct evnet_origin NO_LISTENER = {.listener_index = EVNET_LISTENER_NONE,
                                                .handler_index = EVNET_HANDLER_FIRST};

static struct evnet_conn *init_dialling(struct evnet_reactor *reactor, struct evnet_handle handle,
                                        enum evnet_transport transport) {
  struct evnet_conn *conn = table_init(reactor, handle, transport, NO_LISTENER);
  conn->state = CONN_DIALLING;
  conn->dialled = 1;
  counter_add(&reactor->stats.connections_dialling, 1);
  return conn;
}

int table_reserve(struct evnet_reactor *reactor, enum evnet_transport transport,
                  struct evnet_conn **out_conn) {
  struct evnet_handle handle;
  if (table_is_full(reactor)) return -ENOBUFS;
  int status = evnet_poller_reserve(reactor->poller, transport, &handle);
  if (status < 0) return status;
  *out_conn = init_dialling(reactor, handle, transport);
  return 0;
}

int table_reserve_attempt(struct evnet_reactor *reactor, enum evnet_transport transport,
                          struct dial *dial, struct evnet_conn **out_conn) {
  struct evnet_handle handle;
  const int status = evnet_poller_reserve(reactor->poller, transport, &handle);
  if (status < 0) return status;
  struct evnet_conn *conn = table_init(reactor, handle, transport, NO_LISTENER);
  conn->state = CONN_ATTEMPT;
  conn->dial = dial;
  *out_conn = conn;
  return 0;
}

int table_adopt(struct evnet_reactor *reactor, int descriptor, const struct evnet_socket_kind *kind,
                struct evnet_conn **out_conn) {
  const struct evnet_reactor_owner *owner = &reactor->owner;
  if (table_is_full(reactor)) return -ENOBUFS;
  // Claim first, because a descriptor that the poller has taken cannot be given back.
  int status = owner->claim != NULL ? owner->claim(owner->context) : 0;
  if (status < 0) return status;
  struct evnet_handle handle;
  status = evnet_poller_adopt(reactor->poller, descriptor, kind, &handle);
  if (status < 0) {
    if (owner->unclaim != NULL) owner->unclaim(owner->context);
    return status;
  }
  *out_conn = init_dialling(reactor, handle, kind->transport);
  (*out_conn)->adopted = 1;
  return 0;
}

int table_claim(struct evnet_conn *conn) {
  const struct evnet_reactor_owner *owner = &conn->reactor->owner;
  return owner->claim != NULL ? owner->claim(owner->context) : 0;
}

bool evnet_reactor_was_claimed(const struct evnet_conn *conn) { return conn->dialled; }

// Finding and freeing

struct evnet_conn *table_find(struct evnet_reactor *reactor, const struct evnet_conn_id *id) {
  if (id->index >= reactor->table.top) return NULL;
  struct evnet_conn *conn = &reactor->table.conns[id->index];
  bool alive = conn->state != CONN_FREE && conn->state != CONN_CLOSED &&
               conn->state != CONN_LISTENER && conn->state != CONN_ATTEMPT;
  return alive && conn->generation == id->generation ? conn : NULL;
}

void table_discard(struct evnet_conn *conn) {
  conn->state = CONN_CLOSED;
  evnet_poller_abort(conn->reactor->poller, conn_handle(conn));
}

void table_detached(struct evnet_conn *conn) {
  side_free(conn);
  conn->reactor->table.handles--;
  conn->state = CONN_FREE;
}

// Properties

struct evnet_conn_id evnet_conn_get_id(const struct evnet_conn *conn) {
  return (struct evnet_conn_id){.reactor = conn->reactor->owner.reactor_index,
                                .index = conn_handle(conn).index,
                                .generation = conn->generation};
}

void *evnet_conn_user(const struct evnet_conn *conn) { return conn->user; }

void evnet_conn_set_user(struct evnet_conn *conn, void *user) { conn->user = user; }

struct evnet_reactor *evnet_conn_reactor(const struct evnet_conn *conn) {
  return conn->reactor;
}

int evnet_conn_listener_index(const struct evnet_conn *conn) {
  return conn->listener == EVNET_LISTENER_NONE ? -1 : conn->listener;
}
