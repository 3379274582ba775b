// Sends lines back, and serves counters over HTTP: 10_metrics [ADDRESS [METRICS-ADDRESS]]
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "evnet/evnet.h"

enum { SERVICE_INDEX, METRICS_INDEX, ADDRESS_COUNT };  // positions in `addresses`
enum { REQUEST_BYTES_MAX = 8192, DRAIN_MS = 5000 };

struct app {
  struct evnet_server *server;
  atomic_uint_fast64_t lines;
};

static void write_metrics(struct evnet_conn *conn, struct app *app) {
  struct evnet_server_stats stats;
  evnet_server_get_stats(app->server, &stats);
  char text[1024];
  const int size =
      snprintf(text, sizeof text,
               "HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n\r\n"
               "lines_total %" PRIuFAST64
               "\n"
               "connections_open %" PRIu64
               "\n"
               "connections_accepted_total %" PRIu64
               "\n"
               "connections_refused_total %" PRIu64
               "\n"
               "bytes_received_total %" PRIu64
               "\n"
               "bytes_sent_total %" PRIu64
               "\n"
               "longest_callback_seconds %.6f\n",
               atomic_load(&app->lines), stats.connections_open, stats.connections_accepted,
               stats.connections_refused, stats.bytes_received, stats.bytes_sent,
               (double)stats.longest_callback_ns / 1e9);
  evnet_conn_write(conn, text, (size_t)size);
}

static enum evnet_action on_metrics_request(struct evnet_conn *conn, struct app *app) {
  const struct evnet_bytes in = evnet_conn_peek(conn);
  if (in.size < 4 || memmem(in.data, in.size, "\r\n\r\n", 4) == NULL) return EVNET_NONE;
  if (memcmp(in.data, "GET ", 4) == 0) {
    write_metrics(conn, app);
  } else {
    evnet_conn_write(conn, "HTTP/1.0 405 Method Not Allowed\r\n\r\n", 35);
  }
  return EVNET_CLOSE;
}

static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  struct app *app = user;
  if (evnet_conn_listener_index(conn) == METRICS_INDEX) return on_metrics_request(conn, app);
  const struct evnet_bytes in = evnet_conn_peek(conn);
  size_t complete = 0;
  for (size_t i = 0; i < in.size; i++) {
    if (in.data[i] != '\n') continue;
    complete = i + 1;
    atomic_fetch_add(&app->lines, 1);
  }
  evnet_conn_write(conn, in.data, complete);
  evnet_conn_discard(conn, complete);
  return EVNET_NONE;
}

int main(int argc, char **argv) {
  const char *const addresses[ADDRESS_COUNT] = {
      [SERVICE_INDEX] = argc > 1 ? argv[1] : "tcp://127.0.0.1:9000",
      [METRICS_INDEX] = argc > 2 ? argv[2] : "tcp://127.0.0.1:9100",
  };
  const struct evnet_handler handler = {.on_data = on_data};
  const struct evnet_options options = {
      .reactors = EVNET_REACTOR_PER_CPU,
      .connections_max = 100000,
      .connections_full_action = EVNET_FULL_REFUSE,
      .connections_per_address_max = 1000,
      .idle_timeout_ms = 60000,
      .inbound_bytes_max = REQUEST_BYTES_MAX,
      .log = evnet_log_stderr,
      .log_level = EVNET_LOG_INFO,
  };
  struct app app = {0};
  int status = evnet_server_create(&handler, &app, addresses, ADDRESS_COUNT, &options, &app.server);
  if (status == 0) status = evnet_server_stop_on_signal(app.server, SIGTERM, DRAIN_MS);
  if (status == 0) status = evnet_server_stop_on_signal(app.server, SIGINT, DRAIN_MS);
  if (status == 0) status = evnet_server_run(app.server);
  evnet_server_destroy(app.server);
  if (status < 0) fprintf(stderr, "10_metrics: %s\n", evnet_status_message(status));
  return status == 0 ? 0 : 1;
}
