// An HTTP/1.1 server: a greeting, an echo, files, metrics and a status page. app.h lists its parts.
//
// Each reactor serves its connections alone: it shares only counters, which others read.
#include <limits.h>
#include <signal.h>
#include <unistd.h>

#include "evnet/evnet.h"
#include "examples/command_line/command_line.h"
#include "examples/http/app.h"

static const char usage[] =
    "usage: http [OPTION...] [ADDRESS...]\n"
    "\n"
    "An HTTP/1.1 server with these resources. UDP is not supported.\n"
    "\n"
    "  /         GET, HEAD: Hello, World!\n"
    "  /echo     POST: the body of the request\n"
    "  /status   a page that shows the server's load; its data comes from /events\n"
    "  /metrics  the counters, in Prometheus's text format\n"
    "\n"
    "  --root=DIR           serve the files of this directory, too; symbolic links are not\n"
    "                       followed. \"/\" is then DIR/index.html, if it exists\n"
    "  --head-timeout-ms=N  milliseconds for a complete request head. Default: 10000\n"
    "  --body-timeout-ms=N  milliseconds in which 1 KiB of a request body must arrive.\n"
    "                       Default: 10000\n"
    "  --idle-timeout-ms=N  milliseconds that a connection may be silent. Default: 30000\n"
    "  --write-timeout-ms=N milliseconds that a client may leave output unread. Default:\n"
    "                       20000\n"
    "  --line-bytes-max=N   size of a request line; larger: 414. Default: 8192\n"
    "  --head-bytes-max=N   size of all header fields; larger: 431. Default: 32768\n"
    "  --fields-max=N       number of header fields; more: 431. Default: 100\n"
    "  --body-bytes-max=N   size of a request body; larger: 413. Default: 1099511627776\n";

enum { TIMEOUT_MS_MAX = 3600000 };

struct settings {
  struct command_line line;
  struct app app;
};

static bool take_root(const char *value, void *user) {
  struct settings *settings = user;
  const int root = files_open_root(value);
  if (root < 0) return false;
  if (settings->app.root >= 0) close(settings->app.root);
  settings->app.root = root;
  return true;
}

static bool take_head_timeout(const char *value, void *user) {
  struct settings *settings = user;
  return command_line_parse_number(value, 1, TIMEOUT_MS_MAX, &settings->app.head_timeout_ms);
}

static bool take_body_timeout(const char *value, void *user) {
  struct settings *settings = user;
  return command_line_parse_number(value, 1, TIMEOUT_MS_MAX, &settings->app.body_timeout_ms);
}

static bool take_milliseconds(const char *value, int64_t *out) {
  long number;
  if (!command_line_parse_number(value, 1, TIMEOUT_MS_MAX, &number)) return false;
  *out = number;
  return true;
}

static bool take_idle_timeout(const char *value, void *user) {
  struct settings *settings = user;
  return take_milliseconds(value, &settings->line.options.idle_timeout_ms);
}

static bool take_write_timeout(const char *value, void *user) {
  struct settings *settings = user;
  return take_milliseconds(value, &settings->line.options.write_timeout_ms);
}

static bool take_limit(const char *value, long max, uint32_t *out) {
  long number;
  if (!command_line_parse_number(value, 1, max, &number)) return false;
  *out = (uint32_t)number;
  return true;
}

static bool take_line_bytes(const char *value, void *user) {
  struct settings *settings = user;
  return take_limit(value, 65536, &settings->app.limits.request_line_bytes_max);
}

static bool take_head_bytes(const char *value, void *user) {
  struct settings *settings = user;
  return take_limit(value, 262144, &settings->app.limits.fields_bytes_max);
}

static bool take_fields(const char *value, void *user) {
  struct settings *settings = user;
  return take_limit(value, 10000, &settings->app.limits.fields_max);
}

static bool take_body_bytes(const char *value, void *user) {
  struct settings *settings = user;
  long number;
  if (!command_line_parse_number(value, 0, LONG_MAX, &number)) return false;
  settings->app.limits.body_bytes_max = (uint64_t)number;
  return true;
}

static int serve(struct settings *settings) {
  static const struct evnet_handler handler = {
      .on_boot = command_line_on_boot,
      .on_open = client_on_open,
      .on_data = client_on_data,
      .on_half_close = client_on_half_close,
      .on_close = client_on_close,
      .on_stopping = client_on_stopping,
  };
  struct command_line *line = &settings->line;
  struct app *app = &settings->app;
  // Only the pages of reactors that run are ever touched.
  static struct worker workers[EVNET_REACTORS_MAX];
  app->workers = workers;
  int status = evnet_server_create(&handler, app, line->addresses, line->address_count,
                                   &line->options, &app->server);
  if (status == 0) status = evnet_server_stop_on_signal(app->server, SIGINT, COMMAND_LINE_DRAIN_MS);
  if (status == 0)
    status = evnet_server_stop_on_signal(app->server, SIGTERM, COMMAND_LINE_DRAIN_MS);
  if (status == 0) status = evnet_server_run(app->server);
  evnet_server_destroy(app->server);
  return status;
}

int main(int argc, char **argv) {
  static const char milliseconds[] = "must be 1 to 3600000";
  static const struct command_line_option own[] = {
      {"--root=", take_root, "must be a directory that can be read"},
      {"--head-timeout-ms=", take_head_timeout, milliseconds},
      {"--body-timeout-ms=", take_body_timeout, milliseconds},
      {"--idle-timeout-ms=", take_idle_timeout, milliseconds},
      {"--write-timeout-ms=", take_write_timeout, milliseconds},
      {"--line-bytes-max=", take_line_bytes, "must be 1 to 65536"},
      {"--head-bytes-max=", take_head_bytes, "must be 1 to 262144"},
      {"--fields-max=", take_fields, "must be 1 to 10000"},
      {"--body-bytes-max=", take_body_bytes, "must be a number of bytes"},
  };
  struct settings settings = {
      .line = {.program = "http",
               .usage = usage,
               .no_udp = true,
               .own = own,
               .own_count = sizeof own / sizeof own[0],
               .options = {.idle_timeout_ms = 30000,
                           .write_timeout_ms = 20000,
                           .read_turn_bytes_max = HTTP_READ_TURN_BYTES,
                           .outbound_high_water_bytes = HTTP_OUTBOUND_HIGH_BYTES,
                           .outbound_bytes_max = 4 * HTTP_OUTBOUND_HIGH_BYTES,
                           .inbound_bytes_max = 1 << 20}},
      .app = {.limits = http_limits_default,
              .head_timeout_ms = 10000,
              .body_timeout_ms = 10000,
              .root = -1},
  };
  settings.line.user = &settings;
  int exit_code = command_line_parse(&settings.line, argc, argv);
  if (exit_code < 0) exit_code = command_line_exit_code(&settings.line, serve(&settings));
  if (settings.app.root >= 0) close(settings.app.root);
  return exit_code;
}
