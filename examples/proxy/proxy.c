// A proxy for TCP, Unix sockets and UDP: it forwards between clients and several upstreams, chooses
// among these, and does without those that do not answer. app.h lists its parts.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evnet/evnet.h"
#include "examples/command_line/command_line.h"
#include "examples/proxy/app.h"

enum {
  MS_MAX = 86400000,  // a day
  CONNECT_MS_MAX = 60000,
  RATE_MAX = 1000000000,
  SESSIONS_MAX = 1000000,
  HIGH_WATER_BYTES = 256 * 1024,  // of output that one side may leave unread
};

static const char usage[] =
    "usage: proxy [OPTION...] [ADDRESS...]\n"
    "\n"
    "Forwards each connection to an upstream, and the datagrams of each UDP client. Runs one\n"
    "event loop for each CPU unless --reactors is given.\n"
    "\n"
    "  --upstream=ADDRESS  an upstream; may be given up to 64 times. A name is looked up for each\n"
    "                      connection. Clients of udp:// addresses are forwarded to udp://\n"
    "                      upstreams, all others to tcp:// and unix:// upstreams. Default:\n"
    "                      tcp://127.0.0.1:9001 and udp://127.0.0.1:9001\n"
    "  --balance=NAME      how an upstream is chosen: least-connections, round-robin, or\n"
    "                      source-hash, by the client's host. Default: least-connections\n"
    "  --connect-ms=N      milliseconds to connect to one, 1 to 60000. Default: 3000\n"
    "  --out-ms=N          milliseconds without connections to an upstream after it failed. Then\n"
    "                      one connection tries it, and the time doubles, up to 64 times N, if\n"
    "                      that fails. If all are out, they are used all the same. Default: 1000\n"
    "  --idle-ms=N         milliseconds that a connection may be silent; 0: no limit. Default:\n"
    "                      600000\n"
    "  --rate=N            bytes a second from each TCP client and to it, 1 to 1000000000.\n"
    "                      Default: no limit\n"
    "  --accept-proxy      each TCP client begins with a header of the PROXY protocol, version 1\n"
    "                      or 2. Only for addresses that none but proxies can reach\n"
    "  --header-ms=N       milliseconds for that header. Default: 3000\n"
    "  --send-proxy        begin connections to TCP upstreams with such a header, version 1\n"
    "  --send-proxy-v2     the same with version 2\n"
    "  --udp-session-ms=N  milliseconds without a datagram after which a UDP client is\n"
    "                      forgotten. Default: 30000\n"
    "  --udp-sessions=N    the most UDP clients, 1 to 1000000; datagrams of others are dropped.\n"
    "                      Each uses a socket. Default: 4096\n";

// Functions of app.h

struct evnet_bytes app_host(const struct evnet_address *address) {
  switch (address->socket.any.sa_family) {
    case AF_INET:
      return (struct evnet_bytes){.data = (const uint8_t *)&address->socket.ip4.sin_addr,
                                  .size = 4};
    case AF_INET6:
      return (struct evnet_bytes){.data = (const uint8_t *)&address->socket.ip6.sin6_addr,
                                  .size = 16};
    default:
      return (struct evnet_bytes){0};
  }
}

uint64_t app_source(const struct evnet_address *address) {
  const struct evnet_bytes host = app_host(address);
  uint64_t hash = 0xcbf29ce484222325U;  // FNV-1a; upstreams_choose mixes it
  for (size_t i = 0; i < host.size; i++) hash = (hash ^ host.data[i]) * 0x100000001b3U;
  return hash;
}

void app_connected(struct upstreams *set, struct upstream_use *use) {
  if (upstreams_connected(set, use) == UPSTREAM_CAME_BACK)
    fprintf(stderr, "proxy: upstream '%s' is back\n", set->all[use->index].address);
}

bool app_may_retry(int reason) {
  return reason != -ECANCELED && reason != EVNET_REASON_SHUTDOWN &&
         reason != EVNET_REASON_DRAIN_DEADLINE && reason != -ESHUTDOWN && reason != -EMFILE &&
         reason != -ENFILE && reason != -ENOMEM && reason != -ENOBUFS && reason != -EAGAIN;
}

