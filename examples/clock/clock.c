// A server that writes a line to every client at a fixed period. Each connection has its own timer,
// which runs on the connection's reactor and so may write to it. When a client sends a line, the
// server replies with the kernel's TCP statistics of the connection, and with the time of the timer
// that is left. With --traffic-class routers may prefer the lines to other traffic.
//
// on_tick prints the server's counters at the same period. SIGTERM or SIGINT shuts the server down
// gracefully: each client receives "closing" before its connection closes.
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evnet/evnet.h"
#include "examples/command_line/command_line.h"

enum {
  PERIOD_MS = 1000,
  PERIOD_MS_MAX = 3600 * 1000,
  LINE_BYTES_MAX = 256,
};

struct app {
  long period_ms;
  long traffic_class;
};

struct visitor {
  struct evnet_timer timer;
  struct evnet_conn *conn;
  uint64_t strikes;
};

// Runs on the connection's reactor, like the callbacks of the connection.
static void strike(struct evnet_timer *timer, void *user) {
  (void)timer;
  struct visitor *visitor = user;
  char line[32];
  int size = snprintf(line, sizeof line, "tick %" PRIu64 "\n", ++visitor->strikes);
  evnet_conn_write(visitor->conn, line, (size_t)size);
}

static enum evnet_action on_open(struct evnet_conn *conn, void *user) {
  const struct app *app = user;
  struct visitor *visitor = calloc(1, sizeof *visitor);
  if (visitor == NULL) return EVNET_CLOSE;
  visitor->conn = conn;
  evnet_conn_set_user(conn, visitor);
  // A Unix socket has none.
  if (app->traffic_class > 0) (void)evnet_conn_set_traffic_class(conn, (int)app->traffic_class);
  evnet_timer_repeat(evnet_conn_reactor(conn), &visitor->timer, (uint64_t)app->period_ms, strike,
                     visitor);
  return EVNET_NONE;
}

static enum evnet_action on_close(struct evnet_conn *conn, int reason, void *user) {
  (void)reason;
  (void)user;
  struct visitor *visitor = evnet_conn_user(conn);
  if (visitor == NULL) return EVNET_NONE;
  evnet_timer_stop(evnet_conn_reactor(conn), &visitor->timer);
  free(visitor);
  return EVNET_NONE;
}

static void tell(struct evnet_conn *conn) {
  const struct visitor *visitor = evnet_conn_user(conn);
  struct evnet_tcp_info info;
  char line[128];
  int size;
  int status = evnet_conn_tcp_info(conn, &info);
  if (status == 0) {
    size = snprintf(line, sizeof line,
                    "round trip %" PRIu32 " us, %" PRIu64 " retransmitted, %" PRIu64
                    " bytes unacknowledged\n",
                    info.rtt_us, info.retransmitted_packets, info.unacknowledged_bytes);
  } else {
    size = snprintf(line, sizeof line, "%s\n", evnet_status_message(status));
  }
  evnet_conn_write(conn, line, (size_t)size);
  // -1 if a stop has begun
  const int64_t left_ms = evnet_timer_remaining_ms(evnet_conn_reactor(conn), &visitor->timer);
  size = snprintf(line, sizeof line, "%" PRId64 " ms to the next tick\n", left_ms);
  evnet_conn_write(conn, line, (size_t)size);
}

static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  (void)user;
  struct evnet_bytes in = evnet_conn_peek(conn);
  const uint8_t *end;
  while (in.size > 0 && (end = memchr(in.data, '\n', in.size)) != NULL) {
    size_t line_bytes = (size_t)(end - in.data) + 1;
    tell(conn);
    evnet_conn_discard(conn, line_bytes);
    in.data += line_bytes;
    in.size -= line_bytes;
  }
  return in.size > LINE_BYTES_MAX ? EVNET_CLOSE : EVNET_NONE;
}

// The server is stopping. evnet sends the output of this callback before it closes the connection.
static void on_stopping(struct evnet_conn *conn, void *user) {
  (void)user;
  struct visitor *visitor = evnet_conn_user(conn);
  if (visitor == NULL) return;
  evnet_timer_stop(evnet_conn_reactor(conn), &visitor->timer);
  evnet_conn_write(conn, "closing\n", 8);
}

static void print_numbers(struct evnet_server *server) {
  struct evnet_server_stats stats;
  evnet_server_get_stats(server, &stats);  // callable from any thread, without a lock
  printf("%" PRIu64 " open, %" PRIu64 " accepted, %" PRIu64 " closed, %" PRIu64
         " bytes sent, %" PRIu64 " ms idle\n",
         stats.connections_open, stats.connections_accepted, stats.connections_closed,
         stats.bytes_sent, stats.idle_ns / 1000000);
  fflush(stdout);
}

static enum evnet_action on_tick(struct evnet_server *server, uint64_t *delay_ms, void *user) {
  const struct app *app = user;
  print_numbers(server);
  *delay_ms = (uint64_t)app->period_ms;
  return EVNET_NONE;
}

static void on_shutdown(struct evnet_server *server, void *user) {
  (void)user;
  print_numbers(server);
}

static int serve(const struct command_line *line, struct app *app) {
  static const struct evnet_handler handler = {
      .on_boot = command_line_on_boot,
      .on_open = on_open,
      .on_data = on_data,
      .on_close = on_close,
      .on_tick = on_tick,
      .on_stopping = on_stopping,
      .on_shutdown = on_shutdown,
  };
  struct evnet_server *server = NULL;
  int status = evnet_server_create(&handler, app, line->addresses, line->address_count,
                                   &line->options, &server);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGINT, COMMAND_LINE_DRAIN_MS);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGTERM, COMMAND_LINE_DRAIN_MS);
  if (status == 0) status = evnet_server_run(server);
  evnet_server_destroy(server);
  return status;
}

static bool take_period(const char *value, void *user) {
  struct app *app = user;
  return command_line_parse_number(value, 1, PERIOD_MS_MAX, &app->period_ms);
}

static bool take_traffic_class(const char *value, void *user) {
  struct app *app = user;
  return command_line_parse_number(value, 0, 255, &app->traffic_class);
}

static const char usage[] =
    "usage: clock [OPTION...] [ADDRESS...]\n"
    "\n"
    "Writes a line to all connected clients each second, and its own counters to stdout. UDP is\n"
    "not supported.\n"
    "\n"
    "  --period-ms=N      milliseconds between two lines, 1 to 3600000. Default: 1000\n"
    "  --traffic-class=N  byte of IP packets that holds the DSCP (RFC 2474), 0 to 255, such as\n"
    "                     184 for expedited forwarding. Default: 0\n";

int main(int argc, char **argv) {
  static const struct command_line_option options[] = {
      {"--period-ms=", take_period, "must be 1 to 3600000"},
      {"--traffic-class=", take_traffic_class, "must be 0 to 255"},
  };
  struct app app = {.period_ms = PERIOD_MS};
  struct command_line line = {.program = "clock",
                              .usage = usage,
                              .no_udp = true,
                              .own = options,
                              .own_count = sizeof options / sizeof options[0],
                              .user = &app};
  int exit_code = command_line_parse(&line, argc, argv);
  return exit_code >= 0 ? exit_code : command_line_exit_code(&line, serve(&line, &app));
}
