// Attempts to connect to the addresses of a dial, by RFC 8305 sections 4 and 5. Address families
// alternate. An attempt starts 250 ms after the last one or when an attempt has failed, but never
// within 10 ms of the last one. Earlier attempts continue. The first attempt to connect wins: its
// socket moves to the connection's handle, and the other sockets are closed.
//
//                      250 ms, or a failure
//                           +-----+
//                           v     |
//   dial_connect --> start an attempt --CONNECT 0--> move, open
//                           ^     |
//      a full Unix backlog: |     | CONNECT -errno of the last one that runs, or the deadline
//      after a pause        +-----+--> fail
#include "net/reactor/internal/dial_attempts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "net/reactor/internal/async.h"
#include "net/reactor/internal/clock.h"
#include "net/reactor/internal/datagram_socket.h"
#include "net/reactor/internal/deadline.h"
#include "net/reactor/internal/dial_record.h"
#include "net/reactor/internal/end.h"
#include "net/reactor/internal/open.h"
#include "net/reactor/internal/peer.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/table.h"
#include "net/reactor/timer.h"

enum {
  // RFC 8305 section 8: Connection Attempt Delay, Minimum Connection Attempt Delay.
  DELAY_MS = 250,
  DELAY_MS_MIN = 10,
  // The pause before connecting again to a Unix socket whose listener's backlog is full. No event
  // reports that it has room again, so each pause is twice the previous one.
  PAUSE_MS_MIN = 5,
  PAUSE_MS_MAX = 100,
};

static struct evnet_reactor *reactor_of(const struct dial *dial) { return dial->conn->reactor; }

// The addresses

// A wildcard host is an address to listen on. A dial to it goes to this machine.
static void set_loopback(struct evnet_address *address) {
  if (address->socket.any.sa_family == AF_INET) {
    struct in_addr *host = &address->socket.ip4.sin_addr;
    if (host->s_addr == htonl(INADDR_ANY)) host->s_addr = htonl(INADDR_LOOPBACK);
  } else if (address->socket.any.sa_family == AF_INET6) {
    struct in6_addr *host = &address->socket.ip6.sin6_addr;
    if (IN6_IS_ADDR_UNSPECIFIED(host)) *host = in6addr_loopback;
  }
}

// Removes the addresses whose family differs from the source's.
static void keep_addresses(struct dial *dial) {
  if (dial->options.source == NULL || dial->source_is_any) return;
  const int family = dial->source.socket.any.sa_family;
  uint32_t kept = 0;
  for (uint32_t i = 0; i < dial->address_count; i++) {
    if (dial->addresses[i].socket.any.sa_family == family)
      dial->addresses[kept++] = dial->addresses[i];
  }
  dial->address_count = kept;
}

// Orders the addresses with a First Address Family Count of 1 (RFC 8305 section 4): each address is
// followed by the next address of another family, while there is one.
static void alternate_families(struct evnet_address *addresses, uint32_t count) {
  for (uint32_t i = 1; i < count; i++) {
    const int before = addresses[i - 1].socket.any.sa_family;
    uint32_t other = i;
    while (other < count && addresses[other].socket.any.sa_family == before) other++;
    if (other == count) return;
    const struct evnet_address moved = addresses[other];
    memmove(&addresses[i + 1], &addresses[i], (other - i) * sizeof *addresses);
    addresses[i] = moved;
  }
}

// Returns the source for this address, or NULL for none. It is valid until connect has returned.
static const struct evnet_address *source_for(struct dial *dial,
                                              const struct evnet_address *address) {
  if (dial->options.source == NULL || !dial->source_is_any) return dial->options.source;
  const uint16_t port = evnet_address_port(&dial->source);
  if (port == 0) return NULL;
  struct evnet_address *source = &dial->source;
  *source = (struct evnet_address){.transport = address->transport, .size = address->size};
  source->socket.any.sa_family = address->socket.any.sa_family;
  if (address->socket.any.sa_family == AF_INET6) {
    source->socket.ip6.sin6_port = htons(port);
  } else {
    source->socket.ip4.sin_port = htons(port);
  }
  return source;
}

// Failures

