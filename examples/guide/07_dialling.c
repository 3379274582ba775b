// Relays each client to an upstream server: 07_dialling [ADDRESS [UPSTREAM]]
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "evnet/evnet.h"

enum { CONNECT_MS = 1000, DRAIN_MS = 5000 };

struct app {
  const char *upstream;
};

// Both connections are on one reactor, so they use each other without a lock.
struct pair {
  struct evnet_conn *client;    // NULL after its on_close
  struct evnet_conn *upstream;  // NULL before its on_open and after its on_close
  struct evnet_conn_id dial;
  bool dialling;
};

static struct evnet_conn *other_of(const struct evnet_conn *conn) {
  const struct pair *pair = evnet_conn_user(conn);
  return conn == pair->client ? pair->upstream : pair->client;
}

static void fail(struct evnet_conn *client, int reason) {
  char text[128];
  const int size = snprintf(text, sizeof text, "upstream: %s\n", evnet_status_message(reason));
  evnet_conn_write(client, text, (size_t)size);
  evnet_conn_close(client);
}

static enum evnet_action accepted(struct evnet_conn *conn, const struct app *app) {
  struct pair *pair = calloc(1, sizeof *pair);
  if (pair == NULL) return EVNET_CLOSE;
  pair->client = conn;
  evnet_conn_set_user(conn, pair);
  evnet_conn_pause_reading(conn);  // until the upstream is open
  const struct evnet_dial_options options = {.timeout_ms = CONNECT_MS, .conn_user = pair};
  const int status = evnet_dial(evnet_conn_reactor(conn), app->upstream, &options, &pair->dial);
  pair->dialling = status == 0;
  if (status < 0) fail(conn, status);
  return EVNET_NONE;
}

static enum evnet_action on_open(struct evnet_conn *conn, void *user) {
  struct pair *pair = evnet_conn_user(conn);
  if (pair == NULL) return accepted(conn, user);
  pair->dialling = false;
  pair->upstream = conn;
  evnet_conn_resume_reading(pair->client);
  return EVNET_NONE;
}

static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  (void)user;
  struct evnet_conn *other = other_of(conn);
  const struct evnet_bytes in = evnet_conn_peek(conn);
  if (other != NULL) evnet_conn_write(other, in.data, in.size);
  evnet_conn_discard(conn, in.size);
  return EVNET_NONE;
}

static enum evnet_action on_half_close(struct evnet_conn *conn, void *user) {
  (void)user;
  struct evnet_conn *other = other_of(conn);
  if (other != NULL) evnet_conn_shutdown_write(other);  // pass the end-of-stream on
  return EVNET_NONE;
}

static enum evnet_action on_pressure(struct evnet_conn *conn, void *user) {
  (void)user;
  struct evnet_conn *other = other_of(conn);
  if (other != NULL) evnet_conn_pause_reading(other);
  return EVNET_NONE;
}

static enum evnet_action on_drain(struct evnet_conn *conn, void *user) {
  (void)user;
  struct evnet_conn *other = other_of(conn);
  if (other != NULL) evnet_conn_resume_reading(other);
  return EVNET_NONE;
}

static enum evnet_action on_close(struct evnet_conn *conn, int reason, void *user) {
  (void)user;
  struct pair *pair = evnet_conn_user(conn);
  if (pair == NULL) return EVNET_NONE;
  struct evnet_conn *other = other_of(conn);
  const bool dial_failed = conn != pair->client && pair->dialling;
  if (conn == pair->client) {
    pair->client = NULL;
    if (pair->dialling) evnet_close(evnet_conn_reactor(conn), pair->dial);  // its on_close follows
  } else {
    pair->upstream = NULL;
    pair->dialling = false;
  }
  if (other == NULL) {
    if (!pair->dialling) free(pair);
  } else if (dial_failed) {
    fail(other, reason);
  } else if (reason == EVNET_REASON_PEER || reason == EVNET_REASON_LOCAL ||
             reason == EVNET_REASON_SHUTDOWN) {
    evnet_conn_close(other);
  } else {
    evnet_conn_abort(other);  // the other side must not take an error for the end of the data
  }
  return EVNET_NONE;
}

int main(int argc, char **argv) {
  const char *const addresses[] = {argc > 1 ? argv[1] : "tcp://127.0.0.1:9000"};
  struct app app = {.upstream = argc > 2 ? argv[2] : "tcp://127.0.0.1:9001"};
  const struct evnet_handler handler = {.on_open = on_open,
                                        .on_data = on_data,
                                        .on_half_close = on_half_close,
                                        .on_pressure = on_pressure,
                                        .on_drain = on_drain,
                                        .on_close = on_close};
  const struct evnet_options options = {.outbound_high_action = EVNET_HIGH_NOTIFY,
                                        .log = evnet_log_stderr,
                                        .log_level = EVNET_LOG_INFO};
  struct evnet_server *server = NULL;
  int status = evnet_server_create(&handler, &app, addresses, 1, &options, &server);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGTERM, DRAIN_MS);
  if (status == 0) status = evnet_server_run(server);
  evnet_server_destroy(server);
  if (status < 0) fprintf(stderr, "07_dialling: %s\n", evnet_status_message(status));
  return status == 0 ? 0 : 1;
}
