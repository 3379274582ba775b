// Sessions: the address of a client and a socket that is dialled to an upstream for it, so that a
// reply of the upstream finds the client.
//
//   first datagram --> DIALLING --on_open--> OPEN --session_ms without a datagram--> gone
//                        datagrams are kept    |
//                                              +--ICMP: the port is closed--> gone, the upstream
//                                                                             goes out
//
// Clients can forge their addresses, so the number of sessions is bounded. At the bound, datagrams
// of new clients are dropped, and those of sessions are forwarded as before.
//
// An upstream is well when it replies. A protocol without replies shows nothing but ICMP errors, so a
// session that ends without one counts as well, too.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "examples/proxy/app.h"
#include "net/base/hash.h"

enum {
  BUCKETS = 4096,    // of a reactor
  PENDING_MAX = 16,  // datagrams of one session while it is being dialled; further ones are dropped
};

// A datagram that waits until the session is open.
struct pending {
  struct pending *next;
  size_t size;
  uint8_t data[];
};

// The client and the address that it sends to, without padding.
struct key {
  uint8_t client[16];
  uint8_t local[16];
  uint32_t client_zone;  // of a link-local IPv6 address
  uint32_t socket;       // the index of the server's socket in its reactor
  uint16_t client_port;
  uint16_t family;
  uint32_t unused;
};

struct session {
  struct sessions *sessions;
  struct session *next;  // in the bucket
  struct session **to_this;
  struct key key;
  struct evnet_address client;
  struct evnet_address local;  // replies leave from here
  struct evnet_conn_id socket;
  struct evnet_conn *upstream;  // NULL: it is being dialled
  struct upstream_use use;
  bool is_well;  // the upstream has replied
  struct pending *pending;
  struct pending **pending_end;
  int pending_count;
};

struct sessions {
  struct app *app;
  struct evnet_reactor *reactor;
  struct evnet_hash_key key;
  struct session *buckets[BUCKETS];
};

// The table

static struct key make_key(const struct evnet_conn *socket, const struct evnet_address *client,
                           const struct evnet_address *local) {
  struct key key = {.socket = evnet_conn_get_id(socket).index,
                    .client_port = evnet_address_port(client),
                    .family = client->socket.any.sa_family};
  const struct evnet_bytes client_host = app_host(client), local_host = app_host(local);
  if (client_host.size > 0) memcpy(key.client, client_host.data, client_host.size);
  if (local_host.size > 0) memcpy(key.local, local_host.data, local_host.size);
  if (key.family == AF_INET6) key.client_zone = client->socket.ip6.sin6_scope_id;
  return key;
}

static struct session **bucket_of(struct sessions *sessions, const struct key *key) {
  return &sessions->buckets[evnet_hash(&sessions->key, key, sizeof *key) % BUCKETS];
}

static struct session *find(struct sessions *sessions, const struct key *key) {
  struct session *session = *bucket_of(sessions, key);
  while (session != NULL && memcmp(&session->key, key, sizeof *key) != 0) session = session->next;
  return session;
}

static void link_into(struct session **bucket, struct session *session) {
  session->next = *bucket;
  session->to_this = bucket;
  if (*bucket != NULL) (*bucket)->to_this = &session->next;
  *bucket = session;
}

static void drop_pending(struct session *session) {
  while (session->pending != NULL) {
    struct pending *first = session->pending;
    session->pending = first->next;
    free(first);
  }
}

static void destroy(struct session *session) {
  upstreams_finish(&session->sessions->app->datagrams, &session->use);
  *session->to_this = session->next;
  if (session->next != NULL) session->next->to_this = session->to_this;
  drop_pending(session);
  atomic_fetch_sub(&session->sessions->app->session_count, 1);
  free(session);
}

// The upstream's callbacks

static enum evnet_action on_open(struct evnet_conn *conn, void *user) {
  struct session *session = user;
  session->upstream = conn;
  evnet_conn_set_timeout(conn, EVNET_TIMEOUT_IDLE, session->sessions->app->session_ms);
  for (const struct pending *one = session->pending; one != NULL; one = one->next)
    evnet_conn_write(conn, one->data, one->size);
  drop_pending(session);
  return EVNET_NONE;
}

static void is_well(struct session *session) {
  session->is_well = true;
  app_connected(&session->sessions->app->datagrams, &session->use);
}

static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  struct session *session = user;
  if (!session->is_well) is_well(session);
  struct evnet_conn *socket = evnet_conn_find(session->sessions->reactor, session->socket);
  if (socket == NULL) return EVNET_CLOSE;
  const struct evnet_bytes reply = evnet_conn_peek(conn);
  evnet_conn_send_from(socket, &session->local, &session->client, reply.data, reply.size);
  return EVNET_NONE;
}

