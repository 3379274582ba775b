// The life of a reactor: it is created, run until it has stopped, and destroyed. turn.c has one
// turn.
#include "net/reactor/reactor.h"

#include <errno.h>

#include "net/reactor/internal/async.h"
#include "net/reactor/internal/boot.h"
#include "net/reactor/internal/datagram.h"
#include "net/reactor/internal/end.h"
#include "net/reactor/internal/inbox.h"
#include "net/reactor/internal/lifecycle.h"
#include "net/reactor/internal/limits.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/side.h"
#include "net/reactor/mailbox.h"
#include "net/reactor/owner.h"
#include "net/reactor/wheel.h"

// Creating

static size_t table_bytes(const struct evnet_reactor *reactor) {
  return (size_t)reactor->table.max * sizeof *reactor->table.conns;
}

static bool can_reserve(size_t bytes) {
  void *pages = evnet_pages_reserve(bytes);
  evnet_pages_release(pages, bytes);
  return pages != NULL;
}

static void log_failure(const struct evnet_reactor *reactor, int status) {
  const struct evnet_logger *logger = &reactor->options.logger;
  const char *message = evnet_poller_create_message(reactor->options.backend, status);
  const size_t bytes = (size_t)reactor->table.max * EVNET_CONNECTION_BYTES;
  if (status == -ENOMEM && !can_reserve(bytes)) {
    evnet_log(
        logger, EVNET_LOG_ERROR,
        "option connections_max = %zu: cannot reserve %zu bytes of address space; raise ulimit -v "
        "or lower connections_max",
        reactor->options.connections_max, bytes);
  } else if (status == -ENOSYS || status == -EPERM || status == -EAGAIN) {
    evnet_log(logger, EVNET_LOG_ERROR, "option backend: %s", message);
  } else {
    evnet_log(logger, EVNET_LOG_ERROR, "cannot create a reactor: %s", message);
  }
}

static int create_parts(struct evnet_reactor *reactor) {
  const struct evnet_reactor_options *options = &reactor->options;
  // Spare handles: one for each listening socket, eight for each of up to 1,024 dials, which
  // connect to several addresses, and 1,024 that wait for their DETACH.
  const uint32_t dials =
      options->connections_max < 1024 ? (uint32_t)options->connections_max : 1024;
  const uint32_t spare = EVNET_LISTENER_SOCKETS_MAX + 8 * dials + 1024;
  const uint32_t conns_max = NONE - spare;
  reactor->table.max =
      spare +
      (options->connections_max < conns_max ? (uint32_t)options->connections_max : conns_max);
  reactor->table.conns = evnet_pages_reserve(table_bytes(reactor));
  if (reactor->table.conns == NULL) return -ENOMEM;
  const struct evnet_poller_options poller_options = {
      .backend = options->backend,
      .handles_max = reactor->table.max,
      .recv_bytes_max = (uint32_t)options->read_turn_bytes_max,
      .datagram_bytes_max = (uint32_t)options->udp_datagram_bytes_max,
      .no_udp_segmentation = options->no_udp_segmentation,
      .udp_gro = options->udp_gro,
      .udp_errors = options->udp_errors,
      .allocator = options->allocator,
      .kernel = options->kernel,
  };
  return evnet_poller_create(&poller_options, &reactor->poller);
}

static int create(const struct evnet_reactor_options *options, struct evnet_handlers *handlers,
                  struct evnet_reactor **out_reactor) {
  struct evnet_reactor_options resolved;
  int status = evnet_reactor_options_resolve(options, &resolved);
  if (status < 0) return status;
  struct evnet_reactor *reactor = evnet_allocate_zeroed(resolved.allocator, sizeof *reactor);
  if (reactor == NULL) return -ENOMEM;
  reactor->handlers = handlers;
  reactor->options = resolved;
  limits_from_options(&resolved, &reactor->limits);
  reactor->due.first = NONE;
  reactor->stop.at_ns = UINT64_MAX;
  evnet_mailbox_init(&reactor->posted.mailbox, resolved.mailbox_bytes_max);
  status = create_parts(reactor);
  if (status < 0) {
    evnet_pages_release(reactor->table.conns, table_bytes(reactor));
    log_failure(reactor, status);
    evnet_release(resolved.allocator, reactor);
    return status;
  }
  reactor->clock.origin_ns = reactor->clock.now_ns = reactor->clock.lap_ns =
      evnet_poller_now_ns(reactor->poller);
  reactor->clock.tick_ns = reactor->clock.origin_ns + 1000000;
  evnet_wheel_init(&reactor->deadlines.wheel, 0);
  evnet_wheel_init(&reactor->timers, 0);
  *out_reactor = reactor;
  return 0;
}

