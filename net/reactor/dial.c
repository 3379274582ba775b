// A dial, from evnet_dial to on_open or to on_close alone.
//
//   evnet_dial --a name--> looking up --addresses--> connecting --> open
//       |                      |                      ^    |
//       +--an IP address, a path----------------------+    |
//                              +-- deadline, a failure ----+--> failed
//
// While it lasts the connection is in DIALLING, and `conn->dial` is what it has beyond that.
// dial_options.c reads the arguments of evnet_dial, dial_attempts.c connects; docs/dialling.md
// explains both.
#include "net/reactor/dial.h"

#include <errno.h>
#include <string.h>

#include "net/reactor/internal/dial.h"

enum { TIMEOUT_MS_DEFAULT = 10000 };

static struct evnet_reactor *reactor_of(const struct dial *dial) { return dial->conn->reactor; }

// Requests of other threads

bool dial_add_request(struct evnet_conn *conn, struct evnet_async *async) {
  struct dial *dial = conn->dial;
  const struct evnet_reactor_options *options = &conn->reactor->options;
  const bool is_datagram = conn_is_datagram(conn);
  const size_t most = is_datagram ? options->udp_outbound_bytes_max : options->outbound_bytes_max;
  if (async->size > most - dial->requested_bytes) {
    if (!is_datagram && options->outbound_overflow == EVNET_OVERFLOW_CLOSE)
      conn_finish(conn, EVNET_REASON_OUTBOUND_OVERFLOW);
    return false;
  }
  dial->requested_bytes += async->size;
  async->next = NULL;
  if (dial->requests_first == NULL) {
    dial->requests_first = async;
  } else {
    dial->requests_last->next = async;
  }
  dial->requests_last = async;
  return true;
}

static struct evnet_async *take_requests(struct dial *dial) {
  struct evnet_async *first = dial->requests_first;
  dial->requests_first = NULL;
  return first;
}

// Ends

void dial_free(struct evnet_conn *conn) {
  struct dial *dial = conn->dial;
  struct evnet_reactor *reactor = conn->reactor;
  reactor->dial_count--;
  if (dial == NULL) return;
  conn->dial = NULL;
  if (dial->lookup != NULL) evnet_resolver_cancel(dial->lookup);
  evnet_timer_stop(reactor, &dial->timer);
  *dial->to_this = dial->next;
  if (dial->next != NULL) dial->next->to_this = dial->to_this;
  dial_drop_attempts(dial);
  if (dial->addresses != dial->own_addresses)
    evnet_release(reactor->options.allocator, dial->addresses);
  evnet_release(reactor->options.allocator, dial);
}

void dial_end(struct evnet_conn *conn, int reason) {
  struct evnet_async *request = conn->dial != NULL ? take_requests(conn->dial) : NULL;
  dial_free(conn);
  while (request != NULL) {
    struct evnet_async *next = request->next;
    async_answer(request, reason);
    request = next;
  }
}

void dial_end_all(struct evnet_reactor *reactor, int reason) {
  while (reactor->dials != NULL) conn_finish(reactor->dials->conn, reason);
}

void dial_open(struct dial *dial) {
  struct evnet_conn *conn = dial->conn;
  struct evnet_reactor *reactor = conn->reactor;
  struct evnet_async *request = take_requests(dial);
  dial_free(conn);
  conn->state = CONN_OPEN;
  int status = conn->transport == EVNET_TRANSPORT_UDP ? datagram_connected(conn) : 0;
  if (status == 0) status = conn_open(conn);
  if (status < 0) conn_finish(conn, status);
  while (request != NULL) {
    struct evnet_async *next = request->next;
    async_carry_out(reactor, request);
    request = next;
  }
}

// Time

static void expired(struct evnet_timer *timer, void *user) {
  (void)timer;
  struct dial *dial = user;
  struct evnet_reactor *reactor = reactor_of(dial);
  if (reactor->now_ms < dial->deadline_ms) {
    dial_try_next(dial);
  } else if (!deadline_is_settled(reactor, dial->deadline_ms)) {
    // The kernel may have connected it, and is asked first.
    evnet_timer_start(reactor, &dial->timer, 0, expired, dial);
  } else {
    dial_fail(dial, -ETIMEDOUT);
  }
}

void dial_start_timer(struct dial *dial) {
  struct evnet_reactor *reactor = reactor_of(dial);
  const uint64_t at_ms = dial->next_ms < dial->deadline_ms ? dial->next_ms : dial->deadline_ms;
  if (at_ms == UINT64_MAX) {
    evnet_timer_stop(reactor, &dial->timer);
    return;
  }
  const uint64_t delay_ms = at_ms > reactor->now_ms ? at_ms - reactor->now_ms : 0;
  evnet_timer_start(reactor, &dial->timer, delay_ms, expired, dial);
}

// Beginning

static void looked_up(void *arg, int status, const struct evnet_address *addresses, size_t count) {
  struct dial *dial = arg;
  struct evnet_reactor *reactor = reactor_of(dial);
  dial->lookup = NULL;
  if (status == 0) {
    dial->addresses = evnet_allocate(reactor->options.allocator, count * sizeof *dial->addresses);
    if (dial->addresses == NULL) status = -ENOMEM;
  }
  if (status < 0) {
    conn_finish(dial->conn, status);
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

// Without a handle nothing but the record is there to free. Returns as dial_read.
static int create(struct evnet_reactor *reactor, const char *address,
                  const struct evnet_dial_options *options, struct dial **out_dial) {
  struct dial *dial = evnet_allocate_zeroed(reactor->options.allocator, sizeof *dial);
  if (dial == NULL) return -ENOMEM;
  const int named = dial_read(&reactor->options, address, options, dial);
  int status = named < 0 ? named : 0;
  if (status == 0) status = conn_reserve(reactor, dial->own_addresses[0].transport, &dial->conn);
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

int evnet_dial(struct evnet_reactor *reactor, const char *address,
               const struct evnet_dial_options *options, struct evnet_conn_id *out_id) {
  static const struct evnet_dial_options defaults = {0};
  if (options == NULL) options = &defaults;
  if (stop_refuses(reactor)) return -ESHUTDOWN;
  struct dial *dial;
  const int named = create(reactor, address, options, &dial);
  if (named < 0) return named;
  struct evnet_conn *conn = dial->conn;
  conn->user = options->conn_user;
  conn->background = options->background;
  int status = 0;
  if (named > 0) status = evnet_resolver_look_up(reactor, address, looked_up, dial, &dial->lookup);
  if (status == 0) status = conn_claim(conn);
  if (status < 0) {
    dial_free(conn);
    conn_discard(conn);
    return status;
  }
  reactor_update_now(reactor);  // the caller may have run for long since the turn began
  const int64_t timeout_ms = options->timeout_ms == 0 ? TIMEOUT_MS_DEFAULT : options->timeout_ms;
  dial->deadline_ms = timeout_ms == EVNET_OFF ? UINT64_MAX : reactor->now_ms + (uint64_t)timeout_ms;
  if (out_id != NULL) *out_id = evnet_conn_id(conn);
  if (named > 0) {
    dial_start_timer(dial);
  } else {
    dial_connect(dial);
  }
  return 0;
}

int evnet_close(struct evnet_reactor *reactor, struct evnet_conn_id id) {
  if (id.reactor != reactor->owner.reactor_index) return -ESTALE;
  struct evnet_conn *conn = conn_find(reactor, &id);
  if (conn == NULL) return -ESTALE;
  return conn_close_by_id(conn);
}
