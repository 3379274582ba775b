// A web application: HTTP in front, sessions in Redis, rows in PostgreSQL, and no thread that blocks.
//
// Each reactor has its own connections to both databases, made in on_reactor_boot, so reactors share
// nothing. When a database is not available, a request that needs it gets 503; no request waits for
// longer than ANSWER_MS_MAX.
//
//   webapp.c    the program          exchange.c  HTTP: requests, responses, time limits
//   routes.c    the resources        sessions.c, notes.c  the databases
#include <signal.h>
#include <stdlib.h>

#include "evnet/evnet.h"
#include "examples/command_line/command_line.h"
#include "examples/webapp/exchange.h"

struct app {
  const char *redis;
  const char *postgres;
};

static enum evnet_action on_reactor_boot(struct evnet_reactor *reactor, void *user) {
  const struct app *app = user;
  struct backends *backends = calloc(1, sizeof *backends);
  if (backends == NULL) return EVNET_SHUTDOWN;
  evnet_reactor_set_user(reactor, backends);
  backends->limits = http_limits_default;
  backends->limits.body_bytes_max = BODY_BYTES_MAX;
  backends->sessions = sessions_create(reactor, app->redis);
  backends->notes = notes_create(reactor, app->postgres);
  return backends->sessions != NULL && backends->notes != NULL ? EVNET_NONE : EVNET_SHUTDOWN;
}

static void on_reactor_shutdown(struct evnet_reactor *reactor, void *user) {
  (void)user;
  struct backends *backends = evnet_reactor_user(reactor);
  if (backends == NULL) return;
  sessions_destroy(backends->sessions);
  notes_destroy(backends->notes);
  free(backends);
}

static int serve(const struct command_line *line, struct app *app) {
  static const struct evnet_handler handler = {.on_boot = command_line_on_boot,
                                               .on_reactor_boot = on_reactor_boot,
                                               .on_open = exchange_on_open,
                                               .on_data = exchange_on_data,
                                               .on_close = exchange_on_close,
                                               .on_reactor_shutdown = on_reactor_shutdown};
  struct evnet_server *server = NULL;
  int status = evnet_server_create(&handler, app, line->addresses, line->address_count,
                                   &line->options, &server);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGINT, COMMAND_LINE_DRAIN_MS);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGTERM, COMMAND_LINE_DRAIN_MS);
  if (status == 0) status = evnet_server_run(server);
  evnet_server_destroy(server);
  return status;
}

static bool take_redis(const char *text, void *user) {
  struct app *app = user;
  app->redis = text;
  return text[0] != '\0';
}

static bool take_postgres(const char *text, void *user) {
  struct app *app = user;
  app->postgres = text;
  return text[0] != '\0';
}

static const char usage[] =
    "usage: webapp [OPTION...] [ADDRESS...]\n"
    "\n"
    "Serves a page with notes over HTTP/1.1. UDP is not supported.\n"
    "\n"
    "  --redis=ADDRESS    HOST:PORT with a numeric host, or the path of a Unix socket.\n"
    "                     Default: 127.0.0.1:6379\n"
    "  --postgres=TEXT    libpq's connection string. Default: host=/run/postgresql\n";

int main(int argc, char **argv) {
  struct app app = {.redis = "127.0.0.1:6379", .postgres = "host=/run/postgresql"};
  static const struct command_line_option own[] = {
      {"--redis=", take_redis, "must be HOST:PORT or a path"},
      {"--postgres=", take_postgres, "must not be empty"},
  };
  struct command_line line = {
      .program = "webapp",
      .usage = usage,
      .no_udp = true,
      .own = own,
      .own_count = sizeof own / sizeof own[0],
      .user = &app,
      .options = {.holds_max = 1,
                  .idle_timeout_ms = 60000,
                  .write_timeout_ms = 20000,
                  .inbound_bytes_max = 65536},
  };
  int exit_code = command_line_parse(&line, argc, argv);
  return exit_code >= 0 ? exit_code : command_line_exit_code(&line, serve(&line, &app));
}