int evnet_reactor_create(const struct evnet_handler *handler, void *user,
                         const struct evnet_reactor_options *options,
                         struct evnet_reactor **out_reactor) {
  const struct evnet_allocator *allocator = options != NULL ? options->allocator : NULL;
  struct evnet_handlers *handlers;
  int status = evnet_handlers_create(handler, user, allocator, &handlers);
  if (status < 0) return status;
  status = create(options, handlers, out_reactor);
  if (status < 0) {
    evnet_handlers_destroy(handlers);
    return status;
  }
  (*out_reactor)->owns_handlers = true;
  return 0;
}

int evnet_reactor_create_owned(struct evnet_handlers *handlers,
                               const struct evnet_reactor_options *options,
                               const struct evnet_reactor_owner *owner,
                               struct evnet_reactor **out_reactor) {
  const int status = create(options, handlers, out_reactor);
  if (status == 0) evnet_reactor_set_owner(*out_reactor, owner);
  return status;
}

void evnet_reactor_set_owner(struct evnet_reactor *reactor,
                             const struct evnet_reactor_owner *owner) {
  reactor->owner = *owner;
}

void *evnet_reactor_owner_context(const struct evnet_reactor *reactor) {
  return reactor->owner.context;
}

uint32_t evnet_reactor_index(const struct evnet_reactor *reactor) {
  return reactor->owner.reactor_index;
}

void *evnet_reactor_user(const struct evnet_reactor *reactor) { return reactor->user; }

void evnet_reactor_set_user(struct evnet_reactor *reactor, void *user) { reactor->user = user; }

const char *evnet_reactor_backend_name(const struct evnet_reactor *reactor) {
  return evnet_poller_name(reactor->poller);
}

void evnet_reactor_discard(struct evnet_reactor *reactor, int descriptor) {
  evnet_poller_discard_descriptor(reactor->poller, descriptor);
}

// Running and destroying

// Closes all connections, with on_close, because the reactor ends without a stop.
static void abandon(struct evnet_reactor *reactor, int reason) {
  reactor->stop.phase = STOP_DONE;
  for (uint32_t i = 0; i < reactor->table.top; i++) {
    struct evnet_conn *conn = &reactor->table.conns[i];
    if (conn->state == CONN_DATAGRAM) {
      datagram_close(conn);
    } else if (conn->state != CONN_FREE && conn->state != CONN_LISTENER &&
               conn->state != CONN_ATTEMPT) {
      end_abort(conn, reason);
    }
  }
  while (reactor->due.first != NONE)
    lifecycle_run_due(reactor);  // terminates, because no connection can open any more
  inbox_end(reactor);
  boot_end(reactor);
}

int evnet_reactor_run(struct evnet_reactor *reactor) {
  int status;
  boot_alone(reactor);
  do {
    status = evnet_reactor_run_turn(reactor);
  } while (status > 0);
  if (status < 0) {
    evnet_log(&reactor->options.logger, EVNET_LOG_ERROR, "the event loop failed: %s",
              evnet_status_message(status));
    const struct evnet_reactor_owner *owner = &reactor->owner;
    if (owner->drained != NULL) (void)owner->drained(owner->context, true);
    abandon(reactor, status);
  }
  return status;
}

void evnet_reactor_destroy(struct evnet_reactor *reactor) {
  if (reactor == NULL) return;
  EVNET_ASSERT(!reactor->clock.turning);
  if (reactor->stop.phase != STOP_DONE) abandon(reactor, EVNET_REASON_ABORTED);
  const struct evnet_allocator *allocator = reactor->options.allocator;
  rate_free_groups(reactor);
  evnet_poller_destroy(reactor->poller);  // from here on the poller uses no memory of a send
  for (uint32_t i = 0; i < reactor->table.top; i++) {
    if (reactor->table.conns[i].state != CONN_FREE) side_free(&reactor->table.conns[i]);
  }
  async_run_answers(reactor);
  if (reactor->owns_handlers) evnet_handlers_destroy(reactor->handlers);
  evnet_block_release(allocator, reactor->gather);
  evnet_pages_release(reactor->table.conns, table_bytes(reactor));
  evnet_release(allocator, reactor);
}
