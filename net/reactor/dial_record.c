// The record of a dial: the requests that wait for it, and how it ends. `conn->dial` points to the
// record while the connection is in DIALLING. dial.c creates it, and dial_attempts.c connects.
#include "net/reactor/internal/dial_record.h"

#include "net/reactor/async.h"
#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/due.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/resolver.h"
#include "net/reactor/timer.h"

// Requests of other threads

bool dial_add_request(struct evnet_conn *conn, struct evnet_async *async) {
  struct dial *dial = conn->dial;
  const struct evnet_reactor_options *options = &conn->reactor->options;
  const bool is_datagram = conn_is_datagram(conn);
  const size_t most = is_datagram ? options->udp_outbound_bytes_max : options->outbound_bytes_max;
  if (async->size > most - dial->requested_bytes) return false;
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

struct evnet_async *dial_take_requests(struct dial *dial) {
  struct evnet_async *first = dial->requests_first;
  dial->requests_first = NULL;
  return first;
}

// The end of a dial

// Detaches the handles of all attempts except the connection's own handle.
static void drop_attempts(struct dial *dial) {
  struct evnet_reactor *reactor = dial->conn->reactor;
  for (uint32_t i = 0; i < DIAL_ATTEMPTS_MAX; i++) {
    struct evnet_conn *conn = dial->attempts[i].conn;
    if (conn == NULL || conn == dial->conn) continue;
    conn->dial = NULL;
    evnet_poller_detach(reactor->poller, conn_handle(conn));
  }
}

void dial_free(struct evnet_conn *conn) {
  struct dial *dial = conn_dial(conn);
  struct evnet_reactor *reactor = conn->reactor;
  counter_add(&reactor->stats.connections_dialling, (uint64_t)-1);
  if (dial == NULL) return;
  conn->side = dial->side;
  if (dial->lookup != NULL) evnet_resolver_cancel(dial->lookup);
  evnet_timer_stop(reactor, &dial->timer);
  *dial->to_this = dial->next;
  if (dial->next != NULL) dial->next->to_this = dial->to_this;
  drop_attempts(dial);
  if (dial->addresses != dial->own_addresses)
    evnet_release(reactor->options.allocator, dial->addresses);
  evnet_release(reactor->options.allocator, dial);
}

void dial_end(struct evnet_conn *conn, int reason) {
  struct dial *dial = conn_dial(conn);
  struct evnet_async *request = dial != NULL ? dial_take_requests(dial) : NULL;
  dial_free(conn);
  while (request != NULL) {
    struct evnet_async *next = request->next;
    due_answer(request, reason);
    request = next;
  }
}
