// A server's stop: the request, and the end when all reactors have drained.
#include "net/server/internal/state.h"

int evnet_server_stop(struct evnet_server *server, int64_t drain_ms) {
  if (drain_ms < 0) drain_ms = 0;
  if (drain_ms == NO_STOP) drain_ms--;  // reactors treat both values as no deadline
  int64_t before = __atomic_load_n(&server->stop_drain_ms, __ATOMIC_RELAXED);
  while (drain_ms < before &&
         !__atomic_compare_exchange_n(&server->stop_drain_ms, &before, drain_ms, true,
                                      __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
  }
  for (uint32_t i = 0; i < server->reactor_count; i++) {
    struct evnet_reactor *reactor = __atomic_load_n(&server->reactors[i].reactor, __ATOMIC_SEQ_CST);
    if (reactor != NULL) evnet_reactor_stop(reactor, drain_ms);
  }
  return 0;
}

void server_add_undrained(struct evnet_server *server) {
  __atomic_add_fetch(&server->undrained_count, 1, __ATOMIC_SEQ_CST);
}

void server_remove_undrained(struct evnet_server *server) {
  if (__atomic_sub_fetch(&server->undrained_count, 1, __ATOMIC_SEQ_CST) > 0) return;
  __atomic_store_n(&server->all_drained, true, __ATOMIC_SEQ_CST);
  // Wake the other reactors, which may be asleep: all of them exist, because each has drained.
  // INT64_MAX leaves their deadlines unchanged.
  for (uint32_t i = 0; i < server->reactor_count; i++) {
    struct evnet_reactor *reactor = __atomic_load_n(&server->reactors[i].reactor, __ATOMIC_SEQ_CST);
    evnet_reactor_stop(reactor, INT64_MAX);
  }
}

bool server_drained(void *context, bool drained) {
  struct server_reactor *self = context;
  struct evnet_server *server = self->server;
  if (drained && !self->drained) server_remove_undrained(server);
  if (!drained && self->drained) server_add_undrained(server);
  self->drained = drained;
  return __atomic_load_n(&server->all_drained, __ATOMIC_SEQ_CST);
}

void server_shutdown(void *context) {
  const struct server_reactor *self = context;
  evnet_server_stop(self->server, self->server->reactor_options.drain_ms);
}
