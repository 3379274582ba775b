// Sends lines back, and serves counters over HTTP: 10_metrics [ADDRESS [METRICS-ADDRESS]]
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

static void write_number(struct evnet_conn *conn, const char *name, double value) {
  char text[128];
  const int size = snprintf(text, sizeof text, "%s %.15g\n", name, value);
  evnet_conn_write(conn, text, (size_t)size);
}

// A bucket of a Prometheus histogram includes all buckets below it.
static void write_histogram(struct evnet_conn *conn, const struct evnet_server_stats *stats) {
  uint64_t count = 0;
  for (size_t i = 0; i < EVNET_CALLBACK_BUCKETS; i++) {
    count += stats->callback_counts[i];
    const uint64_t below_ns = evnet_callback_bucket_ns(i);
    char name[64] = "callback_seconds_bucket{le=\"+Inf\"}";
    if (below_ns != UINT64_MAX)
      snprintf(name, sizeof name, "callback_seconds_bucket{le=\"%g\"}", (double)below_ns / 1e9);
    write_number(conn, name, (double)count);
  }
  write_number(conn, "callback_seconds_sum", (double)stats->callbacks_ns / 1e9);
  write_number(conn, "callback_seconds_count", (double)count);
}

static void write_metrics(struct evnet_conn *conn, struct app *app) {
  struct evnet_server_stats stats;
  evnet_server_get_stats(app->server, &stats);
  static const char head[] = "HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n\r\n";
  evnet_conn_write(conn, head, sizeof head - 1);
  write_number(conn, "lines_total", (double)atomic_load(&app->lines));
  write_number(conn, "connections_open", (double)stats.connections_open);
  write_number(conn, "connections_accepted_total", (double)stats.connections_accepted);
  write_number(conn, "connections_refused_total", (double)stats.connections_refused);
  write_number(conn, "bytes_received_total", (double)stats.bytes_received);
  write_number(conn, "bytes_sent_total", (double)stats.bytes_sent);
  write_number(conn, "bytes_queued", (double)stats.outbound_bytes);
  write_number(conn, "idle_seconds_total", (double)stats.idle_ns / 1e9);
  write_number(conn, "longest_callback_seconds", (double)stats.longest_callback_ns / 1e9);
  write_histogram(conn, &stats);
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
