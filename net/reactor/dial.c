// A dial, from evnet_dial to on_open or to on_close alone.
//
//   LOOKING_UP --addresses--> CONNECTING --CONNECT 0--> open
//       |                      |   ^   |
//       |        a full backlog|   |   | CONNECT -errno, or its share of the time is over:
//       |                      v   |   v the next address, or with the last one
//       +--> failed <------- PAUSING   +--> failed
//
// While it lasts the connection is in DIALLING, and `conn->dial` is what it has beyond that.
#include "net/reactor/dial.h"

#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <string.h>

#include "net/base/text.h"
#include "net/reactor/internal/state.h"
#include "net/reactor/resolver.h"

enum {
  TIMEOUT_MS_DEFAULT = 10000,
  // Between two tries of a Unix socket whose listener's backlog is full, which nothing tells the
  // end of: each pause is twice the last.
  PAUSE_MS_MIN = 5,
  PAUSE_MS_MAX = 100,
};

enum step { LOOKING_UP, CONNECTING, PAUSING };

struct dial {
  struct evnet_conn *conn;
  struct dial *next;
  struct dial **to_this;  // what points here
  enum step step;
  struct evnet_lookup *lookup;  // LOOKING_UP
  struct evnet_timer timer;     // ends the step, at the deadline or before it
  uint64_t deadline_ms;         // UINT64_MAX: none
  uint64_t pause_ms;            // the last one
  uint64_t share_ms;            // CONNECTING: when its share of the time ends
  bool share_over;              // CONNECTING: connect_stop was called
  int status;                   // of the last address that failed
  struct evnet_connect_options options;
  struct evnet_address source;
  char device[IF_NAMESIZE];
  uint32_t address_index;  // the one that is being tried
  uint32_t address_count;
  struct evnet_address addresses[EVNET_RESOLVER_ADDRESSES_MAX];
};

static struct evnet_reactor *reactor_of(const struct dial *dial) { return dial->conn->reactor; }

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
  evnet_release(reactor->options.allocator, dial);
}

void dial_end_all(struct evnet_reactor *reactor, int reason) {
  while (reactor->dials != NULL) conn_finish(reactor->dials->conn, reason);
}

// Connecting

// Leaves those out that are of another family than the source.
static void keep_addresses(struct dial *dial) {
  if (dial->options.source == NULL) return;
  const int family = dial->source.socket.any.sa_family;
  uint32_t kept = 0;
  for (uint32_t i = 0; i < dial->address_count; i++) {
    if (dial->addresses[i].socket.any.sa_family == family)
      dial->addresses[kept++] = dial->addresses[i];
  }
  dial->address_count = kept;
}

static void expired(struct evnet_timer *timer, void *user);

// The step may take so long, or what is left, if that is less.
static void start_timer(struct dial *dial, uint64_t most_ms) {
  struct evnet_reactor *reactor = reactor_of(dial);
  uint64_t left_ms = UINT64_MAX;
  if (dial->deadline_ms != UINT64_MAX) {
    reactor_update_now(reactor);
    left_ms = dial->deadline_ms > reactor->now_ms ? dial->deadline_ms - reactor->now_ms : 0;
  }
  const uint64_t delay_ms = left_ms < most_ms ? left_ms : most_ms;
  if (delay_ms == UINT64_MAX) {
    evnet_timer_stop(reactor, &dial->timer);
  } else {
    evnet_timer_start(reactor, &dial->timer, delay_ms, expired, dial);
  }
}

// What is left, shared by the addresses that are left.
static uint64_t share_of(const struct dial *dial) {
  const uint64_t now_ms = reactor_of(dial)->now_ms;
  if (dial->deadline_ms == UINT64_MAX || dial->deadline_ms <= now_ms) return dial->deadline_ms;
  return (dial->deadline_ms - now_ms) / (dial->address_count - dial->address_index);
}