static bool dial(struct session *session);

static enum evnet_action on_close(struct evnet_conn *conn, int reason, void *user) {
  (void)conn;
  struct session *session = user;
  struct upstreams *set = &session->sessions->app->datagrams;
  if (reason == EVNET_REASON_IDLE_TIMEOUT && session->upstream != NULL) {
    if (!session->is_well) is_well(session);
  } else {
    app_failed(set, &session->use, reason, evnet_reactor_now_ms(session->sessions->reactor));
    upstreams_finish(set, &session->use);
    if (session->upstream == NULL && app_may_retry(reason) && dial(session)) return EVNET_NONE;
  }
  destroy(session);
  return EVNET_NONE;
}

// Dials upstreams until a dial begins. Returns false if none is left.
static bool dial(struct session *session) {
  static const struct evnet_handler handler = {
      .on_open = on_open, .on_data = on_data, .on_close = on_close};
  struct app *app = session->sessions->app;
  struct evnet_reactor *reactor = session->sessions->reactor;
  const struct evnet_dial_options options = {
      .timeout_ms = app->connect_ms, .handler = &handler, .user = session, .background = true};
  const uint64_t now_ms = evnet_reactor_now_ms(reactor);
  const char *address;
  int status = 0;
  while (app_may_retry(status) &&
         (address = upstreams_choose(&app->datagrams, now_ms, app_source(&session->client),
                                     &session->use)) != NULL) {
    status = evnet_dial(reactor, address, &options, NULL);
    if (status == 0) return true;
    app_failed(&app->datagrams, &session->use, status, now_ms);
    upstreams_finish(&app->datagrams, &session->use);
  }
  return false;
}

// The clients' datagrams

static struct session *create(struct sessions *sessions, const struct evnet_conn *socket,
                              const struct key *key) {
  struct app *app = sessions->app;
  struct session *session = NULL;
  if (atomic_fetch_add(&app->session_count, 1) < app->sessions_max)
    session = calloc(1, sizeof *session);
  if (session == NULL) {
    atomic_fetch_sub(&app->session_count, 1);
    return NULL;
  }
  session->sessions = sessions;
  session->key = *key;
  session->socket = evnet_conn_get_id(socket);
  session->use.index = -1;
  session->pending_end = &session->pending;
  evnet_conn_remote_address(socket, &session->client);
  if (evnet_conn_local_address(socket, &session->local) < 0)
    session->local = (struct evnet_address){0};
  link_into(bucket_of(sessions, key), session);
  if (dial(session)) return session;
  destroy(session);
  return NULL;
}

static void keep(struct session *session, struct evnet_bytes data) {
  if (session->pending_count == PENDING_MAX) return;
  struct pending *one = malloc(sizeof *one + data.size);
  if (one == NULL) return;
  one->next = NULL;
  one->size = data.size;
  if (data.size > 0) memcpy(one->data, data.data, data.size);
  *session->pending_end = one;
  session->pending_end = &one->next;
  session->pending_count++;
}

enum evnet_action udp_on_data(struct evnet_conn *conn, struct app *app) {
  struct sessions *sessions = app->sessions[evnet_conn_get_id(conn).reactor];
  if (sessions == NULL) return EVNET_NONE;
  struct evnet_address client, local;
  evnet_conn_remote_address(conn, &client);
  if (evnet_conn_local_address(conn, &local) < 0) local = (struct evnet_address){0};
  const struct key key = make_key(conn, &client, &local);
  struct session *session = find(sessions, &key);
  if (session == NULL) session = create(sessions, conn, &key);
  if (session == NULL) return EVNET_NONE;  // dropped, as a network may do
  const struct evnet_bytes data = evnet_conn_peek(conn);
  if (session->upstream != NULL) {
    evnet_conn_write(session->upstream, data.data, data.size);
  } else {
    keep(session, data);
  }
  return EVNET_NONE;
}

enum evnet_action udp_on_boot(struct evnet_reactor *reactor, void *user) {
  struct app *app = user;
  struct sessions *sessions = calloc(1, sizeof *sessions);
  if (sessions == NULL || evnet_hash_key_make(&sessions->key) < 0) {
    fprintf(stderr, "proxy: no memory or no random numbers for UDP clients\n");
    free(sessions);
    return EVNET_SHUTDOWN;
  }
  sessions->app = app;
  sessions->reactor = reactor;
  app->sessions[evnet_reactor_index(reactor)] = sessions;
  return EVNET_NONE;
}

void udp_on_shutdown(struct evnet_reactor *reactor, void *user) {
  struct app *app = user;
  free(app->sessions[evnet_reactor_index(reactor)]);
}
