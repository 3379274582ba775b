// The options of a server: checks them, and passes them to its reactors. server.h documents each
// one with its default and bounds.
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "net/base/text.h"
#include "net/server/internal/cpus.h"
#include "net/server/internal/state.h"

static int resolve_reactors(struct evnet_server *server) {
  struct evnet_options *options = &server->options;
  const struct evnet_logger *logger = &server->logger;
  if (options->reactors == 0) options->reactors = 1;
  if (options->reactors == EVNET_REACTOR_PER_CPU) options->reactors = evnet_cpu_count();
  if (options->reactors < 1 || options->reactors > EVNET_REACTORS_MAX) {
    return evnet_option_refuse(logger, "reactors", options->reactors,
                               "must be 1 to 1024, 0 for the default, or EVNET_REACTOR_PER_CPU");
  }
  if ((unsigned)options->balancer > EVNET_SOURCE_HASH) {
    return evnet_option_refuse(logger, "balancer", options->balancer,
                               "is not an enum evnet_balancing");
  }
  const unsigned full_action = (unsigned)options->connections_full_action;
  if (full_action > EVNET_FULL_REFUSE) {
    return evnet_option_refuse(logger, "connections_full_action", full_action,
                               "is not an enum evnet_full_action");
  }
  // If one reactor paused, connections in its backlog would wait although the kernel could have
  // given them to another reactor.
  if (options->reuse_port) options->connections_full_action = EVNET_FULL_REFUSE;
  if (options->reuse_port_by_cpu && !(options->reuse_port && options->pin_reactors)) {
    return evnet_option_refuse(logger, "reuse_port_by_cpu", 1,
                               "needs the options reuse_port and pin_reactors");
  }
  if (options->connections_per_address_max == 0)
    options->connections_per_address_max = EVNET_UNLIMITED;
  switch (options->backend) {
    case EVNET_BACKEND_AUTO:
    case EVNET_BACKEND_EPOLL:
    case EVNET_BACKEND_IO_URING:
    case EVNET_BACKEND_KQUEUE:
      break;
    default:
      return evnet_option_refuse(logger, "backend", options->backend,
                                 "is not an enum evnet_backend");
  }
  server->reactor_count = (uint32_t)options->reactors;
  server->balancer.balancing = options->balancer;
  return 0;
}

static int resolve_numbers_of_sockets(struct evnet_server *server) {
  struct evnet_options *options = &server->options;
  if (options->keepalive_idle_s == 0) options->keepalive_idle_s = EVNET_OFF;
  if (options->user_timeout_ms == 0) options->user_timeout_ms = EVNET_OFF;
  const struct {
    const char *name;
    int64_t value;
    int64_t least;
    int64_t most;
    const char *why;
  } bounds[] = {
      {"backlog", options->backlog, 0, INT_MAX, "must not be negative"},
      {"fast_open_queue_max", options->fast_open_queue_max, 0, INT_MAX, "must not be negative"},
      {"defer_accept_s", options->defer_accept_s, 0, INT_MAX, "must not be negative"},
      {"unix_mode", options->unix_mode, 0, 0777,
       "must be 0001 to 0777 (511 in decimal), or 0 for the default"},
  };
  for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
    if (bounds[i].value < bounds[i].least || bounds[i].value > bounds[i].most) {
      return evnet_option_refuse(&server->logger, bounds[i].name, bounds[i].value, bounds[i].why);
    }
  }
  return 0;
}

static int resolve_sockets(struct evnet_server *server) {
  struct evnet_options *options = &server->options;
  int status = resolve_numbers_of_sockets(server);
  if (status < 0) return status;
  const char *device = options->bind_to_device;
  if (device == NULL) return 0;
  size_t size = strnlen(device, sizeof server->device);
  if (size == 0 || size == sizeof server->device) {
    char shown[EVNET_TEXT_BYTES];
    evnet_log(&server->logger, EVNET_LOG_ERROR,
              "option bind_to_device = '%s': must be 1 to %zu bytes",
              evnet_text_escape(device, shown, sizeof shown), sizeof server->device - 1);
    return EVNET_STATUS_OPTION;
  }
  memcpy(server->device, device, size);
  options->bind_to_device = server->device;
  return 0;
}

int server_resolve_options(struct evnet_server *server) {
  int status = resolve_reactors(server);
  if (status == 0) status = resolve_sockets(server);
  if (status < 0) return status;
  struct evnet_options *options = &server->options;
  if (options->connections_max == 0) {
    options->connections_max =
        evnet_connections_max_default(&server->logger, server->reactor_count);
  }
  if (options->dials_reserved >= options->connections_max) {
    char why[96];
    snprintf(why, sizeof why, "must be below %zu (connections_max)", options->connections_max);
    return evnet_option_refuse(&server->logger, "dials_reserved", (int64_t)options->dials_reserved,
                               why);
  }
  const struct evnet_reactor_options given = {
      .idle_timeout_ms = options->idle_timeout_ms,
      .read_timeout_ms = options->read_timeout_ms,
      .write_timeout_ms = options->write_timeout_ms,
      .lifetime_ms = options->lifetime_ms,
      .linger_ms = options->linger_ms,
      .drain_ms = options->drain_ms,
      .inbound_bytes_max = options->inbound_bytes_max,
      .inbound_high_water_bytes = options->inbound_high_water_bytes,
      .outbound_high_water_bytes = options->outbound_high_water_bytes,
      .outbound_low_water_bytes = options->outbound_low_water_bytes,
      .outbound_bytes_max = options->outbound_bytes_max,
      .outbound_high_action = options->outbound_high_action,
      .outbound_overflow = options->outbound_overflow,
      .read_turn_bytes_max = options->read_turn_bytes_max,
      .udp_datagram_bytes_max = options->udp_datagram_bytes_max,
      .udp_outbound_bytes_max = options->udp_outbound_bytes_max,
      .no_udp_segmentation = options->no_udp_segmentation,
      .udp_gro = options->udp_gro,
      .udp_errors = options->udp_errors,
      .holds_max = options->holds_max,
      .mailbox_bytes_max = options->mailbox_bytes_max,
      .busy_poll_us = options->busy_poll_us,
      .connections_max = options->connections_max,
      .send_buffer_bytes = options->send_buffer_bytes,
      .receive_buffer_bytes = options->receive_buffer_bytes,
      .no_nodelay = options->no_nodelay,
      .keepalive_idle_s = options->keepalive_idle_s,
      .keepalive_interval_s = options->keepalive_interval_s,
      .keepalive_count = options->keepalive_count,
      .user_timeout_ms = options->user_timeout_ms,
      .notsent_lowat_bytes = options->notsent_lowat_bytes,
      .udp_broadcast = options->udp_broadcast,
      .lookup_threads_max = options->lookup_threads_max,
      .lookups_max = options->lookups_max,
      .resolve = options->resolve,
      .backend = options->backend,
      .allocator = options->allocator,
      .logger = server->logger,
  };
  return evnet_reactor_options_resolve(&given, &server->reactor_options);
}
