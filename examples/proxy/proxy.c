// A TCP proxy: it forwards bytes between each client and an upstream. The proxy limits the bytes
// that it queues for either side, even if that side stops reading.
//
// A pair is two connections on one reactor, so they use each other without a lock. Each reports its
// events to the other: end-of-stream, output above the high mark or back at the low mark, and its
// close. The proxy dials the upstream when a client connects, and does not read from the client
// before the upstream is open.
//
// A stop does not interrupt a reply. The upstream is a background connection, so it stays open as
// long as its client does. The proxy holds the client until the upstream has replied and has then
// been silent for SILENCE_MS, because the proxy cannot know where a reply ends.
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "evnet/evnet.h"
#include "examples/command_line/command_line.h"

enum {
  CONNECT_MS = 3000,
  CONNECT_MS_MAX = 60000,
  RATE_MAX = 1000000000,
  SILENCE_MS = 500,
};

struct app {
  const char *upstream;
  long connect_ms;
  long rate;  // bytes a second from and to each client; 0: no limit
};

struct pair {
  struct evnet_conn *client;         // NULL: closed
  struct evnet_conn *upstream;       // NULL: not open yet, or closed
  struct evnet_conn_id upstream_id;  // while it is being dialled
  bool dialling;
  bool owes_answer;           // the last bytes came from the client
  bool held;                  // the client is held, because the server is stopping
  struct evnet_timer silent;  // runs while the client is held; restarted whenever bytes arrive
};

static struct evnet_conn *other_of(const struct evnet_conn *conn) {
  const struct pair *pair = evnet_conn_user(conn);
  return conn == pair->client ? pair->upstream : pair->client;
}

static enum evnet_action accepted(struct evnet_conn *conn, const struct app *app) {
  struct pair *pair = calloc(1, sizeof *pair);
  if (pair == NULL) return EVNET_CLOSE;
  pair->client = conn;
  evnet_conn_set_user(conn, pair);
  evnet_conn_pause_reading(conn);  // until the upstream is open
  // Output that the rate holds back counts towards the marks, so on_pressure pauses the upstream.
  const struct evnet_rate rate = {.receive_bytes_per_s = (uint64_t)app->rate,
                                  .send_bytes_per_s = (uint64_t)app->rate};
  if (evnet_conn_set_rate(conn, &rate) < 0) return EVNET_CLOSE;
  const struct evnet_dial_options options = {
      .timeout_ms = app->connect_ms, .conn_user = pair, .background = true};
  pair->dialling =
      evnet_dial(evnet_conn_reactor(conn), app->upstream, &options, &pair->upstream_id) == 0;
  return pair->dialling ? EVNET_NONE : EVNET_CLOSE;
}

static enum evnet_action on_open(struct evnet_conn *conn, void *user) {
  struct pair *pair = evnet_conn_user(conn);
  if (pair == NULL) return accepted(conn, user);
  pair->dialling = false;  // conn is the upstream
  pair->upstream = conn;
  evnet_conn_resume_reading(pair->client);
  return EVNET_NONE;
}

static void on_silence(struct evnet_timer *timer, void *user) {
  struct pair *pair = user;
  if (pair->dialling || pair->owes_answer) {
    evnet_timer_start(evnet_conn_reactor(pair->client), timer, SILENCE_MS, on_silence, pair);
    return;
  }
  pair->held = false;
  evnet_conn_release(pair->client);  // it closes after its queued output
}

static void on_stopping(struct evnet_conn *conn, void *user) {
  (void)user;
  struct pair *pair = evnet_conn_user(conn);
  if (pair == NULL || conn != pair->client) return;
  pair->held = true;
  evnet_conn_hold(conn);
  evnet_timer_start(evnet_conn_reactor(conn), &pair->silent, SILENCE_MS, on_silence, pair);
}

static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  (void)user;
  struct pair *pair = evnet_conn_user(conn);
  struct evnet_conn *other = other_of(conn);
  pair->owes_answer = conn == pair->client;
  if (pair->held)
    evnet_timer_start(evnet_conn_reactor(conn), &pair->silent, SILENCE_MS, on_silence, pair);
  const struct evnet_bytes in = evnet_conn_peek(conn);
  // If the other side has closed, its on_close closes this one too.
  if (other != NULL) evnet_conn_write(other, in.data, in.size);
  evnet_conn_discard(conn, in.size);
  return EVNET_NONE;
}

