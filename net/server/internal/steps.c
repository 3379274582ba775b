#include "net/server/internal/steps.h"

#include "net/server/internal/state.h"

static int create_others(struct evnet_server *server) {
  int status = 0;
  for (uint32_t i = 1; i < server->reactor_count && status == 0; i++)
    status = server_create_reactor(&server->reactors[i]);
  return status;
}

static int listen_others(struct evnet_server *server) {
  int status = 0;
  for (uint32_t i = 1; i < server->reactor_count && status == 0; i++)
    status = server_listen(&server->reactors[i]);
  return status;
}

void evnet_server_set_hash_key(struct evnet_server *server, const struct evnet_hash_key *key) {
  server->balancer.key = *key;
}

int evnet_server_boot(struct evnet_server *server, struct evnet_kernel *kernel) {
  static const struct server_others others = {.create = create_others, .listen = listen_others};
  int status = server_begin(server);
  if (status < 0) return status;
  server->reactor_options.kernel = kernel;
  status = server_boot(server, &others);
  for (uint32_t i = 1; i < server->reactor_count && status == 0; i++)
    evnet_reactor_accept_resume(server->reactors[i].reactor);
  return status;
}

int evnet_server_turn(struct evnet_server *server, uint32_t reactor_index) {
  struct evnet_reactor *reactor = server->reactors[reactor_index].reactor;
  evnet_reactor_boot(reactor);  // only before the first turn
  // A simulated wait returns immediately, and the time that it would have slept passes between two
  // turns.
  evnet_reactor_time_begin(reactor);
  return evnet_reactor_run_turn(reactor);
}

void evnet_server_finish(struct evnet_server *server) {
  server_tell_shutdown(server);
  server_set_state(server, SERVER_ENDED);
}
