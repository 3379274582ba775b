// An echo server: it sends back everything that a client sends.
#include <signal.h>

#include "evnet/evnet.h"
#include "examples/command_line/command_line.h"

static const char usage[] =
    "usage: echo [OPTION...] [ADDRESS...]\n"
    "\n"
    "Sends every byte back to its client; over UDP, every datagram.\n"
    "\n"
    "  --udp-gro          receive consecutive UDP datagrams of one peer in one call (Linux)\n";

static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  (void)user;
  struct evnet_bytes in = evnet_conn_peek(conn);
  evnet_conn_write(conn, in.data, in.size);
  evnet_conn_discard(conn, in.size);
  return EVNET_NONE;
}

static bool take_udp_gro(const char *text, void *user) {
  (void)text;
  struct command_line *line = user;
  line->options.udp_gro = true;
  return true;
}

int main(int argc, char **argv) {
  static const struct command_line_option own[] = {{"--udp-gro", take_udp_gro, NULL}};
  struct command_line line = {.program = "echo", .usage = usage, .own = own, .own_count = 1};
  line.user = &line;
  int exit_code = command_line_parse(&line, argc, argv);
  if (exit_code >= 0) return exit_code;

  const struct evnet_handler handler = {.on_boot = command_line_on_boot, .on_data = on_data};
  struct evnet_server *server = NULL;
  int status = evnet_server_create(&handler, NULL, line.addresses, line.address_count,
                                   &line.options, &server);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGINT, COMMAND_LINE_DRAIN_MS);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGTERM, COMMAND_LINE_DRAIN_MS);
  if (status == 0) status = evnet_server_run(server);
  evnet_server_destroy(server);
  return command_line_exit_code(&line, status);
}