void app_failed(struct upstreams *set, struct upstream_use *use, int reason, uint64_t now_ms) {
  // This host has no port left for the upstream.
  if (!app_may_retry(reason) || reason == -EADDRNOTAVAIL) return;
  uint64_t out_ms;
  if (upstreams_failed(set, use, now_ms, &out_ms) == UPSTREAM_WENT_OUT) {
    fprintf(stderr, "proxy: upstream '%s' is out for %llu ms: %s\n", set->all[use->index].address,
            (unsigned long long)out_ms, evnet_status_message(reason));
  }
}

// Options

struct settings {
  struct command_line line;
  struct app app;
};

// Checks HOST:PORT, possibly with a scheme: evnet_dial accepts neither an empty host nor port 0.
static bool has_host_and_port(const char *text) {
  const char *scheme_end = strstr(text, "://");
  const char *host = scheme_end != NULL ? scheme_end + 3 : text;
  return *host != ':' && strtoul(strrchr(text, ':') + 1, NULL, 10) != 0;
}

// Rejects an upstream that can never be dialled when the program starts, not when the first client
// connects. A host name is looked up later.
static bool take_upstream(const char *value, void *user) {
  struct app *app = &((struct settings *)user)->app;
  struct evnet_address address;
  if (evnet_address_read(value, &address, NULL, 0) < 0) return false;
  if (address.transport != EVNET_TRANSPORT_UNIX && !has_host_and_port(value)) return false;
  const bool is_udp = address.transport == EVNET_TRANSPORT_UDP;
  return upstreams_add(is_udp ? &app->datagrams : &app->streams, value);
}

static bool take_balance(const char *value, void *user) {
  static const struct {
    const char *text;
    enum upstream_balancing balancing;
  } names[] = {{"least-connections", UPSTREAM_LEAST_CONNECTIONS},
               {"round-robin", UPSTREAM_ROUND_ROBIN},
               {"source-hash", UPSTREAM_SOURCE_HASH}};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (strcmp(value, names[i].text) != 0) continue;
    ((struct settings *)user)->app.balancing = names[i].balancing;
    return true;
  }
  return false;
}

static bool take_connect_ms(const char *value, void *user) {
  return command_line_parse_number(value, 1, CONNECT_MS_MAX,
                                   &((struct settings *)user)->app.connect_ms);
}

static bool take_out_ms(const char *value, void *user) {
  return command_line_parse_number(value, 1, MS_MAX, &((struct settings *)user)->app.out_ms);
}

static bool take_idle_ms(const char *value, void *user) {
  return command_line_parse_number(value, 0, MS_MAX, &((struct settings *)user)->app.idle_ms);
}

static bool take_header_ms(const char *value, void *user) {
  return command_line_parse_number(value, 1, MS_MAX, &((struct settings *)user)->app.header_ms);
}

static bool take_session_ms(const char *value, void *user) {
  return command_line_parse_number(value, 1, MS_MAX, &((struct settings *)user)->app.session_ms);
}

static bool take_sessions(const char *value, void *user) {
  return command_line_parse_number(value, 1, SESSIONS_MAX,
                                   &((struct settings *)user)->app.sessions_max);
}

static bool take_rate(const char *value, void *user) {
  return command_line_parse_number(value, 1, RATE_MAX, &((struct settings *)user)->app.rate);
}

static bool take_accept_proxy(const char *value, void *user) {
  (void)value;
  ((struct settings *)user)->app.accept_header = true;
  return true;
}

static bool take_send_proxy(const char *value, void *user) {
  (void)value;
  ((struct settings *)user)->app.send_version = 1;
  return true;
}

static bool take_send_proxy_v2(const char *value, void *user) {
  (void)value;
  ((struct settings *)user)->app.send_version = 2;
  return true;
}

// Returns false, and prints the reason, if an address has no upstream of its kind. Addresses that
// are not valid are the server's to reject.
static bool has_upstreams(const struct command_line *line, const struct app *app) {
  for (size_t i = 0; i < line->address_count; i++) {
    struct evnet_address address;
    if (evnet_address_read(line->addresses[i], &address, NULL, 0) < 0) continue;
    const bool is_udp = address.transport == EVNET_TRANSPORT_UDP;
    if ((is_udp ? &app->datagrams : &app->streams)->count > 0) continue;
    fprintf(stderr, "proxy: '%s': no upstream is %s\n", line->addresses[i],
            is_udp ? "udp://" : "tcp:// or unix://");
    return false;
  }
  return true;
}

