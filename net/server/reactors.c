// The reactors of a server, by index. Any thread may ask.
#include "net/server/internal/state.h"

struct evnet_reactor *evnet_server_reactor(const struct evnet_server *server, uint32_t index) {
  if (index >= server->reactor_count) return NULL;
  return __atomic_load_n(&server->reactors[index].reactor, __ATOMIC_ACQUIRE);
}

uint32_t evnet_server_reactor_count(const struct evnet_server *server) {
  return server->reactor_count;
}

struct evnet_server *evnet_reactor_server(const struct evnet_reactor *reactor) {
  const struct server_reactor *self = evnet_reactor_owner_context(reactor);
  return self != NULL ? self->server : NULL;
}

struct evnet_server *evnet_conn_server(const struct evnet_conn *conn) {
  return evnet_reactor_server(evnet_conn_reactor(conn));
}