// The lower the rank, the better the status explains why a name cannot be reached.
static int rank(int status) {
  switch (status) {
    case -ECONNREFUSED:
      return 0;
    case -ETIMEDOUT:
      return 1;
    case -EHOSTUNREACH:
    case -ENETUNREACH:
      return 2;
    case -EADDRNOTAVAIL:
      return 3;
    default:
      return 4;
  }
}

static void note(struct dial *dial, int status, uint32_t address_index) {
  if (dial->status != 0 && rank(dial->status) <= rank(status)) return;
  dial->status = status;
  dial->status_index = address_index;
}

// Ends the dial with the most informative failure so far, `status` included.
static void fail(struct dial *dial, int status) {
  struct evnet_conn *conn = dial->conn;
  uint32_t index = UINT32_MAX;
  for (uint32_t i = 0; i < DIAL_ATTEMPTS_MAX; i++) {
    const struct dial_attempt *attempt = &dial->attempts[i];
    if (attempt->is_running && attempt->address_index < index) index = attempt->address_index;
  }
  if (index == UINT32_MAX) index = dial->address_next > 0 ? dial->address_next - 1 : 0;
  note(dial, status, index);
  if (dial->status_index < dial->address_count)
    peer_set(conn, &dial->addresses[dial->status_index]);
  end_conn(conn, dial->status);
}

// Time

static void try_next(struct dial *dial);

static void expired(struct evnet_timer *timer, void *user) {
  (void)timer;
  struct dial *dial = user;
  struct evnet_reactor *reactor = reactor_of(dial);
  if (reactor->clock.now_ms < dial->deadline_ms) {
    try_next(dial);
  } else if (!deadline_is_settled(reactor, dial->deadline_ms)) {
    // Ask the kernel first, because it may have connected the socket meanwhile.
    evnet_timer_start(reactor, &dial->timer, 0, expired, dial);
  } else {
    fail(dial, -ETIMEDOUT);
  }
}

void dial_start_timer(struct dial *dial) {
  struct evnet_reactor *reactor = reactor_of(dial);
  const uint64_t at_ms = dial->next_ms < dial->deadline_ms ? dial->next_ms : dial->deadline_ms;
  if (at_ms == UINT64_MAX) {
    evnet_timer_stop(reactor, &dial->timer);
    return;
  }
  const uint64_t delay_ms = at_ms > reactor->clock.now_ms ? at_ms - reactor->clock.now_ms : 0;
  evnet_timer_start(reactor, &dial->timer, delay_ms, expired, dial);
}

// Attempts

static struct dial_attempt *find_free(struct dial *dial) {
  struct dial_attempt *attempt = &dial->attempts[0];
  while (attempt->is_running) attempt++;  // fewer than DIAL_ATTEMPTS_MAX are running
  return attempt;
}

static int give_handle(struct dial *dial, struct dial_attempt *attempt) {
  if (attempt->conn != NULL) return 0;
  if (dial->address_count > 1)
    return table_reserve_attempt(reactor_of(dial), dial->own_addresses[0].transport, dial,
                                 &attempt->conn);
  attempt->conn = dial->conn;
  return 0;
}

static void start(struct dial *dial, struct dial_attempt *attempt) {
  struct evnet_reactor *reactor = reactor_of(dial);
  const struct evnet_address *address = &dial->addresses[dial->address_next];
  attempt->address_index = dial->address_next++;
  attempt->is_running = true;
  dial->running_count++;
  peer_set(dial->conn, address);
  clock_update(reactor);
  dial->started_ms = reactor->clock.now_ms;
  const bool waits =
      dial->address_next == dial->address_count || dial->running_count == DIAL_ATTEMPTS_MAX;
  dial->next_ms = waits ? UINT64_MAX : dial->started_ms + DELAY_MS;
  dial_start_timer(dial);
  struct evnet_connect_options options = dial->options;
  options.source = source_for(dial, address);
  evnet_poller_connect(reactor->poller, conn_handle(attempt->conn), address, &options);
}

// Returns whether the user's callback permits the next address.
static bool is_allowed(const struct dial *dial) {
  return dial->allow == NULL || dial->allow(&dial->addresses[dial->address_next], dial->conn->user);
}