static enum evnet_action on_half_close(struct evnet_conn *conn, void *user) {
  (void)user;
  struct evnet_conn *other = other_of(conn);
  if (other != NULL) evnet_conn_shutdown_write(other);
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

// Closes the other side of a pair. After a normal close, the other side is closed gracefully, after
// its queued output. After a reset, a refusal or a timeout, the other side is reset.
static void end_other(struct evnet_conn *other, int reason) {
  evnet_conn_set_background(other, false);  // so a stop waits until its output is delivered
  if (reason == EVNET_REASON_PEER || reason == EVNET_REASON_LOCAL ||
      reason == EVNET_REASON_SHUTDOWN) {
    evnet_conn_close(other);
  } else {
    evnet_conn_abort(other);
  }
}

static enum evnet_action on_close(struct evnet_conn *conn, int reason, void *user) {
  (void)user;
  struct pair *pair = evnet_conn_user(conn);
  if (pair == NULL) return EVNET_NONE;
  struct evnet_conn *other = other_of(conn);
  if (conn == pair->client) {
    pair->client = NULL;
    pair->held = false;
    evnet_timer_stop(evnet_conn_reactor(conn), &pair->silent);
    if (pair->dialling) evnet_close(evnet_conn_reactor(conn), pair->upstream_id);
  } else {
    pair->upstream = NULL;
    pair->dialling = false;  // on_close is the only callback of a failed dial
  }
  if (other != NULL) {
    evnet_conn_resume_reading(other);  // so that evnet sees an end-of-stream after unread bytes
    end_other(other, reason);
  } else if (!pair->dialling) {
    free(pair);
  }
  return EVNET_NONE;
}

// Checks HOST:PORT, possibly with a scheme: evnet_dial accepts neither an empty host nor port 0.
static bool has_host_and_port(const char *text) {
  const char *scheme_end = strstr(text, "://");
  const char *host = scheme_end != NULL ? scheme_end + 3 : text;
  return *host != ':' && strtoul(strrchr(text, ':') + 1, NULL, 10) != 0;
}

// Rejects an upstream that can never be dialled when the program starts, not when the first client
// connects. A host name is looked up later.
static bool take_upstream(const char *value, void *user) {
  struct app *app = user;
  struct evnet_address address;
  const int status = evnet_address_read(value, &address, NULL, 0);
  if (status < 0 || address.transport == EVNET_TRANSPORT_UDP) return false;
  if (address.transport != EVNET_TRANSPORT_UNIX && !has_host_and_port(value)) return false;
  app->upstream = value;
  return true;
}

static bool take_connect_ms(const char *value, void *user) {
  struct app *app = user;
  return command_line_parse_number(value, 1, CONNECT_MS_MAX, &app->connect_ms);
}

static bool take_rate(const char *value, void *user) {
  struct app *app = user;
  return command_line_parse_number(value, 1, RATE_MAX, &app->rate);
}

static int serve(const struct command_line *line, struct app *app) {
  static const struct evnet_handler handler = {.on_boot = command_line_on_boot,
                                               .on_open = on_open,
                                               .on_data = on_data,
                                               .on_half_close = on_half_close,
                                               .on_pressure = on_pressure,
                                               .on_drain = on_drain,
                                               .on_close = on_close,
                                               .on_stopping = on_stopping};
  struct evnet_server *server = NULL;
  int status = evnet_server_create(&handler, app, line->addresses, line->address_count,
                                   &line->options, &server);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGINT, COMMAND_LINE_DRAIN_MS);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGTERM, COMMAND_LINE_DRAIN_MS);
  if (status == 0) status = evnet_server_run(server);
  evnet_server_destroy(server);
  return status;
}

static const char usage[] =
    "usage: proxy [OPTION...] [ADDRESS...]\n"
    "\n"
    "Forwards each connection to an upstream. Runs one event loop for each CPU unless\n"
    "--reactors is given. UDP is not supported.\n"
    "\n"
    "  --upstream=ADDRESS  the upstream; a name is looked up for each connection. Default:\n"
    "                      tcp://127.0.0.1:9001\n"
    "  --connect-ms=N      milliseconds to connect to it, 1 to 60000. Default: 3000\n"
    "  --rate=N            bytes a second from each client and to it, 1 to 1000000000.\n"
    "                      Default: no limit\n";

int main(int argc, char **argv) {
  struct app app = {.upstream = "tcp://127.0.0.1:9001", .connect_ms = CONNECT_MS};
  static const struct command_line_option own[] = {
      {.name = "--upstream=",
       .take = take_upstream,
       .values = "must be an address with a host and a port; UDP is not supported"},
      {.name = "--connect-ms=", .take = take_connect_ms, .values = "must be 1 to 60000"},
      {.name = "--rate=", .take = take_rate, .values = "must be 1 to 1000000000"},
  };
  struct command_line line = {
      .program = "proxy",
      .usage = usage,
      .no_udp = true,
      .own = own,
      .own_count = sizeof own / sizeof own[0],
      .user = &app,
      // on_pressure pauses the other side. The default action would pause the slow side itself.
      .options = {.reactors = EVNET_REACTOR_PER_CPU, .outbound_high_action = EVNET_HIGH_NOTIFY},
  };
  int exit_code = command_line_parse(&line, argc, argv);
  return exit_code >= 0 ? exit_code : command_line_exit_code(&line, serve(&line, &app));
}