// Without any address left the dial has failed.
static void try_address(struct dial *dial) {
  struct evnet_conn *conn = dial->conn;
  if (dial->address_index == dial->address_count) {
    conn_finish(conn, dial->status != 0 ? dial->status : -EAFNOSUPPORT);
    return;
  }
  const struct evnet_address *address = &dial->addresses[dial->address_index];
  dial->step = CONNECTING;
  dial->share_over = false;
  peer_set(conn, address);
  const uint64_t share_ms = share_of(dial);
  dial->share_ms = share_ms == UINT64_MAX ? UINT64_MAX : reactor_of(dial)->now_ms + share_ms;
  start_timer(dial, share_ms);
  evnet_poller_connect(conn->reactor->poller, conn_handle(conn), address, &dial->options);
}

static void try_next(struct dial *dial, int status) {
  dial->status = status;
  dial->address_index++;
  dial->pause_ms = 0;
  try_address(dial);
}

static void pause_a_while(struct dial *dial) {
  dial->step = PAUSING;
  dial->pause_ms = dial->pause_ms == 0 ? PAUSE_MS_MIN : 2 * dial->pause_ms;
  if (dial->pause_ms > PAUSE_MS_MAX) dial->pause_ms = PAUSE_MS_MAX;
  start_timer(dial, dial->pause_ms);
}

static void expired(struct evnet_timer *timer, void *user) {
  (void)timer;
  struct dial *dial = user;
  struct evnet_conn *conn = dial->conn;
  struct evnet_reactor *reactor = conn->reactor;
  const bool is_over = reactor->now_ms >= dial->deadline_ms;
  if (!is_over && dial->step == PAUSING) {
    try_address(dial);
  } else if (!deadline_is_settled(reactor, is_over ? dial->deadline_ms : dial->share_ms)) {
    // The kernel may have connected it, and is asked first.
    evnet_timer_start(reactor, &dial->timer, 0, expired, dial);
  } else if (is_over) {
    conn_finish(conn, -ETIMEDOUT);
  } else {
    dial->share_over = true;
    start_timer(dial, UINT64_MAX);
    evnet_poller_connect_stop(conn->reactor->poller, conn_handle(conn));
  }
}

static void open_conn(struct evnet_conn *conn) {
  dial_free(conn);
  conn->state = CONN_OPEN;
  int status = conn->transport == EVNET_TRANSPORT_UDP ? datagram_connected(conn) : 0;
  if (status == 0) status = conn_open(conn);
  if (status < 0) conn_finish(conn, status);
}

void dial_connected(struct evnet_conn *conn, int result) {
  // Else it was cancelled, and the handle is about to be detached.
  if (conn->state != CONN_DIALLING) return;
  struct dial *dial = conn->dial;
  if (result == 0) {
    open_conn(conn);
  } else if (result == -EAGAIN && conn->transport == EVNET_TRANSPORT_UNIX) {
    pause_a_while(dial);
  } else {
    try_next(dial, result == -ECANCELED && dial->share_over ? -ETIMEDOUT : result);
  }
}

// Looking up

static bool has_port(const struct evnet_address *address) {
  return address->transport == EVNET_TRANSPORT_UNIX || evnet_address_port(address) != 0;
}

static void looked_up(void *arg, int status, const struct evnet_address *addresses, size_t count) {
  struct dial *dial = arg;
  dial->lookup = NULL;
  if (status == 0 && !has_port(&addresses[0])) status = EVNET_STATUS_ADDRESS;
  if (status < 0) {
    conn_finish(dial->conn, status);
    return;
  }
  memcpy(dial->addresses, addresses, count * sizeof *addresses);
  dial->address_count = (uint32_t)count;
  keep_addresses(dial);
  try_address(dial);
}

static bool is_wildcard(const struct evnet_address *address) {
  if (address->socket.any.sa_family == AF_INET)
    return address->socket.ip4.sin_addr.s_addr == htonl(INADDR_ANY);
  return address->socket.any.sa_family == AF_INET6 &&
         IN6_IS_ADDR_UNSPECIFIED(&address->socket.ip6.sin6_addr);
}