// Starts the next attempt, or fails the dial if no address is left and no attempt is running.
static void try_next(struct dial *dial) {
  while (dial->address_next < dial->address_count && !is_allowed(dial))
    note(dial, -EACCES, dial->address_next++);
  if (dial->address_next == dial->address_count) {
    dial->next_ms = UINT64_MAX;
    if (dial->running_count > 0) {
      dial_start_timer(dial);
    } else {
      fail(dial, dial->status);
    }
    return;
  }
  struct dial_attempt *attempt = find_free(dial);
  const int status = give_handle(dial, attempt);
  if (status == 0) {
    start(dial, attempt);
  } else if (dial->running_count > 0) {
    dial->next_ms = UINT64_MAX;  // wait for the handle of the next attempt that ends
    dial_start_timer(dial);
  } else {
    fail(dial, status);
  }
}

void dial_connect(struct dial *dial) {
  keep_addresses(dial);
  for (uint32_t i = 0; i < dial->address_count; i++) set_loopback(&dial->addresses[i]);
  alternate_families(dial->addresses, dial->address_count);
  if (dial->address_count == 0) {
    fail(dial, -EAFNOSUPPORT);
  } else {
    try_next(dial);
  }
}

static void pause_a_while(struct dial *dial) {
  dial->pause_ms = dial->pause_ms == 0 ? PAUSE_MS_MIN : 2 * dial->pause_ms;
  if (dial->pause_ms > PAUSE_MS_MAX) dial->pause_ms = PAUSE_MS_MAX;
  dial->address_next = 0;
  dial->next_ms = reactor_of(dial)->clock.now_ms + dial->pause_ms;
  dial_start_timer(dial);
}

static void attempt_failed(struct dial *dial, struct dial_attempt *attempt, int status) {
  if (status == -EAGAIN && dial->conn->transport == EVNET_TRANSPORT_UNIX) {
    pause_a_while(dial);
    return;
  }
  note(dial, status, attempt->address_index);
  if (dial->address_next == dial->address_count) {
    if (dial->running_count == 0) fail(dial, dial->status);
    return;
  }
  const uint64_t may_ms = dial->started_ms + DELAY_MS_MIN;
  if (dial->next_ms > may_ms) dial->next_ms = may_ms;
  if (dial->next_ms <= reactor_of(dial)->clock.now_ms) {
    try_next(dial);
  } else {
    dial_start_timer(dial);
  }
}

// Opening

// Moves the socket of the winning attempt to the connection's handle.
static int take_socket(struct dial *dial, struct dial_attempt *attempt) {
  peer_set(dial->conn, &dial->addresses[attempt->address_index]);
  if (attempt->conn == dial->conn) return 0;
  struct evnet_poller *poller = reactor_of(dial)->poller;
  const int status =
      evnet_poller_connect_move(poller, conn_handle(attempt->conn), conn_handle(dial->conn));
  if (status == 0) return 0;
  attempt->conn->dial = NULL;
  evnet_poller_detach(poller, conn_handle(attempt->conn));
  attempt->conn = NULL;
  return status;
}

// Opens the connection, whose handle is connected.
static void open_dialled(struct dial *dial) {
  struct evnet_conn *conn = dial->conn;
  struct evnet_reactor *reactor = conn->reactor;
  struct evnet_async *request = dial_take_requests(dial);
  dial_free(conn);
  conn->state = CONN_OPEN;
  int status = conn->transport == EVNET_TRANSPORT_UDP ? datagram_connected(conn) : 0;
  if (status == 0) status = open_conn(conn);
  if (status < 0) end_conn(conn, status);
  while (request != NULL) {
    struct evnet_async *next = request->next;
    async_carry_out(reactor, request);
    request = next;
  }
}

void dial_connected(struct evnet_conn *conn, int result) {
  const bool is_dialling = conn->state == CONN_DIALLING || conn->state == CONN_ATTEMPT;
  struct dial *dial = is_dialling ? conn_dial(conn) : NULL;
  if (dial == NULL) return;  // the dial was cancelled, and the handle is about to be detached
  struct dial_attempt *attempt = &dial->attempts[0];
  while (attempt->conn != conn) attempt++;
  attempt->is_running = false;
  dial->running_count--;
  if (result == 0) result = take_socket(dial, attempt);
  if (result == 0) {
    open_dialled(dial);
  } else {
    attempt_failed(dial, attempt, result);
  }
}
