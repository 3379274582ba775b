// The listeners of a server. Reactor 0 alone listens, or, if the kernel distributes the connections
// to one port (reuse_port), each reactor. This file also duplicates listeners for other processes.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "net/base/text.h"
#include "net/server/internal/affinity.h"
#include "net/server/internal/listen.h"
#include "net/server/internal/state.h"

//   refused  the option that the system does not support, or NULL.
//   reason   further explanation, or NULL.
static void log_unbound(const struct evnet_server *server, const char *address, int status,
                        const char *refused, const char *reason) {
  const char *message = evnet_status_message(status);
  if (refused != NULL) {
    evnet_log(&server->logger, EVNET_LOG_ERROR, "cannot listen on '%s': option %s: %s", address,
              refused, message);
  } else if (reason != NULL) {
    evnet_log(&server->logger, EVNET_LOG_ERROR, "cannot listen on '%s': %s (%s)", address, reason,
              message);
  } else {
    evnet_log(&server->logger, EVNET_LOG_ERROR, "cannot listen on '%s': %s", address, message);
  }
}

static struct evnet_listen_options listen_options_of(const struct server_reactor *self) {
  const struct evnet_server *server = self->server;
  const struct evnet_options *options = &server->options;
  // The last reactor, because all sockets of the port have to be there.
  const bool by_cpu = server->port_cpus.cpu_count > 0 && self->index + 1 == server->reactor_count;
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
      .reuse_port_by_cpu = by_cpu ? &server->port_cpus : NULL,
      .unix_mode = options->unix_mode,
  };
}

// The port that the kernel chose for a name's first address may be in use at another address of the
// name. In that case evnet lets the kernel choose again. This is the total number of tries.
enum { PORT_TRIES = 16 };

static void set_port(struct evnet_address *address, uint16_t port) {
  if (address->socket.any.sa_family == AF_INET6) address->socket.ip6.sin6_port = htons(port);
  if (address->socket.any.sa_family == AF_INET) address->socket.ip4.sin_port = htons(port);
}

// Binds one address, at the port of the text's first bound address if there is one.
//
//   may_retry  the caller may retry after -EADDRINUSE, so this error is not logged.
//
// Returns: 0.
// Errors:  -EAFNOSUPPORT if the address may be left out; those of evnet_reactor_listen_at.
static int bind_address(struct server_reactor *self, struct server_text *text,
                        const struct evnet_address *given, bool may_retry) {
  struct evnet_server *server = self->server;
  const char *refused = NULL;
  const char *reason = NULL;
  struct evnet_listen_options options = listen_options_of(self);
  options.out_refused = &refused;
  options.out_reason = &reason;
  struct evnet_address address = *given;
  // The other reactors use the port that reactor 0 has bound.
  if (text->bound.size > 0) set_port(&address, evnet_address_port(&text->bound));
  struct evnet_address bound;
  int status = evnet_reactor_listen_at(self->reactor, text->index, &address, &options, &bound);
  if (status >= 0) {
    if (text->bound.size == 0) text->bound = bound;
    return 0;
  }
  const int family = address.socket.any.sa_family;
  char line[EVNET_TEXT_BYTES];
  (void)evnet_text_of_address(&address, line, sizeof line);
  const bool may_leave_out = self->index == 0 && text->count > 1;
  if (may_leave_out && (status == -EAFNOSUPPORT || status == -EADDRNOTAVAIL) &&
      !evnet_reactor_has_family(self->reactor, family)) {
    evnet_log(&server->logger, EVNET_LOG_WARNING,
              "skipping address '%s' of a name: this machine has no %s addresses", line,
              family == AF_INET6 ? "IPv6" : "IPv4");
    return -EAFNOSUPPORT;
  }
  if (status != -EADDRINUSE || !may_retry) log_unbound(server, line, status, refused, reason);
  return status;
}

// Binds all addresses of a text, or none if one fails. Leaves out addresses of a family that this
// machine does not have.
//
//   out_left_out  why the first address that was left out could not be bound; unchanged if none was.
static int bind_all(struct server_reactor *self, struct server_text *text, bool may_retry,
                    int *out_left_out) {
  if (self->index == 0) text->bound.size = 0;
  bool is_first = true;
  for (size_t i = 0; i < text->count; i++) {
    struct server_address *socket = &text->sockets[i];
    if (socket->left_out) continue;
    int status = bind_address(self, text, &socket->address, may_retry && !is_first);
    if (status == 0) {
      is_first = false;
      continue;
    }
    // Only reactor 0 writes left_out, before the other reactors' threads read it.
    if (status == -EAFNOSUPPORT && self->index == 0 && text->count > 1) {
      socket->left_out = true;
      if (*out_left_out == 0) *out_left_out = status;
      continue;
    }
    if (!is_first) (void)evnet_reactor_unlisten(self->reactor, text->index);
    return status;
  }
  return 0;
}

static void log_listening(const struct evnet_server *server, const struct server_text *text) {
  char line[EVNET_TEXT_BYTES];
  bool is_first = true;
  for (size_t i = 0; i < text->count; i++) {
    if (text->sockets[i].left_out) continue;
    struct evnet_address address = is_first ? text->bound : text->sockets[i].address;
    set_port(&address, evnet_address_port(&text->bound));
    evnet_log(&server->logger, EVNET_LOG_INFO, "listening on %s",
              evnet_text_of_address(&address, line, sizeof line));
    is_first = false;
  }
}