static int serve(const struct command_line *line, struct app *app) {
  static const struct evnet_handler handler = {.on_boot = command_line_on_boot,
                                               .on_reactor_boot = udp_on_boot,
                                               .on_open = tcp_on_open,
                                               .on_data = tcp_on_data,
                                               .on_half_close = tcp_on_half_close,
                                               .on_pressure = tcp_on_pressure,
                                               .on_drain = tcp_on_drain,
                                               .on_timeout = tcp_on_timeout,
                                               .on_close = tcp_on_close,
                                               .on_stopping = tcp_on_stopping,
                                               .on_reactor_shutdown = udp_on_shutdown};
  static struct sessions *sessions[EVNET_REACTORS_MAX];
  app->sessions = sessions;
  struct evnet_server *server = NULL;
  int status = evnet_server_create(&handler, app, line->addresses, line->address_count,
                                   &line->options, &server);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGINT, COMMAND_LINE_DRAIN_MS);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGTERM, COMMAND_LINE_DRAIN_MS);
  if (status == 0) status = evnet_server_run(server);
  evnet_server_destroy(server);
  return status;
}

// Completes the settings after the options were parsed, and serves. Returns the exit code.
static int run(struct settings *settings) {
  struct command_line *line = &settings->line;
  struct app *app = &settings->app;
  if (app->streams.count + app->datagrams.count == 0) {
    upstreams_add(&app->streams, "tcp://127.0.0.1:9001");
    upstreams_add(&app->datagrams, "udp://127.0.0.1:9001");
  }
  if (!has_upstreams(line, app)) return COMMAND_LINE_EXIT_USAGE;
  app->streams.balancing = app->datagrams.balancing = app->balancing;
  app->streams.out_ms = app->datagrams.out_ms = (uint64_t)app->out_ms;
  line->options.idle_timeout_ms = app->idle_ms > 0 ? app->idle_ms : EVNET_OFF;
  // A side that takes no output for this time is idle, too.
  line->options.write_timeout_ms = line->options.idle_timeout_ms;
  return command_line_exit_code(line, serve(line, app));
}

int main(int argc, char **argv) {
  static const char milliseconds[] = "must be 1 to 86400000";
  static const struct command_line_option own[] = {
      {"--upstream=", take_upstream,
       "must be an address with a host and a port, and one of at most 64 of its kind"},
      {"--balance=", take_balance, "must be least-connections, round-robin or source-hash"},
      {"--connect-ms=", take_connect_ms, "must be 1 to 60000"},
      {"--out-ms=", take_out_ms, milliseconds},
      {"--idle-ms=", take_idle_ms, "must be 0 to 86400000"},
      {"--rate=", take_rate, "must be 1 to 1000000000"},
      {"--accept-proxy", take_accept_proxy, NULL},
      {"--header-ms=", take_header_ms, milliseconds},
      {"--send-proxy", take_send_proxy, NULL},
      {"--send-proxy-v2", take_send_proxy_v2, NULL},
      {"--udp-session-ms=", take_session_ms, milliseconds},
      {"--udp-sessions=", take_sessions, "must be 1 to 1000000"},
  };
  struct settings settings = {
      .line = {.program = "proxy",
               .usage = usage,
               .own = own,
               .own_count = sizeof own / sizeof own[0],
               // on_pressure pauses the other side. The default action would pause the slow side.
               .options = {.reactors = EVNET_REACTOR_PER_CPU,
                           .outbound_high_action = EVNET_HIGH_NOTIFY,
                           .outbound_high_water_bytes = HIGH_WATER_BYTES}},
      .app = {.connect_ms = 3000,
              .out_ms = 1000,
              .idle_ms = 600000,
              .header_ms = 3000,
              .session_ms = 30000,
              .sessions_max = 4096},
  };
  settings.line.user = &settings;
  upstreams_init(&settings.app.streams, UPSTREAM_LEAST_CONNECTIONS, 1);
  upstreams_init(&settings.app.datagrams, UPSTREAM_LEAST_CONNECTIONS, 1);
  int exit_code = command_line_parse(&settings.line, argc, argv);
  if (exit_code < 0) exit_code = run(&settings);
  upstreams_deinit(&settings.app.datagrams);
  upstreams_deinit(&settings.app.streams);
  return exit_code;
}
