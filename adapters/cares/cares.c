// c-ares opens its sockets itself; evnet watches them. No function of the program runs inside a
// callback of c-ares, because evnet delivers answers later.
#include "adapters/cares/cares.h"

#include <ares.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "net/reactor/timer.h"
#include "net/reactor/watch.h"

enum {
  LOOKUPS_MAX_DEFAULT = 16384,
  // How often c-ares looks for queries to repeat. ares_timeout(3) would return the exact time, but
  // it visits all queries.
  TICK_MS = 100,
  // For bursts of answers: all queries to a name server share a socket. The kernel caps it.
  RECEIVE_BUFFER_BYTES = 1 << 20,
};

struct evnet_cares {
  struct evnet_resolver resolver;
  char *servers;  // NULL: those of /etc/resolv.conf
  int timeout_ms;
  int tries;
  size_t lookups_max;
};

// A socket of c-ares.
struct cares_socket {
  struct evnet_watcher watcher;
  struct channel *channel;
  ares_socket_t descriptor;
  uint32_t events;
  struct cares_socket *next;
};

// The state for one reactor.
struct channel {
  const struct evnet_cares *cares;
  struct evnet_reactor *reactor;
  ares_channel ares;
  struct cares_socket *sockets;
  size_t count;  // of lookups that c-ares is working on
  struct evnet_timer tick;
  bool ticks;
};

// A lookup, from the call of c-ares until its callback.
struct query {
  struct channel *channel;
  struct evnet_lookup_id id;
  bool is_cancelled;
};

// Sockets

static void socket_ready(struct evnet_watcher *watcher, uint32_t events, void *user) {
  (void)watcher;
  const struct cares_socket *socket = user;
  if (events & EVNET_WATCH_ENDED) return;
  const bool failed = (events & (EVNET_WATCH_ERROR | EVNET_WATCH_HANGUP)) != 0;
  const ares_socket_t descriptor = socket->descriptor;
  const bool reads = failed || (events & EVNET_READABLE);
  const bool writes = failed || (events & EVNET_WRITABLE);
  // It may close the socket, which frees `socket`.
  ares_process_fd(socket->channel->ares, reads ? descriptor : ARES_SOCKET_BAD,
                  writes ? descriptor : ARES_SOCKET_BAD);
}

// Watches a socket. Without a descriptor or memory for it, the next tick tries again.
static void watch(struct cares_socket *socket) {
  const int status = evnet_watch(socket->channel->reactor, socket->descriptor, socket->events,
                                 socket_ready, socket, &socket->watcher);
  (void)status;
}

static void forget(struct cares_socket **to_socket) {
  struct cares_socket *socket = *to_socket;
  evnet_watch_stop(&socket->watcher);
  *to_socket = socket->next;
  free(socket);
}

// c-ares wants these events of a socket; neither: it is about to close the socket.
static void socket_changed(void *user, ares_socket_t descriptor, int readable, int writable) {
  struct channel *channel = user;
  struct cares_socket **at = &channel->sockets;
  while (*at != NULL && (*at)->descriptor != descriptor) at = &(*at)->next;
  if (!readable && !writable) {
    if (*at != NULL) forget(at);
    return;
  }
  struct cares_socket *socket = *at;
  if (socket == NULL) {
    socket = calloc(1, sizeof *socket);
    if (socket == NULL) return;  // its queries time out
    socket->channel = channel;
    socket->descriptor = descriptor;
    *at = socket;
  }
  socket->events = (readable ? EVNET_READABLE : 0u) | (writable ? EVNET_WRITABLE : 0u);
  if (socket->watcher.reactor == NULL) {
    watch(socket);
  } else {
    (void)evnet_watch_change(&socket->watcher, socket->events);
  }
}

