// Where a server listens: on reactor 0 alone, or, where the kernel spreads what comes to one port,
// on each reactor; and the duplicates of its listeners that others are given.
#include <errno.h>
#include <fcntl.h>

#include "net/server/internal/state.h"

//   refused  the option that the system refuses, or NULL.
//   reason   what else there is to say, or NULL.
static void log_unbound(const struct evnet_server *server, const char *address, int status,
                        const char *refused, const char *reason) {
  const char *message = evnet_status_message(status);
  if (refused != NULL) {
    evnet_log(&server->logger, EVNET_LOG_ERROR, "address '%s': option %s: %s", address, refused,
              message);
  } else if (reason != NULL) {
    evnet_log(&server->logger, EVNET_LOG_ERROR, "address '%s': %s: %s", address, message, reason);
  } else {
    evnet_log(&server->logger, EVNET_LOG_ERROR, "address '%s': %s", address, message);
  }
}

static struct evnet_listen_options listen_options_of(const struct evnet_server *server) {
  const struct evnet_options *options = &server->options;
  return (struct evnet_listen_options){
      .backlog = options->backlog,
      .send_buffer_bytes = options->send_buffer_bytes,
      .receive_buffer_bytes = options->receive_buffer_bytes,
      .no_reuse_address = options->no_reuse_address,
      .no_nodelay = options->no_nodelay,
      .v6only = options->v6only,
      .keepalive_idle_s = options->keepalive_idle_s,
      .keepalive_interval_s = options->keepalive_interval_s,
      .keepalive_count = options->keepalive_count,
      .user_timeout_ms = (int)options->user_timeout_ms,
      .notsent_lowat_bytes = options->notsent_lowat_bytes,
      .fast_open_queue_max = options->fast_open_queue_max,
      .defer_accept_s = options->defer_accept_s,
      .bind_to_device = options->bind_to_device,
      .udp_broadcast = options->udp_broadcast,
      .reuse_port = options->reuse_port,
      .unix_mode = options->unix_mode,
  };
}

// What the other reactors bind: the address as it was given, with the port that reactor 0 has got.
static struct evnet_address with_port(struct evnet_address address,
                                      const struct evnet_address *bound) {
  if (address.socket.any.sa_family == AF_INET6) {
    address.socket.ip6.sin6_port = htons(evnet_address_port(bound));
  } else {
    address.socket.ip4.sin_port = htons(evnet_address_port(bound));
  }
  return address;
}

static int listen_at(struct server_reactor *self, size_t index) {
  struct evnet_server *server = self->server;
  const char *refused = NULL;
  const char *reason = NULL;
  struct evnet_listen_options options = listen_options_of(server);
  options.out_refused = &refused;
  options.out_reason = &reason;
  struct evnet_address address = server->addresses[index];
  if (self->index > 0) address = with_port(address, &server->bound[index]);
  struct evnet_address bound;
  int status = evnet_reactor_listen(self->reactor, &address, &options, &bound);
  char text[EVNET_ADDRESS_TEXT_BYTES];
  if (status < 0) {
    evnet_address_format(&address, text, sizeof text);
    log_unbound(server, text, status, refused, reason);
    return status;
  }
  if (self->index > 0) return 0;
  server->bound[index] = bound;
  (void)pthread_mutex_lock(&server->mutex);
  server->listeners[index] = evnet_reactor_listener_descriptor(self->reactor, (uint8_t)index);
  (void)pthread_mutex_unlock(&server->mutex);
  evnet_address_format(&bound, text, sizeof text);
  evnet_log(&server->logger, EVNET_LOG_INFO, "listening on %s", text);
  return 0;
}

// On reactor 0, before the first address.
static void decide_whether_to_spread(struct evnet_server *server) {
  const struct evnet_options *options = &server->options;
  server->spreads = options->reuse_port && server->reactor_count > 1 &&
                    evnet_reactor_spreads_port(server->reactors[0].reactor);
  if (!server->spreads) return;
  if (options->balance == NULL && options->balancer == EVNET_ROUND_ROBIN) return;
  evnet_log(&server->logger, EVNET_LOG_WARNING,
            "option %s is not used: with reuse_port the kernel chooses the reactor",
            options->balance != NULL ? "balance" : "balancer");
}

int server_listen(struct server_reactor *self) {
  struct evnet_server *server = self->server;
  if (self->index == 0) decide_whether_to_spread(server);
  int status = 0;
  for (size_t i = 0; i < server->address_count && status == 0; i++) status = listen_at(self, i);
  return status;
}

// Duplicates. A descriptor that closes may be another socket's at once: so it is forgotten first,
// under the mutex that whoever duplicates it holds.

void server_closing(void *context) {
  const struct server_reactor *self = context;
  struct evnet_server *server = self->server;
  if (self->index > 0) return;
  (void)pthread_mutex_lock(&server->mutex);
  for (size_t i = 0; i < server->address_count; i++) server->listeners[i] = -ENOTCONN;
  (void)pthread_mutex_unlock(&server->mutex);
}

int evnet_server_dup_listener(struct evnet_server *server, size_t index) {
  if (index >= server->address_count) return -EINVAL;
  (void)pthread_mutex_lock(&server->mutex);
  int duplicate = server->listeners[index];
  if (duplicate >= 0) {
    duplicate = fcntl(duplicate, F_DUPFD_CLOEXEC, 0);
    if (duplicate < 0) duplicate = -errno;
  }
  (void)pthread_mutex_unlock(&server->mutex);
  return duplicate;
}
