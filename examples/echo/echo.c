// An echo server: it sends back everything that a client sends.
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "evnet/evnet.h"
#include "examples/command_line/command_line.h"

static const char usage[] =
    "usage: echo [OPTION...] [ADDRESS...]\n"
    "\n"
    "Sends every byte back to its client; over UDP, every datagram.\n"
    "\n"
    "  --udp-gro          receive consecutive UDP datagrams of one peer in one call (Linux)\n"
    "  --udp-errors       print at the end how many replies were not delivered (Linux)\n";

// The UDP replies that were not delivered. Reactors other than 0 have no UDP socket.
struct failures {
  uint64_t count;
  int last_status;
  struct evnet_address last_peer;
};

static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  (void)user;
  struct evnet_bytes in = evnet_conn_peek(conn);
  evnet_conn_write(conn, in.data, in.size);
  evnet_conn_discard(conn, in.size);
  return EVNET_NONE;
}

// Counts instead of printing, because peers cause these errors.
static void on_datagram_error(struct evnet_conn *conn, const struct evnet_datagram_error *error,
                              void *user) {
  (void)conn;
  struct failures *failures = user;
  failures->count++;
  failures->last_status = error->status;
  failures->last_peer = *error->peer;
}

static void on_shutdown(struct evnet_server *server, void *user) {
  (void)server;
  const struct failures *failures = user;
  if (failures->count == 0) return;
  char peer[EVNET_ADDRESS_TEXT_BYTES];
  evnet_address_format(&failures->last_peer, peer, sizeof peer);
  fprintf(stderr, "echo: %" PRIu64 " replies were not delivered, the last to %s: %s\n",
          failures->count, peer, evnet_status_message(failures->last_status));
}

static bool take_udp_gro(const char *text, void *user) {
  (void)text;
  struct command_line *line = user;
  line->options.udp_gro = true;
  return true;
}

static bool take_udp_errors(const char *text, void *user) {
  (void)text;
  struct command_line *line = user;
  line->options.udp_errors = true;
  return true;
}

int main(int argc, char **argv) {
  static const struct command_line_option own[] = {{"--udp-gro", take_udp_gro, NULL},
                                                   {"--udp-errors", take_udp_errors, NULL}};
  struct command_line line = {.program = "echo", .usage = usage, .own = own, .own_count = 2};
  line.user = &line;
  int exit_code = command_line_parse(&line, argc, argv);
  if (exit_code >= 0) return exit_code;

  const struct evnet_handler handler = {.on_boot = command_line_on_boot,
                                        .on_data = on_data,
                                        .on_datagram_error = on_datagram_error,
                                        .on_shutdown = on_shutdown};
  struct failures failures = {0};
  struct evnet_server *server = NULL;
  int status = evnet_server_create(&handler, &failures, line.addresses, line.address_count,
                                   &line.options, &server);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGINT, COMMAND_LINE_DRAIN_MS);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGTERM, COMMAND_LINE_DRAIN_MS);
  if (status == 0) status = evnet_server_run(server);
  evnet_server_destroy(server);
  return command_line_exit_code(&line, status);
}
