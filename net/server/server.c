// A server's creation, statistics and destruction. Its options are in options.c, its threads in
// run.c, and the handling of new connections in accept.c.
#include "net/server/server.h"

#include <errno.h>
#include <string.h>

#include "net/base/assert.h"
#include "net/base/text.h"
#include "net/server/internal/state.h"

static bool is_same(const struct evnet_address *a, const struct evnet_address *b) {
  return a->size == b->size && memcmp(&a->socket, &b->socket, a->size) == 0;
}

// Appends the addresses that a text resolves to, without duplicates. /etc/hosts may contain a line
// twice, and the second bind(2) would fail.
static int add_addresses(struct evnet_server *server, uint8_t index,
                         const struct evnet_address *found, size_t count) {
  const struct evnet_allocator *allocator = server->options.allocator;
  const size_t first = server->socket_count;
  struct server_address *all =
      evnet_allocate_zeroed(allocator, (first + count) * sizeof *server->sockets);
  if (all == NULL) return -ENOMEM;
  if (first > 0) memcpy(all, server->sockets, first * sizeof *all);
  evnet_release(allocator, server->sockets);
  server->sockets = all;
  for (size_t i = 0; i < count; i++) {
    size_t same = first;
    while (same < server->socket_count && !is_same(&all[same].address, &found[i])) same++;
    if (same < server->socket_count) continue;
    all[server->socket_count++] = (struct server_address){.address = found[i], .index = index};
  }
  return 0;
}

static int parse_address(struct evnet_server *server, uint8_t index, const char *text) {
  struct evnet_address found[EVNET_LISTENER_SOCKETS_MAX + 1];
  const int count_max = (int)(EVNET_LISTENER_SOCKETS_MAX - server->socket_count);
  char message[EVNET_ADDRESS_MESSAGE_BYTES];
  char shown[EVNET_TEXT_BYTES];
  // Ask for one more than fits, to detect that there are too many.
  int count = evnet_address_resolve_all(text, found, count_max + 1, message, sizeof message);
  if (count < 0) {
    evnet_log(&server->logger, EVNET_LOG_ERROR, "%s", message);
    return count;
  }
  if (count > count_max) {
    evnet_log(&server->logger, EVNET_LOG_ERROR,
              "address '%s': more than %d addresses in total, including those of names",
              evnet_text_escape(text, shown, sizeof shown), EVNET_LISTENER_SOCKETS_MAX);
    return -ENOBUFS;
  }
  if (server->options.reuse_port && found[0].transport == EVNET_TRANSPORT_UNIX) {
    evnet_log(&server->logger, EVNET_LOG_ERROR,
              "address '%s': a Unix socket does not support option reuse_port",
              evnet_text_escape(text, shown, sizeof shown));
    return EVNET_STATUS_OPTION;
  }
  return add_addresses(server, index, found, (size_t)count);
}

static int parse_addresses(struct evnet_server *server, const char *const *addresses) {
  for (size_t i = 0; i < server->address_count; i++) {
    if (addresses[i] == NULL) {
      evnet_log(&server->logger, EVNET_LOG_ERROR, "address %zu is NULL", i);
      return EVNET_STATUS_ADDRESS;
    }
    int status = parse_address(server, (uint8_t)i, addresses[i]);
    if (status < 0) return status;
    server->listeners[i] = -ENOTCONN;
  }
  return 0;
}

static int allocate_parts(struct evnet_server *server) {
  const struct evnet_allocator *allocator = server->options.allocator;
  if (server->options.connections_per_address_max != EVNET_UNLIMITED) {
    int status = evnet_address_counts_init(&server->address_counts, allocator);
    if (status < 0) return status;
    server->counts_addresses = true;
  }
  server->bound = evnet_allocate_zeroed(allocator, server->address_count * sizeof *server->bound);
  server->listeners =
      evnet_allocate_zeroed(allocator, server->address_count * sizeof *server->listeners);
  server->reactors =
      evnet_allocate_zeroed(allocator, server->reactor_count * sizeof *server->reactors);
  server->loads = evnet_allocate_zeroed(allocator, server->reactor_count * sizeof *server->loads);
  if (server->bound == NULL || server->listeners == NULL || server->reactors == NULL ||
      server->loads == NULL) {
    return -ENOMEM;
  }
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
  evnet_release(allocator, server->loads);
  evnet_release(allocator, server->reactors);
  evnet_release(allocator, server->listeners);
  evnet_release(allocator, server->bound);
  evnet_release(allocator, server->sockets);
  evnet_release(allocator, server);
}

