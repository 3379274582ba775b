// Pairs: a client's connection and one to an upstream, between which the proxy forwards bytes.
//
//   HEADER --complete--> DIALLING --connected--> OPEN --either side closes--> the other side ends
//     | --accept-proxy     |    ^                                              in the same way
//     | only, else skipped |    | another upstream
//     +--late, malformed   +----+
//           |              |
//           v              v no upstream is left
//         reset          reset
//
// The client is not read before the upstream is open, except for its header, which stays unread
// until then. So nothing is lost when another upstream is tried.
//
// Each side reports its events to the other: end-of-stream, output above the high mark or back at
// the low mark, and its close.
//
// A stop does not interrupt a reply. The upstream is a background connection, so it stays open as
// long as its client does. The proxy holds the client until the upstream has replied and has then
// been silent for SILENCE_MS, because the proxy cannot know where a reply ends.
#include <stdlib.h>

#include "examples/proxy/app.h"

enum { SILENCE_MS = 500 };

struct pair {
  struct app *app;
  struct evnet_conn *client;         // NULL: closed
  struct evnet_conn *upstream;       // NULL: not open yet, or closed
  struct evnet_conn_id upstream_id;  // while it is being dialled
  struct upstream_use use;
  size_t header_bytes;  // of the client's header, which is unread until the upstream is open
  bool awaits_header;
  bool dialling;
  bool owes_answer;          // the last bytes came from the client
  bool held;                 // the client is held, because the server is stopping
  struct evnet_timer timer;  // for the header; while the client is held: until silence
};

static struct evnet_conn *other_of(const struct evnet_conn *conn) {
  const struct pair *pair = evnet_conn_user(conn);
  return conn == pair->client ? pair->upstream : pair->client;
}

// Dialling

// Reads the header that is at the beginning of the client's unread bytes. Returns as
// evnet_proxy_parse.
static ssize_t read_header(const struct pair *pair, struct evnet_proxy_header *out) {
  const struct evnet_bytes bytes = evnet_conn_peek(pair->client);
  return evnet_proxy_parse(bytes.data, bytes.size, out);
}

static uint64_t source_of(const struct pair *pair) {
  struct evnet_address source;
  evnet_conn_remote_address(pair->client, &source);
  struct evnet_proxy_header header;
  if (pair->header_bytes > 0 && read_header(pair, &header) > 0 && !header.is_local)
    source = header.source;
  return app_source(&source);
}

// Dials upstreams until a dial begins. Returns false if none is left.
static bool dial(struct pair *pair) {
  const struct app *app = pair->app;
  struct upstreams *set = &pair->app->streams;
  struct evnet_reactor *reactor = evnet_conn_reactor(pair->client);
  const struct evnet_dial_options options = {
      .timeout_ms = app->connect_ms, .conn_user = pair, .background = true};
  const uint64_t now_ms = evnet_reactor_now_ms(reactor);
  const uint64_t source = source_of(pair);
  const char *address;
  int status = 0;
  while (app_may_retry(status) &&
         (address = upstreams_choose(set, now_ms, source, &pair->use)) != NULL) {
    status = evnet_dial(reactor, address, &options, &pair->upstream_id);
    pair->dialling = status == 0;
    if (pair->dialling) return true;
    app_failed(set, &pair->use, status, now_ms);
    upstreams_finish(set, &pair->use);
  }
  return false;
}

// Dials for a client that is not read meanwhile. Resets the client if there is no upstream.
static void begin(struct pair *pair) {
  evnet_conn_pause_reading(pair->client);
  if (!dial(pair)) evnet_conn_abort(pair->client);
}

static void header_is_late(struct evnet_timer *timer, void *user) {
  (void)timer;
  const struct pair *pair = user;
  evnet_conn_abort(pair->client);
}

static enum evnet_action accepted(struct evnet_conn *conn, struct app *app) {
  struct pair *pair = calloc(1, sizeof *pair);
  if (pair == NULL) return EVNET_CLOSE;
  pair->app = app;
  pair->client = conn;
  pair->use.index = -1;
  evnet_conn_set_user(conn, pair);
  // Output that the rate holds back counts towards the marks, so on_pressure pauses the upstream.
  const struct evnet_rate rate = {.receive_bytes_per_s = (uint64_t)app->rate,
                                  .send_bytes_per_s = (uint64_t)app->rate};
  if (app->rate > 0 && evnet_conn_set_rate(conn, &rate) < 0) return EVNET_CLOSE;
  pair->awaits_header = app->accept_header;
  if (pair->awaits_header) {
    evnet_timer_start(evnet_conn_reactor(conn), &pair->timer, (uint64_t)app->header_ms,
                      header_is_late, pair);
  } else {
    begin(pair);
  }
  return EVNET_NONE;
}

// The header grows among the unread bytes until it is complete.
static void header_grew(struct pair *pair) {
  struct evnet_proxy_header header;
  const ssize_t size = read_header(pair, &header);
  if (size == 0) return;
  pair->awaits_header = false;
  evnet_timer_stop(evnet_conn_reactor(pair->client), &pair->timer);
  if (size < 0) {
    evnet_conn_abort(pair->client);
    return;
  }
  pair->header_bytes = (size_t)size;
  begin(pair);
}

static void connected(struct pair *pair, struct evnet_conn *conn) {
  pair->dialling = false;
  pair->upstream = conn;
  app_connected(&pair->app->streams, &pair->use);
  struct evnet_proxy_header header;
  const bool received = pair->header_bytes > 0 && read_header(pair, &header) > 0;
  const int version = pair->app->send_version;
  if (version != 0) header_write(pair->client, received ? &header : NULL, version, conn);
  evnet_conn_discard(pair->client, pair->header_bytes);
  evnet_conn_resume_reading(pair->client);
}