// "All hosts" is to listen on; dialled, it is this one, by both families if it has both.
static void set_loopback(struct dial *dial) {
  struct evnet_address *first = &dial->addresses[0];
  const in_port_t port = htons(evnet_address_port(first));
  if (first->socket.any.sa_family == AF_INET) {
    first->socket.ip4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return;
  }
  first->socket.ip6.sin6_addr = in6addr_loopback;
  if (!first->dual_stack) return;
  struct evnet_address *second = &dial->addresses[dial->address_count++];
  *second =
      (struct evnet_address){.transport = first->transport, .size = sizeof second->socket.ip4};
  second->socket.ip4.sin_family = AF_INET;
  second->socket.ip4.sin_port = port;
  second->socket.ip4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  first->dual_stack = false;
}

// Beginning

// Each at DEBUG: what is dialled, and how often, may be a peer's choice, and the caller has the
// status.

static int refuse_address(const struct evnet_logger *logger, const char *message) {
  evnet_log(logger, EVNET_LOG_DEBUG, "%s", message);
  return EVNET_STATUS_ADDRESS;
}

// `text` is what the caller gave: shown escaped and cut.
static int refuse_text(const struct evnet_logger *logger, int status, const char *what,
                       const char *text, const char *why) {
  char shown[EVNET_TEXT_BYTES];
  evnet_log(logger, EVNET_LOG_DEBUG, "%s'%s': %s", what,
            evnet_text_escape(text, shown, sizeof shown), why);
  return status;
}

static int refuse_number(const struct evnet_logger *logger, const char *name, int64_t value,
                         const char *why) {
  evnet_log(logger, EVNET_LOG_DEBUG, "option %s = %" PRId64 ": %s", name, value, why);
  return EVNET_STATUS_OPTION;
}

// Returns 1 for an address with a name, 0 for one that is known now.
static int read_address(const struct evnet_logger *logger, struct dial *dial, const char *text) {
  char message[EVNET_ADDRESS_MESSAGE_BYTES];
  int status = evnet_address_read(text, &dial->addresses[0], message, sizeof message);
  if (status < 0) return refuse_address(logger, message);
  if (status > 0) return status;
  if (!has_port(&dial->addresses[0])) {
    return refuse_text(logger, EVNET_STATUS_ADDRESS, "address ", text, "no port to dial");
  }
  dial->address_count = 1;
  if (is_wildcard(&dial->addresses[0])) set_loopback(dial);
  return 0;
}

static int read_source(const struct evnet_logger *logger, struct dial *dial, const char *text) {
  const enum evnet_transport transport = dial->addresses[0].transport;
  if (text == NULL) return 0;
  char message[EVNET_ADDRESS_MESSAGE_BYTES];
  struct evnet_address *source = &dial->source;
  if (evnet_address_parse(text, source, message, sizeof message) < 0)
    return refuse_address(logger, message);
  const bool is_local = source->transport == EVNET_TRANSPORT_UNIX;
  // A path would leave a file behind that nobody removes.
  const bool is_path = is_local && source->socket.local.sun_path[0] != '\0';
  if (is_local != (transport == EVNET_TRANSPORT_UNIX) || is_path) {
    return refuse_text(logger, EVNET_STATUS_ADDRESS, "source ", text,
                       is_path ? "a path cannot be dialled from" : "is not of the address's kind");
  }
  if (!is_local) source->transport = transport;
  dial->options.source = source;
  return 0;
}

static int check_options(const struct evnet_logger *logger,
                         const struct evnet_dial_options *options) {
  if (options->timeout_ms < EVNET_OFF || options->timeout_ms > EVNET_TIMEOUT_MS_MAX)
    return refuse_number(logger, "timeout_ms", options->timeout_ms,
                         "must be 1 to 1073741823, 0 for the default, or EVNET_OFF");
  if (options->send_buffer_bytes < 0)
    return refuse_number(logger, "send_buffer_bytes", options->send_buffer_bytes, "is below 0");
  if (options->receive_buffer_bytes < 0)
    return refuse_number(logger, "receive_buffer_bytes", options->receive_buffer_bytes,
                         "is below 0");
  const char *device = options->bind_to_device;
  if (device == NULL || strlen(device) < IF_NAMESIZE) return 0;
  return refuse_text(logger, EVNET_STATUS_OPTION, "option bind_to_device = ", device,
                     "is no interface's name");
}

