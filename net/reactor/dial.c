// A dial, from evnet_dial until either on_open or, if the dial fails, on_close.
//
//   evnet_dial --a name--> looking up --addresses--> connecting --> open
//       |                      |                      ^    |
//       +--an IP address, a path----------------------+    |
//                              +-- deadline, a failure ----+--> failed
//
// During a dial the connection is in DIALLING, and `conn->dial` is the record of the dial
// (dial_record.c). dial_options.c reads the arguments of evnet_dial; dial_attempts.c connects.
#include "net/reactor/dial.h"

#include <errno.h>
#include <string.h>

#include "net/reactor/conn.h"
#include "net/reactor/internal/clock.h"
#include "net/reactor/internal/close.h"
#include "net/reactor/internal/dial.h"
#include "net/reactor/internal/dial_attempts.h"
#include "net/reactor/internal/dial_options.h"
#include "net/reactor/internal/dial_record.h"
#include "net/reactor/internal/end.h"
#include "net/reactor/internal/handler.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/side.h"
#include "net/reactor/internal/stop.h"
#include "net/reactor/internal/table.h"
#include "net/reactor/internal/unlisten.h"
#include "net/reactor/owner.h"
#include "net/reactor/resolver.h"

enum { TIMEOUT_MS_DEFAULT = 10000 };

static void looked_up(void *arg, int status, const struct evnet_address *addresses, size_t count) {
  struct dial *dial = arg;
  struct evnet_reactor *reactor = dial->conn->reactor;
  dial->lookup = NULL;
  if (status == 0) {
    dial->addresses = evnet_allocate(reactor->options.allocator, count * sizeof *dial->addresses);
    if (dial->addresses == NULL) status = -ENOMEM;
  }
  if (status < 0) {
    end_conn(dial->conn, status);
    return;
  }
  memcpy(dial->addresses, addresses, count * sizeof *addresses);
  dial->address_count = (uint32_t)count;
  dial_connect(dial);
}

static void link_dial(struct evnet_reactor *reactor, struct dial *dial) {
  dial->next = reactor->dials;
  dial->to_this = &reactor->dials;
  if (dial->next != NULL) dial->next->to_this = &dial->next;
  reactor->dials = dial;
}

// Creates the record of a dial and its connection. If there is no handle, only the record has to be
// freed. Returns as dial_read.
static int create(struct evnet_reactor *reactor, const struct evnet_dial_target *target,
                  const struct evnet_dial_options *options, struct dial **out_dial,
                  struct evnet_host *out_host) {
  struct dial *dial = evnet_allocate_zeroed(reactor->options.allocator, sizeof *dial);
  if (dial == NULL) return -ENOMEM;
  const int named = dial_read(&reactor->options, target, options, dial, out_host);
  int status = named < 0 ? named : 0;
  if (status == 0) status = table_reserve(reactor, dial->own_addresses[0].transport, &dial->conn);
  if (status < 0) {
    evnet_release(reactor->options.allocator, dial);
    return status;
  }
  dial->next_ms = UINT64_MAX;
  dial->conn->dial = dial;
  link_dial(reactor, dial);
  *out_dial = dial;
  return named;
}

// The side that keeps the handler is made now, so that a dial that has begun cannot fail without
// its handler's on_close.
static int give_handler(struct dial *dial, const struct evnet_dial_options *options) {
  struct evnet_reactor *reactor = dial->conn->reactor;
  dial->side = side_create(reactor);
  if (dial->side == NULL) return -ENOMEM;
  dial->conn->handler = HANDLER_OWN;
  return handler_give_own(reactor, dial->side, options->handler, options->user);
}

int evnet_dial_begin(struct evnet_reactor *reactor, const struct evnet_dial_target *target,
                     const struct evnet_dial_options *options, struct evnet_conn_id *out_id) {
  static const struct evnet_dial_options defaults = {0};
  if (options == NULL) options = &defaults;
  if (stop_refuses(reactor)) return -ESHUTDOWN;
  struct dial *dial;
  struct evnet_host host;
  const int named = create(reactor, target, options, &dial, &host);
  if (named < 0) return named;
  struct evnet_conn *conn = dial->conn;
  conn->user = options->conn_user;
  conn->background = options->background;
  int status = options->handler != NULL ? give_handler(dial, options) : 0;
  if (status == 0 && named > 0)
    status = evnet_resolver_look_up(reactor, &host, looked_up, dial, &dial->lookup);
  if (status == 0) status = table_claim(conn);
  if (status < 0) {
    dial_free(conn);
    table_discard(conn);
    return status;
  }
  clock_update(reactor);  // the caller may have run for a long time in this turn
  const int64_t timeout_ms = options->timeout_ms == 0 ? TIMEOUT_MS_DEFAULT : options->timeout_ms;
  dial->deadline_ms =
      timeout_ms == EVNET_OFF ? UINT64_MAX : reactor->clock.now_ms + (uint64_t)timeout_ms;
  if (out_id != NULL) *out_id = evnet_conn_get_id(conn);
  if (named > 0) {
    dial_start_timer(dial);
  } else {
    dial_connect(dial);
  }
  return 0;
}

int evnet_dial(struct evnet_reactor *reactor, const char *address,
               const struct evnet_dial_options *options, struct evnet_conn_id *out_id) {
  const struct evnet_dial_target target = {.text = address};
  return evnet_dial_begin(reactor, &target, options, out_id);
}

int evnet_dial_address(struct evnet_reactor *reactor, const struct evnet_address *address,
                       const struct evnet_dial_options *options, struct evnet_conn_id *out_id) {
  const struct evnet_dial_target target = {.address = address};
  return evnet_dial_begin(reactor, &target, options, out_id);
}

int evnet_dial_host(struct evnet_reactor *reactor, enum evnet_transport transport, const char *host,
                    uint16_t port, const struct evnet_dial_options *options,
                    struct evnet_conn_id *out_id) {
  const struct evnet_dial_target target = {.host = host, .port = port, .transport = transport};
  return evnet_dial_begin(reactor, &target, options, out_id);
}

// Closing

int evnet_close(struct evnet_reactor *reactor, struct evnet_conn_id id) {
  if (id.reactor != reactor->owner.reactor_index) return -ESTALE;
  struct evnet_conn *conn = table_find(reactor, &id);
  const bool may_be_adopted = conn == NULL || conn->state == CONN_DATAGRAM;
  if (may_be_adopted && unlisten_by_id(reactor, &id)) return 0;
  return conn != NULL ? close_by_id(conn) : -ESTALE;
}

void dial_end_all(struct evnet_reactor *reactor, int reason) {
  while (reactor->dials != NULL) end_conn(reactor->dials->conn, reason);
}
