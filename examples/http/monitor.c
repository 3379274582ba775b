// The numbers of the server: /metrics for Prometheus, and /events for the page of /status.
//
// /events is a stream of server-sent events (HTML Living Standard, section 9.2). Each worker sends
// an event a second to its own clients, and stops its timer when the last one has left.
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "examples/http/app.h"
#include "examples/http/response.h"

enum {
  EVENT_PERIOD_MS = 1000,
  EVENT_QUEUE_BYTES_MAX = 64 * 1024,  // queued for a client that does not read; above: it is closed
  TEXT_BYTES = 8192,                  // without the lines of reactors
  REACTOR_BYTES = 512,                // of the lines of one reactor
};

// A text that is made of pieces. A piece that does not fit is left out.
struct text {
  char *data;
  size_t size;
  size_t used;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int size = vsnprintf(text->data + text->used, text->size - text->used, format, arguments);
  va_end(arguments);
  if (size > 0 && (size_t)size < text->size - text->used) text->used += (size_t)size;
}

static uint64_t load(const atomic_uint_fast64_t *counter) {
  return atomic_load_explicit(counter, memory_order_relaxed);
}

// Prometheus

// A counter of each reactor.
struct reactor_metric {
  const char *name, *help;
  enum evnet_metric_type type;
  uint64_t (*value)(const struct evnet_reactor_stats *stats);
};

static uint64_t open_of(const struct evnet_reactor_stats *stats) { return stats->connections_open; }
static uint64_t turns_of(const struct evnet_reactor_stats *stats) { return stats->turns; }

static const struct reactor_metric reactor_metrics[] = {
    {"evnet_reactor_connections", "Open connections of a reactor.", EVNET_METRIC_GAUGE, open_of},
    {"evnet_reactor_turns_total", "Turns of a reactor's loop.", EVNET_METRIC_COUNTER, turns_of},
};

static void write_reactors(struct evnet_metrics *metrics, const struct app *app,
                           uint32_t reactors) {
  struct evnet_reactor_stats stats;
  char index[16];
  const struct evnet_metric_label label = {"reactor", index};
  for (size_t i = 0; i < sizeof reactor_metrics / sizeof reactor_metrics[0]; i++) {
    const struct reactor_metric *metric = &reactor_metrics[i];
    evnet_metrics_family(metrics, metric->name, metric->type, metric->help);
    for (uint32_t r = 0; r < reactors; r++) {
      if (evnet_server_get_reactor_stats(app->server, r, &stats) != 0) continue;
      snprintf(index, sizeof index, "%" PRIu32, r);
      evnet_metrics_count(metrics, &label, 1, metric->value(&stats));
    }
  }
  evnet_metrics_family(metrics, "evnet_reactor_longest_callback_seconds", EVNET_METRIC_GAUGE,
                       "The longest callback since the start.");
  for (uint32_t r = 0; r < reactors; r++) {
    if (evnet_server_get_reactor_stats(app->server, r, &stats) != 0) continue;
    snprintf(index, sizeof index, "%" PRIu32, r);
    evnet_metrics_value(metrics, &label, 1, (double)stats.longest_callback_ns / 1e9);
  }
}

static void write_server(struct evnet_metrics *metrics, const struct evnet_server_stats *stats) {
  const struct {
    const char *name, *help;
    enum evnet_metric_type type;
    uint64_t value;
  } all[] = {
      {"evnet_connections", "Open connections.", EVNET_METRIC_GAUGE, stats->connections_open},
      {"evnet_connections_accepted_total", "Connections that were opened.", EVNET_METRIC_COUNTER,
       stats->connections_accepted},
      {"evnet_connections_closed_total", "Connections that have closed.", EVNET_METRIC_COUNTER,
       stats->connections_closed},
      {"evnet_connections_refused_total", "Connections that were reset because of a limit.",
       EVNET_METRIC_COUNTER, stats->connections_refused},
      {"evnet_received_bytes_total", "Bytes from clients.", EVNET_METRIC_COUNTER,
       stats->bytes_received},
      {"evnet_sent_bytes_total", "Bytes that the kernel has taken.", EVNET_METRIC_COUNTER,
       stats->bytes_sent},
  };
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    evnet_metrics_family(metrics, all[i].name, all[i].type, all[i].help);
    evnet_metrics_count(metrics, NULL, 0, all[i].value);
  }
  const struct evnet_metric_label backend = {"backend", stats->backend};
  evnet_metrics_family(metrics, "evnet_info", EVNET_METRIC_GAUGE, "The kernel interface; 1.");
  evnet_metrics_count(metrics, &backend, 1, 1);
}

static uint64_t sum_requests(const struct app *app, uint32_t reactors) {
  uint64_t sum = 0;
  for (uint32_t r = 0; r < reactors; r++) sum += load(&app->workers[r].requests);
  return sum;
}