static void tick(struct evnet_timer *timer, void *user) {
  struct channel *channel = user;
  for (struct cares_socket *socket = channel->sockets; socket != NULL; socket = socket->next) {
    if (socket->watcher.reactor == NULL) watch(socket);
  }
  ares_process_fd(channel->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // repeats and ends queries
  if (channel->count > 0) return;
  evnet_timer_stop(channel->reactor, timer);
  channel->ticks = false;
}

// Answers

static int status_of(int status) {
  switch (status) {
    case ARES_SUCCESS:
      return 0;
    case ARES_ENOMEM:
      return -ENOMEM;
    case ARES_ENODATA:
    case ARES_ENOTFOUND:
    case ARES_EBADNAME:
    case ARES_EBADRESP:  // such as an invalid host name
    case ARES_ENONAME:
      return EVNET_STATUS_ADDRESS;
    default:
      return EVNET_STATUS_LOOKUP;
  }
}

// Copies the addresses that c-ares has found. Returns their number.
static size_t copy_addresses(const struct ares_addrinfo *found, struct evnet_address *out) {
  size_t count = 0;
  const struct ares_addrinfo_node *node = found->nodes;
  for (; node != NULL && count < EVNET_RESOLVER_ADDRESSES_MAX; node = node->ai_next) {
    const int status = evnet_address_from_socket(node->ai_addr, (socklen_t)node->ai_addrlen,
                                                 EVNET_TRANSPORT_TCP, &out[count]);
    if (status == 0) count++;
  }
  return count;
}

static void addresses_found(void *user, int status, int timeouts, struct ares_addrinfo *found) {
  (void)timeouts;
  struct query *query = user;
  struct evnet_address addresses[EVNET_RESOLVER_ADDRESSES_MAX];
  const size_t count = status == ARES_SUCCESS ? copy_addresses(found, addresses) : 0;
  if (found != NULL) ares_freeaddrinfo(found);
  query->channel->count--;
  if (!query->is_cancelled)
    (void)evnet_lookup_answer(query->channel->reactor, query->id, status_of(status), addresses,
                              count);
  free(query);
}

static void name_found(void *user, int status, int timeouts, char *name, char *service) {
  (void)timeouts;
  (void)service;
  struct query *query = user;
  query->channel->count--;
  if (status == ARES_SUCCESS && name == NULL) status = ARES_ENOTFOUND;
  if (!query->is_cancelled)
    (void)evnet_lookup_answer_name(query->channel->reactor, query->id, status_of(status), name);
  free(query);
}

// The functions of the resolver

// Makes the record of a lookup, and makes sure that queries are repeated.
static int add(struct channel *channel, struct evnet_lookup_id id, struct query **out_query) {
  if (channel->count >= channel->cares->lookups_max) return -EAGAIN;
  struct query *query = calloc(1, sizeof *query);
  if (query == NULL) return -ENOMEM;
  query->channel = channel;
  query->id = id;
  channel->count++;
  if (!channel->ticks) evnet_timer_repeat(channel->reactor, &channel->tick, TICK_MS, tick, channel);
  channel->ticks = true;
  *out_query = query;
  return 0;
}

static int find_addresses(void *state, struct evnet_reactor *reactor, struct evnet_lookup_id id,
                          const struct evnet_host *host, void **out_query) {
  (void)reactor;
  struct channel *channel = state;
  struct query *query;
  const int status = add(channel, id, &query);
  if (status < 0) return status;
  *out_query = query;
  const struct ares_addrinfo_hints hints = {.ai_family = host->family, .ai_socktype = SOCK_STREAM};
  ares_getaddrinfo(channel->ares, host->name, NULL, &hints, addresses_found, query);
  return 0;
}

static int find_name(void *state, struct evnet_reactor *reactor, struct evnet_lookup_id id,
                     const struct evnet_address *address, void **out_query) {
  (void)reactor;
  struct channel *channel = state;
  struct query *query;
  const int status = add(channel, id, &query);
  if (status < 0) return status;
  *out_query = query;
  ares_getnameinfo(channel->ares, &address->socket.any, (ares_socklen_t)address->size,
                   ARES_NI_LOOKUPHOST | ARES_NI_NAMEREQD, name_found, query);
  return 0;
}

// c-ares cannot cancel one query.
static void cancel(void *state, void *query) {
  (void)state;
  ((struct query *)query)->is_cancelled = true;
}

static int make_channel(const struct evnet_cares *cares, struct channel *channel,
                        ares_channel *out_ares) {
  struct ares_options options = {.timeout = cares->timeout_ms,
                                 .tries = cares->tries,
                                 .socket_receive_buffer_size = RECEIVE_BUFFER_BYTES,
                                 .sock_state_cb = socket_changed,
                                 .sock_state_cb_data = channel};
  const int mask = ARES_OPT_SOCK_STATE_CB | ARES_OPT_SOCK_RCVBUF |
                   (cares->timeout_ms > 0 ? ARES_OPT_TIMEOUTMS : 0) |
                   (cares->tries > 0 ? ARES_OPT_TRIES : 0);
  const int status = ares_init_options(out_ares, &options, mask);
  if (status != ARES_SUCCESS) return status == ARES_ENOMEM ? -ENOMEM : -EIO;
  if (cares->servers == NULL) return 0;
  const int set = ares_set_servers_ports_csv(*out_ares, cares->servers);
  if (set == ARES_SUCCESS) return 0;
  ares_destroy(*out_ares);
  return set == ARES_ENOMEM ? -ENOMEM : EVNET_STATUS_OPTION;
}

static int begin(struct evnet_reactor *reactor, void *user, void **out_state) {
  struct channel *channel = calloc(1, sizeof *channel);
  if (channel == NULL) return -ENOMEM;
  channel->cares = user;
  channel->reactor = reactor;
  const int status = make_channel(channel->cares, channel, &channel->ares);
  if (status < 0) {
    free(channel);
    return status;
  }
  *out_state = channel;
  return 0;
}

static void end(void *state) {
  struct channel *channel = state;
  evnet_timer_stop(channel->reactor, &channel->tick);
  ares_destroy(channel->ares);  // calls the callbacks of all queries, and closes the sockets
  while (channel->sockets != NULL) forget(&channel->sockets);
  free(channel);
}

// Creating

static void init_library(void) { (void)ares_library_init(ARES_LIB_INIT_ALL); }

// Checks the options by a channel that is not used.
static int check(const struct evnet_cares *cares) {
  ares_channel ares;
  struct channel unused = {.cares = cares};
  const int status = make_channel(cares, &unused, &ares);
  if (status == 0) ares_destroy(ares);
  return status;
}

int evnet_cares_create(const struct evnet_cares_options *options, struct evnet_cares **out_cares) {
  static const struct evnet_cares_options defaults = {0};
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  if (options == NULL) options = &defaults;
  if (options->timeout_ms < 0 || options->tries < 0) return EVNET_STATUS_OPTION;
  (void)pthread_once(&once, init_library);
  struct evnet_cares *cares = calloc(1, sizeof *cares);
  if (cares == NULL) return -ENOMEM;
  cares->resolver = (struct evnet_resolver){.begin = begin,
                                            .find_addresses = find_addresses,
                                            .find_name = find_name,
                                            .cancel = cancel,
                                            .end = end,
                                            .user = cares};
  cares->timeout_ms = options->timeout_ms;
  cares->tries = options->tries;
  cares->lookups_max = options->lookups_max != 0 ? options->lookups_max : LOOKUPS_MAX_DEFAULT;
  int status = 0;
  if (options->servers != NULL) {
    cares->servers = strdup(options->servers);
    if (cares->servers == NULL) status = -ENOMEM;
  }
  if (status == 0) status = check(cares);
  if (status < 0) {
    evnet_cares_destroy(cares);
    return status;
  }
  *out_cares = cares;
  return 0;
}

const struct evnet_resolver *evnet_cares_resolver(const struct evnet_cares *cares) {
  return &cares->resolver;
}

void evnet_cares_destroy(struct evnet_cares *cares) {
  if (cares == NULL) return;
  free(cares->servers);
  free(cares);
}