enum evnet_action tcp_on_open(struct evnet_conn *conn, void *user) {
  struct pair *pair = evnet_conn_user(conn);
  if (pair == NULL) return accepted(conn, user);
  connected(pair, conn);
  return EVNET_NONE;
}

// Forwarding

static void on_silence(struct evnet_timer *timer, void *user) {
  struct pair *pair = user;
  if (pair->dialling || pair->owes_answer) {
    evnet_timer_start(evnet_conn_reactor(pair->client), timer, SILENCE_MS, on_silence, pair);
    return;
  }
  pair->held = false;
  evnet_conn_release(pair->client);  // it closes after its queued output
}

enum evnet_action tcp_on_data(struct evnet_conn *conn, void *user) {
  struct pair *pair = evnet_conn_user(conn);
  if (pair == NULL) return udp_on_data(conn, user);
  struct evnet_conn *other = conn == pair->client ? pair->upstream : pair->client;
  if (other == NULL) {
    // If the other side has closed, its on_close has closed this one too.
    if (pair->awaits_header) header_grew(pair);
    return EVNET_NONE;
  }
  pair->owes_answer = conn == pair->client;
  if (pair->held)
    evnet_timer_start(evnet_conn_reactor(conn), &pair->timer, SILENCE_MS, on_silence, pair);
  evnet_conn_splice(conn, other);
  return EVNET_NONE;
}

enum evnet_action tcp_on_half_close(struct evnet_conn *conn, void *user) {
  (void)user;
  struct pair *pair = evnet_conn_user(conn);
  struct evnet_conn *other = other_of(conn);
  if (conn == pair->upstream) pair->owes_answer = false;  // no more will come
  if (other != NULL) evnet_conn_shutdown_write(other);
  if (pair->awaits_header) evnet_conn_abort(conn);
  return EVNET_NONE;
}

enum evnet_action tcp_on_pressure(struct evnet_conn *conn, void *user) {
  (void)user;
  struct evnet_conn *other = other_of(conn);
  if (other != NULL) evnet_conn_pause_reading(other);
  return EVNET_NONE;
}

enum evnet_action tcp_on_drain(struct evnet_conn *conn, void *user) {
  (void)user;
  struct evnet_conn *other = other_of(conn);
  if (other != NULL) evnet_conn_resume_reading(other);
  return EVNET_NONE;
}

// The ends

// The timeout of the header or of the dial ends a pair that is not open. While the other side has
// output queued, this side is paused; if the other side does not take it, its write timeout expires.
enum evnet_action tcp_on_timeout(struct evnet_conn *conn, enum evnet_timeout which, void *user) {
  (void)user;
  const struct pair *pair = evnet_conn_user(conn);
  if (which != EVNET_TIMEOUT_IDLE) {
    evnet_conn_abort(conn);
    return EVNET_NONE;
  }
  const struct evnet_conn *other = other_of(conn);
  const bool is_open = pair->client != NULL && pair->upstream != NULL;
  return !is_open || evnet_conn_outbound_bytes(other) > 0 ? EVNET_KEEP : EVNET_CLOSE;
}

void tcp_on_stopping(struct evnet_conn *conn, void *user) {
  (void)user;
  struct pair *pair = evnet_conn_user(conn);
  if (pair == NULL || conn != pair->client) return;
  if (pair->awaits_header) {
    evnet_conn_abort(conn);
    return;
  }
  pair->held = true;
  evnet_conn_hold(conn);
  evnet_timer_start(evnet_conn_reactor(conn), &pair->timer, SILENCE_MS, on_silence, pair);
}

// Closes the other side of a pair. After a normal close, the other side is closed gracefully, after
// its queued output. After a reset, a refusal or another timeout, the other side is reset.
static void end_other(struct evnet_conn *other, int reason) {
  evnet_conn_set_background(other, false);  // so a stop waits until its output is delivered
  evnet_conn_resume_reading(other);  // so that evnet sees an end-of-stream after unread bytes
  if (reason == EVNET_REASON_PEER || reason == EVNET_REASON_LOCAL ||
      reason == EVNET_REASON_SHUTDOWN || reason == EVNET_REASON_IDLE_TIMEOUT) {
    evnet_conn_close(other);
  } else {
    evnet_conn_abort(other);
  }
}

// on_close is the only callback of a failed dial. Returns whether another dial has begun.
static bool dial_again(struct pair *pair, int reason) {
  pair->dialling = false;
  if (pair->client == NULL) return false;
  const uint64_t now_ms = evnet_reactor_now_ms(evnet_conn_reactor(pair->client));
  app_failed(&pair->app->streams, &pair->use, reason, now_ms);
  upstreams_finish(&pair->app->streams, &pair->use);
  return app_may_retry(reason) && dial(pair);
}

static void client_closed(struct pair *pair, struct evnet_conn *conn) {
  pair->client = NULL;
  pair->held = false;
  evnet_timer_stop(evnet_conn_reactor(conn), &pair->timer);
  if (pair->dialling) evnet_close(evnet_conn_reactor(conn), pair->upstream_id);
}

enum evnet_action tcp_on_close(struct evnet_conn *conn, int reason, void *user) {
  (void)user;
  struct pair *pair = evnet_conn_user(conn);
  if (pair == NULL) return EVNET_NONE;
  struct evnet_conn *other = other_of(conn);
  if (conn == pair->client) {
    client_closed(pair, conn);
  } else {
    if (pair->dialling && dial_again(pair, reason)) return EVNET_NONE;
    pair->upstream = NULL;
    pair->dialling = false;
    upstreams_finish(&pair->app->streams, &pair->use);
  }
  if (other != NULL) {
    end_other(other, reason);
  } else if (!pair->dialling) {
    free(pair);
  }
  return EVNET_NONE;
}
