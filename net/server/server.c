// A server's creation and destruction. Its options are in options.c, its threads in run.c, the
// handling of new connections in accept.c, and its statistics in stats.c.
#include "net/server/server.h"

#include <errno.h>
#include <string.h>

#include "net/base/assert.h"
#include "net/server/internal/state.h"

static int parse_address(struct evnet_server *server, uint8_t index, const char *text) {
  const struct evnet_allocator *allocator = server->options.allocator;
  struct evnet_address found[EVNET_LISTENER_SOCKETS_MAX + 1];
  const size_t first = server->socket_count;
  int count = server_resolve_text(server, text, (int)(EVNET_LISTENER_SOCKETS_MAX - first), found);
  if (count < 0) return count;
  struct server_address *all =
      evnet_allocate_zeroed(allocator, (first + (size_t)count) * sizeof *server->sockets);
  if (all == NULL) return -ENOMEM;
  if (first > 0) memcpy(all, server->sockets, first * sizeof *all);
  evnet_release(allocator, server->sockets);
  server->sockets = all;
  server->socket_count = server_add_sockets(all, first, index, found, (size_t)count);
  return 0;
}

static int add_handler(struct evnet_server *server, size_t i, const struct evnet_listen *listen) {
  const int index = evnet_handlers_add(server->handlers, listen->handler, listen->user);
  if (index < 0) return index;  // not possible: there are fewer addresses than handlers
  server->listening[i].handler_index = (uint8_t)index;
  return 0;
}

static int parse_addresses(struct evnet_server *server, const struct evnet_listen *listens) {
  for (size_t i = 0; i < server->address_count; i++) {
    if (listens[i].address == NULL) {
      evnet_log(&server->logger, EVNET_LOG_ERROR, "address %zu is NULL", i);
      return EVNET_STATUS_ADDRESS;
    }
    int status = parse_address(server, (uint8_t)i, listens[i].address);
    if (status == 0) status = add_handler(server, i, &listens[i]);
    if (status < 0) return status;
    server->listening[i].state = LISTENING_ADDING;
  }
  evnet_handlers_end_boot(server->handlers);
  server->ticks = evnet_allocate_zeroed(server->options.allocator,
                                        server->handlers->boot_count * sizeof *server->ticks);
  return server->ticks != NULL ? 0 : -ENOMEM;
}

static int allocate_parts(struct evnet_server *server) {
  const struct evnet_allocator *allocator = server->options.allocator;
  if (server->options.connections_per_address_max != EVNET_UNLIMITED) {
    int status = evnet_address_counts_init(&server->address_counts, allocator);
    if (status < 0) return status;
    server->counts_addresses = true;
  }
  server->reactors =
      evnet_allocate_zeroed(allocator, server->reactor_count * sizeof *server->reactors);
  server->loads = evnet_allocate_zeroed(allocator, server->reactor_count * sizeof *server->loads);
  if (server->reactors == NULL || server->loads == NULL) return -ENOMEM;
  server->undrained_count = server->reactor_count;
  for (uint32_t i = 0; i < server->reactor_count; i++) {
    server->reactors[i].server = server;
    server->reactors[i].index = i;
    server->reactors[i].resume_message.run = server_run_resume;
  }
  return 0;
}

static void free_parts(struct evnet_server *server) {
  const struct evnet_allocator *allocator = server->options.allocator;
  if (server->counts_addresses) evnet_address_counts_deinit(&server->address_counts);
  evnet_release(allocator, server->ticks);
  evnet_release(allocator, server->loads);
  evnet_release(allocator, server->reactors);
  evnet_release(allocator, server->sockets);
  evnet_handlers_destroy(server->handlers);
  evnet_release(allocator, server);
}

int evnet_server_create(const struct evnet_handler *handler, void *user,
                        const char *const *addresses, size_t count,
                        const struct evnet_options *options, struct evnet_server **out_server) {
  struct evnet_listen listens[EVNET_LISTENERS_MAX] = {0};
  for (size_t i = 0; i < count && i < EVNET_LISTENERS_MAX; i++) listens[i].address = addresses[i];
  return evnet_server_create_with(handler, user, listens, count, options, out_server);
}