int server_listen_at(struct server_reactor *self, struct server_text *text) {
  struct evnet_server *server = self->server;
  const bool chooses =
      self->index == 0 && text->count > 1 && evnet_address_port(&text->sockets[0].address) == 0;
  int tries = chooses ? PORT_TRIES : 1;
  int left_out_status = 0;
  int status;
  do {
    status = bind_all(self, text, --tries > 0, &left_out_status);
  } while (status == -EADDRINUSE && text->bound.size > 0 && tries > 0);
  if (status < 0) return status;
  if (text->bound.size == 0) {
    char line[EVNET_TEXT_BYTES];
    log_unbound(server, evnet_text_of_address(&text->sockets[0].address, line, sizeof line),
                left_out_status, NULL, "no address of the name can be used");
    return left_out_status;
  }
  evnet_reactor_set_listener_handler(self->reactor, text->index, text->handler_index);
  return 0;
}

void server_publish(struct evnet_server *server, const struct server_text *text) {
  struct server_listening *listening = &server->listening[text->index];
  (void)pthread_mutex_lock(&server->mutex);
  listening->state = LISTENING_OPEN;
  listening->bound = text->bound;
  listening->descriptor =
      evnet_reactor_listener_descriptor(server->reactors[0].reactor, text->index);
  (void)pthread_mutex_unlock(&server->mutex);
  log_listening(server, text);
}

// Runs on reactor 0 before it binds the first address.
static void decide_whether_to_spread(struct evnet_server *server) {
  const struct evnet_options *options = &server->options;
  server->spreads = options->reuse_port && server->reactor_count > 1 &&
                    evnet_reactor_spreads_port(server->reactors[0].reactor);
  if (!server->spreads) return;
  if (options->balance == NULL && options->balancer == EVNET_ROUND_ROBIN) return;
  evnet_log(&server->logger, EVNET_LOG_WARNING,
            "option %s has no effect with reuse_port: the kernel chooses the reactor",
            options->balance != NULL ? "balance" : "balancer");
}

// Runs on reactor 0, which is not pinned yet, before it binds the first address.
static int decide_cpus(struct evnet_server *server) {
  if (!server->options.reuse_port_by_cpu || server->reactor_count == 1) return 0;
  int count = -EOPNOTSUPP;
  if (server->spreads)
    count = evnet_affinity_cpus(server->cpus, sizeof server->cpus / sizeof server->cpus[0]);
  if (count < 0) {
    evnet_log(&server->logger, EVNET_LOG_ERROR, "option reuse_port_by_cpu: %s",
              evnet_status_message(count));
    return count;
  }
  if ((uint32_t)count < server->reactor_count) {
    evnet_log(&server->logger, EVNET_LOG_WARNING,
              "option reuse_port_by_cpu has no effect: %u reactors are more than the %d CPUs",
              server->reactor_count, count);
    return 0;
  }
  server->port_cpus = (struct evnet_port_cpus){
      .cpus = server->cpus, .cpu_count = (uint32_t)count, .socket_count = server->reactor_count};
  return 0;
}

int server_listen(struct server_reactor *self) {
  struct evnet_server *server = self->server;
  int status = 0;
  if (self->index == 0) {
    decide_whether_to_spread(server);
    status = decide_cpus(server);
  }
  for (size_t i = 0; i < server->socket_count && status == 0;) {
    struct server_text text = {.sockets = &server->sockets[i], .index = server->sockets[i].index};
    // Reactor 0 has written it, and no address is removed before the start has ended.
    text.bound = server->listening[text.index].bound;
    text.handler_index = server->listening[text.index].handler_index;
    while (i < server->socket_count && server->sockets[i].index == text.index) {
      text.count++;
      i++;
    }
    status = server_listen_at(self, &text);
    if (status == 0 && self->index == 0) server_publish(server, &text);
  }
  return status;
}

// Duplicates. The kernel may reuse the number of a closed descriptor immediately. Therefore
// `descriptor` is cleared before the close, under the mutex that evnet_server_dup_listener holds.

static void log_stopping(const struct evnet_server *server) {
  // A server that fails to start does not log this, because its caller gets the error.
  const bool has_run = __atomic_load_n(&server->is_bound, __ATOMIC_RELAXED);
  if (!has_run || !evnet_log_wants(&server->logger, EVNET_LOG_INFO)) return;
  struct evnet_server_stats stats;
  evnet_server_get_stats(server, &stats);
  const int64_t drain_ms = __atomic_load_n(&server->stop_drain_ms, __ATOMIC_RELAXED);
  char time[32] = "none";  // evnet_reactor_stop has no deadline either, from about 292 years on
  if (drain_ms < INT64_MAX / 1000000) (void)snprintf(time, sizeof time, "%" PRId64 " ms", drain_ms);
  evnet_log(&server->logger, EVNET_LOG_INFO,
            "stopping: %" PRIu64 " open connections, drain deadline: %s", stats.connections_open,
            time);
}

void server_closing(void *context) {
  const struct server_reactor *self = context;
  struct evnet_server *server = self->server;
  if (self->index > 0) return;
  log_stopping(server);
  (void)pthread_mutex_lock(&server->mutex);
  for (size_t i = 0; i < EVNET_LISTENERS_MAX; i++) server->listening[i].descriptor = -ENOTCONN;
  (void)pthread_mutex_unlock(&server->mutex);
}

int evnet_server_dup_listener(struct evnet_server *server, size_t index) {
  (void)pthread_mutex_lock(&server->mutex);
  int duplicate = -EINVAL;
  if (index < server->address_count) duplicate = server->listening[index].descriptor;
  if (duplicate >= 0) {
    duplicate = fcntl(duplicate, F_DUPFD_CLOEXEC, 0);
    if (duplicate < 0) duplicate = -errno;
  }
  (void)pthread_mutex_unlock(&server->mutex);
  return duplicate;
}
