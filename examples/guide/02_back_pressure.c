// Sends numbers to each client, as fast as it reads and no faster: 02_back_pressure [ADDRESS]
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "evnet/evnet.h"

enum { SLICE_LINES = 4096, HIGH_WATER_BYTES = 64 * 1024, DRAIN_MS = 1000 };

struct stream {
  struct evnet_timer next_slice;
  struct evnet_conn *conn;
  uint64_t number;
  bool paused;  // by on_pressure, until on_drain
};

// Writes one slice. A timer of 0 ms continues in the next turn, so that other connections get their
// share of this one.
static void produce(struct evnet_timer *timer, void *user) {
  struct stream *stream = user;
  char line[24];
  for (int i = 0; i < SLICE_LINES && !stream->paused; i++) {
    const int size = snprintf(line, sizeof line, "%" PRIu64 "\n", stream->number);
    if (evnet_conn_write(stream->conn, line, (size_t)size) < 0) return;  // on_close follows
    stream->number++;
  }
  if (!stream->paused)
    evnet_timer_start(evnet_conn_reactor(stream->conn), timer, 0, produce, stream);
}

static enum evnet_action on_open(struct evnet_conn *conn, void *user) {
  (void)user;
  struct stream *stream = calloc(1, sizeof *stream);
  if (stream == NULL) return EVNET_CLOSE;
  stream->conn = conn;
  evnet_conn_set_user(conn, stream);
  produce(&stream->next_slice, stream);
  return EVNET_NONE;
}

static enum evnet_action on_pressure(struct evnet_conn *conn, void *user) {
  (void)user;
  struct stream *stream = evnet_conn_user(conn);
  stream->paused = true;
  evnet_timer_stop(evnet_conn_reactor(conn), &stream->next_slice);
  return EVNET_NONE;
}

static enum evnet_action on_drain(struct evnet_conn *conn, void *user) {
  (void)user;
  struct stream *stream = evnet_conn_user(conn);
  stream->paused = false;
  produce(&stream->next_slice, stream);
  return EVNET_NONE;
}

static void on_stopping(struct evnet_conn *conn, void *user) {
  (void)user;
  evnet_conn_close(conn);  // sends what is queued, and no more
}

static enum evnet_action on_close(struct evnet_conn *conn, int reason, void *user) {
  (void)reason;
  (void)user;
  struct stream *stream = evnet_conn_user(conn);
  if (stream != NULL) evnet_timer_stop(evnet_conn_reactor(conn), &stream->next_slice);
  free(stream);
  return EVNET_NONE;
}

int main(int argc, char **argv) {
  const char *const addresses[] = {argc > 1 ? argv[1] : "tcp://127.0.0.1:9000"};
  const struct evnet_handler handler = {.on_open = on_open,
                                        .on_pressure = on_pressure,
                                        .on_drain = on_drain,
                                        .on_stopping = on_stopping,
                                        .on_close = on_close};
  const struct evnet_options options = {.outbound_high_water_bytes = HIGH_WATER_BYTES,
                                        .outbound_bytes_max = 8 * HIGH_WATER_BYTES,
                                        .outbound_high_action = EVNET_HIGH_NOTIFY,
                                        .log = evnet_log_stderr,
                                        .log_level = EVNET_LOG_INFO};
  struct evnet_server *server = NULL;
  int status = evnet_server_create(&handler, NULL, addresses, 1, &options, &server);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGTERM, DRAIN_MS);
  if (status == 0) status = evnet_server_run(server);
  evnet_server_destroy(server);
  if (status < 0) fprintf(stderr, "02_back_pressure: %s\n", evnet_status_message(status));
  return status == 0 ? 0 : 1;
}