int evnet_server_create_with(const struct evnet_handler *handler, void *user,
                             const struct evnet_listen *listens, size_t count,
                             const struct evnet_options *options,
                             struct evnet_server **out_server) {
  static const struct evnet_options defaults = {0};
  if (options == NULL) options = &defaults;
  const struct evnet_logger logger = {
      .log = options->log, .user = options->log_user, .level = options->log_level};
  if (count > EVNET_LISTENERS_MAX) {
    evnet_log(&logger, EVNET_LOG_ERROR, "%zu addresses given: must be 0 to %d", count,
              EVNET_LISTENERS_MAX);
    return -EINVAL;
  }
  struct evnet_server *server = evnet_allocate_zeroed(options->allocator, sizeof *server);
  if (server == NULL) return -ENOMEM;
  server->options = *options;
  server->logger = logger;
  server->address_count = count;
  for (size_t i = 0; i < EVNET_LISTENERS_MAX; i++) server->listening[i].descriptor = -ENOTCONN;
  server->stop_drain_ms = NO_STOP;
  int status = server_resolve_options(server);
  if (status == 0 && server->balancer.balancing == EVNET_SOURCE_HASH)
    status = evnet_hash_key_make(&server->balancer.key);
  if (status == 0)
    status = evnet_handlers_create(handler, user, options->allocator, &server->handlers);
  if (status == 0) status = allocate_parts(server);
  if (status == 0) status = parse_addresses(server, listens);
  if (status == 0) status = -pthread_mutex_init(&server->mutex, NULL);
  if (status == 0) {
    status = -pthread_cond_init(&server->changed, NULL);
    if (status < 0) (void)pthread_mutex_destroy(&server->mutex);
  }
  if (status < 0) {
    free_parts(server);
    return status;
  }
  *out_server = server;
  return 0;
}

int evnet_serve(const struct evnet_handler *handler, void *user, const char *const *addresses,
                size_t count, const struct evnet_options *options) {
  struct evnet_options with_log = {0};
  if (options != NULL) with_log = *options;
  if (with_log.log == NULL) with_log.log = evnet_log_stderr;
  struct evnet_server *server;
  int status = evnet_server_create(handler, user, addresses, count, &with_log, &server);
  if (status < 0) return status;
  status = evnet_server_run(server);
  evnet_server_destroy(server);
  return status;
}

int evnet_server_address(const struct evnet_server *server, size_t index,
                         struct evnet_address *out_address) {
  pthread_mutex_t *mutex = (pthread_mutex_t *)(uintptr_t)&server->mutex;
  const bool is_bound = __atomic_load_n(&server->is_bound, __ATOMIC_ACQUIRE);
  int status = -EINVAL;
  (void)pthread_mutex_lock(mutex);
  if (index < server->address_count) {
    const struct server_listening *listening = &server->listening[index];
    status = is_bound && listening->state == LISTENING_OPEN ? 0 : -ENOTCONN;
    if (status == 0) *out_address = listening->bound;
  }
  (void)pthread_mutex_unlock(mutex);
  return status;
}

struct evnet_conn *evnet_server_datagram_socket(const struct evnet_server *server, size_t index) {
  return evnet_server_reactor_datagram_socket(server, 0, index);
}

struct evnet_conn *evnet_server_reactor_datagram_socket(const struct evnet_server *server,
                                                        uint32_t reactor_index, size_t index) {
  struct evnet_reactor *reactor = evnet_server_reactor(server, reactor_index);
  if (reactor == NULL || index >= EVNET_LISTENERS_MAX) return NULL;
  return evnet_reactor_datagram_socket(reactor, (uint8_t)index);
}

void evnet_server_destroy(struct evnet_server *server) {
  if (server == NULL) return;
  EVNET_ASSERT(server->state == SERVER_CREATED || server->state == SERVER_ENDED);
  server_forget_signals(server);
  for (uint32_t i = 0; i < server->reactor_count; i++)
    evnet_reactor_destroy(server->reactors[i].reactor);
  (void)pthread_cond_destroy(&server->changed);
  (void)pthread_mutex_destroy(&server->mutex);
  free_parts(server);
}