static void set_options(struct dial *dial, const struct evnet_dial_options *options) {
  dial->options = (struct evnet_connect_options){
      .send_buffer_bytes = options->send_buffer_bytes,
      .receive_buffer_bytes = options->receive_buffer_bytes,
      .no_nodelay = options->no_nodelay,
      .udp_broadcast = options->udp_broadcast,
  };
  if (options->bind_to_device == NULL) return;
  memcpy(dial->device, options->bind_to_device, strlen(options->bind_to_device) + 1);
  dial->options.bind_to_device = dial->device;
}

// Into a record of zeroes. Returns 1 for an address with a name, 0 for one that is known now.
static int read_all(const struct evnet_logger *logger, const char *address,
                    const struct evnet_dial_options *options, struct dial *dial) {
  int status = check_options(logger, options);
  if (status < 0) return status;
  set_options(dial, options);
  const int named = read_address(logger, dial, address);
  status = named < 0 ? named : read_source(logger, dial, options->source);
  return status < 0 ? status : named;
}

int evnet_dial_check(const struct evnet_logger *logger, const char *address,
                     const struct evnet_dial_options *options) {
  struct dial dial = {0};
  const int status = read_all(logger, address, options, &dial);
  return status < 0 ? status : 0;
}

static void link_dial(struct evnet_reactor *reactor, struct dial *dial) {
  dial->next = reactor->dials;
  dial->to_this = &reactor->dials;
  if (dial->next != NULL) dial->next->to_this = &dial->next;
  reactor->dials = dial;
}

// Without a handle nothing but the record is there to free.
static int create(struct evnet_reactor *reactor, const char *address,
                  const struct evnet_dial_options *options, struct dial **out_dial) {
  struct dial *dial = evnet_allocate_zeroed(reactor->options.allocator, sizeof *dial);
  if (dial == NULL) return -ENOMEM;
  const int named = read_all(&reactor->options.logger, address, options, dial);
  int status = named < 0 ? named : 0;
  // Of a name only the transport is known so far.
  if (status == 0) status = conn_reserve(reactor, dial->addresses[0].transport, &dial->conn);
  if (status < 0) {
    evnet_release(reactor->options.allocator, dial);
    return status;
  }
  dial->conn->dial = dial;
  dial->step = named > 0 ? LOOKING_UP : CONNECTING;
  link_dial(reactor, dial);
  *out_dial = dial;
  return 0;
}

int evnet_dial(struct evnet_reactor *reactor, const char *address,
               const struct evnet_dial_options *options, struct evnet_conn_id *out_id) {
  static const struct evnet_dial_options defaults = {0};
  if (options == NULL) options = &defaults;
  if (stop_refuses(reactor)) return -ESHUTDOWN;
  struct dial *dial;
  int status = create(reactor, address, options, &dial);
  if (status < 0) return status;
  struct evnet_conn *conn = dial->conn;
  conn->user = options->conn_user;
  conn->background = options->background;
  if (dial->step == LOOKING_UP)
    status = evnet_resolver_look_up(reactor, address, looked_up, dial, &dial->lookup);
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
  if (dial->step == LOOKING_UP) {
    start_timer(dial, UINT64_MAX);
  } else {
    keep_addresses(dial);
    try_address(dial);
  }
  return 0;
}

int evnet_close(struct evnet_reactor *reactor, struct evnet_conn_id id) {
  if (id.reactor != reactor->owner.reactor_index) return -ESTALE;
  struct evnet_conn *conn = conn_find(reactor, &id);
  if (conn == NULL) return -ESTALE;
  return conn_close_by_id(conn);
}