static void write_http(struct evnet_metrics *metrics, const struct app *app, uint32_t reactors) {
  static const char *const names[HTTP_CLASSES] = {NULL, NULL, "2xx", "3xx", "4xx", "5xx"};
  uint64_t body_bytes = 0;
  evnet_metrics_family(metrics, "http_requests_total", EVNET_METRIC_COUNTER,
                       "Requests whose head was complete and valid.");
  evnet_metrics_count(metrics, NULL, 0, sum_requests(app, reactors));
  evnet_metrics_family(metrics, "http_responses_total", EVNET_METRIC_COUNTER,
                       "Responses, by the class of the status code.");
  for (int i = 2; i < HTTP_CLASSES; i++) {
    const struct evnet_metric_label label = {"class", names[i]};
    uint64_t count = 0;
    for (uint32_t r = 0; r < reactors; r++) count += load(&app->workers[r].responses[i]);
    evnet_metrics_count(metrics, &label, 1, count);
  }
  for (uint32_t r = 0; r < reactors; r++) body_bytes += load(&app->workers[r].body_bytes_received);
  evnet_metrics_family(metrics, "http_request_body_bytes_total", EVNET_METRIC_COUNTER,
                       "Bytes of request bodies, without transfer coding.");
  evnet_metrics_count(metrics, NULL, 0, body_bytes);
}

void monitor_answer_metrics(struct client *client) {
  const struct app *app = client->worker->app;
  struct evnet_server_stats stats;
  struct evnet_metrics metrics;
  evnet_server_get_stats(app->server, &stats);
  const size_t size = TEXT_BYTES + (size_t)stats.reactors * REACTOR_BYTES;
  char *text = malloc(size);
  if (text == NULL) {
    response_send_error(client, 503, "");
    return;
  }
  evnet_metrics_begin(&metrics, text, size);
  write_server(&metrics, &stats);
  write_reactors(&metrics, app, stats.reactors);
  write_http(&metrics, app, stats.reactors);
  const ssize_t used = evnet_metrics_end(&metrics);
  if (used < 0) {
    response_send_error(client, 500, "");
  } else {
    response_send(client, 200, EVNET_METRICS_MEDIA_TYPE, text, (size_t)used);
  }
  free(text);
}

// Events

// Writes an event: counters since the start, from which the page computes rates. Returns a text
// that the caller frees; NULL if memory runs out.
static char *make_event(const struct app *app, size_t *out_size) {
  struct evnet_server_stats stats;
  struct evnet_reactor_stats reactor;
  evnet_server_get_stats(app->server, &stats);
  struct text text = {.size = TEXT_BYTES + (size_t)stats.reactors * REACTOR_BYTES};
  text.data = malloc(text.size);
  if (text.data == NULL) return NULL;
  add(&text,
      "data: {\"requests\":%" PRIu64 ",\"received\":%" PRIu64 ",\"sent\":%" PRIu64
      ",\"connections\":%" PRIu64 ",\"accepted\":%" PRIu64 ",\"backend\":\"%s\",\"reactors\":[",
      sum_requests(app, stats.reactors), stats.bytes_received, stats.bytes_sent,
      stats.connections_open, stats.connections_accepted, stats.backend);
  for (uint32_t r = 0; r < stats.reactors; r++) {
    if (evnet_server_get_reactor_stats(app->server, r, &reactor) != 0) continue;
    add(&text,
        "%s{\"requests\":%" PRIu64 ",\"connections\":%" PRIu64 ",\"longest_us\":%" PRIu64 "}",
        r > 0 ? "," : "", load(&app->workers[r].requests), reactor.connections_open,
        reactor.longest_callback_ns / 1000);
  }
  add(&text, "]}\n\n");
  *out_size = text.used;
  return text.data;
}

static void send_event(struct client *client, const char *event, size_t size) {
  if (evnet_conn_outbound_bytes(client->conn) > EVENT_QUEUE_BYTES_MAX) {
    evnet_conn_abort(client->conn);
  } else {
    evnet_conn_write(client->conn, event, size);  // an error closes the connection
  }
}

static void send_events(struct evnet_timer *timer, void *user) {
  struct worker *worker = user;
  size_t size;
  (void)timer;
  char *event = make_event(worker->app, &size);
  if (event == NULL) return;  // the next one may fit
  for (struct client *client = worker->events; client != NULL; client = client->events_next)
    send_event(client, event, size);
  free(event);
}

void monitor_join(struct client *client) {
  struct worker *worker = client->worker;
  size_t size;
  if (worker->events == NULL) {
    evnet_timer_repeat(evnet_conn_reactor(client->conn), &worker->events_timer, EVENT_PERIOD_MS,
                       send_events, worker);
  } else {
    worker->events->events_link = &client->events_next;
  }
  client->events_next = worker->events;
  client->events_link = &worker->events;
  worker->events = client;
  char *event = make_event(worker->app, &size);
  if (event == NULL) return;
  send_event(client, event, size);
  free(event);
}

void monitor_leave(struct client *client) {
  struct worker *worker = client->worker;
  if (client->events_link == NULL) return;
  *client->events_link = client->events_next;
  if (client->events_next != NULL) client->events_next->events_link = client->events_link;
  client->events_link = NULL;
  if (worker->events == NULL)
    evnet_timer_stop(evnet_conn_reactor(client->conn), &worker->events_timer);
}