int evnet_server_create(const struct evnet_handler *handler, void *user,
                        const char *const *addresses, size_t count,
                        const struct evnet_options *options, struct evnet_server **out_server) {
  static const struct evnet_options defaults = {0};
  if (options == NULL) options = &defaults;
  const struct evnet_logger logger = {
      .log = options->log, .user = options->log_user, .level = options->log_level};
  if (count == 0 || count > EVNET_LISTENERS_MAX) {
    evnet_log(&logger, EVNET_LOG_ERROR, "%zu addresses given: must be 1 to %d", count,
              EVNET_LISTENERS_MAX);
    return -EINVAL;
  }
  struct evnet_server *server = evnet_allocate_zeroed(options->allocator, sizeof *server);
  if (server == NULL) return -ENOMEM;
  server->handler = *handler;
  server->user = user;
  server->options = *options;
  server->logger = logger;
  server->address_count = count;
  server->stop_drain_ms = NO_STOP;
  int status = server_resolve_options(server);
  if (status == 0 && server->balancer.balancing == EVNET_SOURCE_HASH)
    status = evnet_hash_key_make(&server->balancer.key);
  if (status == 0) status = allocate_parts(server);
  if (status == 0) status = parse_addresses(server, addresses);
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
  if (index >= server->address_count) return -EINVAL;
  if (__atomic_load_n(&server->bound_count, __ATOMIC_ACQUIRE) == 0) return -ENOTCONN;
  *out_address = server->bound[index];
  return 0;
}

struct evnet_conn *evnet_server_datagram_socket(const struct evnet_server *server, size_t index) {
  return evnet_server_reactor_datagram_socket(server, 0, index);
}

struct evnet_conn *evnet_server_reactor_datagram_socket(const struct evnet_server *server,
                                                        uint32_t reactor_index, size_t index) {
  struct evnet_reactor *reactor = evnet_server_reactor(server, reactor_index);
  if (reactor == NULL || index >= server->address_count) return NULL;
  return evnet_reactor_datagram_socket(reactor, (uint8_t)index);
}

void evnet_server_get_stats(const struct evnet_server *server,
                            struct evnet_server_stats *out_stats) {
  struct evnet_server_stats sum = {.backend = ""};
  for (uint32_t i = 0; i < server->reactor_count; i++) {
    const struct evnet_reactor *reactor = evnet_server_reactor(server, i);
    if (reactor == NULL) continue;
    struct evnet_reactor_stats one;
    evnet_reactor_get_stats(reactor, &one);
    sum.connections_open += one.connections_open;
    sum.connections_accepted += one.connections_opened;
    sum.connections_closed += one.connections_closed;
    sum.dials_failed += one.dials_failed;
    sum.bytes_received += one.bytes_received;
    sum.bytes_sent += one.bytes_sent;
    sum.datagrams_received += one.datagrams_received;
    sum.datagrams_sent += one.datagrams_sent;
    sum.datagrams_dropped += one.datagrams_dropped;
    sum.connections_refused += __atomic_load_n(&server->reactors[i].refused, __ATOMIC_RELAXED);
    sum.turns += one.turns;
    if (one.longest_callback_ns > sum.longest_callback_ns)
      sum.longest_callback_ns = one.longest_callback_ns;
    sum.reactors++;
    sum.backend = evnet_reactor_backend_name(reactor);
  }
  *out_stats = sum;
}

struct evnet_reactor *evnet_server_reactor(const struct evnet_server *server, uint32_t index) {
  if (index >= server->reactor_count) return NULL;
  return __atomic_load_n(&server->reactors[index].reactor, __ATOMIC_ACQUIRE);
}

int evnet_server_get_reactor_stats(const struct evnet_server *server, uint32_t index,
                                   struct evnet_reactor_stats *out_stats) {
  if (index >= server->reactor_count) return -EINVAL;
  const struct evnet_reactor *reactor = evnet_server_reactor(server, index);
  if (reactor == NULL) return -ENOTCONN;
  evnet_reactor_get_stats(reactor, out_stats);
  return 0;
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
