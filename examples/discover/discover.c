// Finds the other instances of itself in the network, and keeps a TCP connection to each.
//
// Every instance announces the port of its TCP address to a multicast group or a broadcast address, once in a period. An
// instance that hears a new peer dials it (evnet_dial_address), if its own number is the smaller
// one; otherwise the peer dials. Numbers are random, so an instance knows its own announcements. No
// part of an announcement is trusted: it only causes a dial to the host that sent it.
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "evnet/evnet.h"
#include "examples/command_line/command_line.h"

enum {
  PEERS_MAX = 64,
  GROUP_PORT = 9753,
  ANNOUNCEMENT_BYTES_MAX = 64,
  DIAL_TIMEOUT_MS = 2000,
};

static const char usage[] =
    "usage: discover [OPTION...] [ADDRESS]\n"
    "\n"
    "Finds other instances of itself by multicast, and keeps a TCP connection to each. ADDRESS is\n"
    "the TCP address to listen on.\n"
    "\n"
    "  --group=HOST         the multicast group, or a broadcast address, which serves one "
    "instance\n"
    "                       for each host. Default: 239.255.97.53\n"
    "  --interface=NAME     the network interface of the group. Default: the system's choice\n"
    "  --from=HOST          hears this host only (source-specific multicast)\n"
    "  --hops=N             routers that an announcement and a connection may pass, plus 1; 1 to\n"
    "                       255. Default: 1\n"
    "  --period-ms=N        milliseconds between announcements, 10 to 60000. Default: 1000\n";

struct peer {
  uint64_t number;  // 0: the place is free
  struct evnet_conn *conn;
};

struct app {
  const char *group, *interface, *from;
  long hops, period_ms;
  uint64_t number;    // this instance's
  uint16_t port;      // of its TCP address
  bool is_broadcast;  // the group is a broadcast address
  struct evnet_address group_address;
  struct evnet_conn *socket;  // the UDP socket
  struct evnet_timer timer;
  struct peer peers[PEERS_MAX];
};

// Peers

static struct peer *find(struct app *app, uint64_t number) {
  for (int i = 0; i < PEERS_MAX; i++) {
    if (app->peers[i].number == number) return &app->peers[i];
  }
  return NULL;
}

static void print_peer(const char *what, const struct peer *peer, const struct evnet_conn *conn) {
  char text[EVNET_ADDRESS_TEXT_BYTES];
  struct evnet_address address;
  evnet_conn_remote_address(conn, &address);
  evnet_address_format(&address, text, sizeof text);
  printf("%s %016" PRIx64 " %s\n", what, peer->number, text);
  fflush(stdout);
}

static void join(const struct app *app, struct evnet_conn *conn, struct peer *peer) {
  peer->conn = conn;
  evnet_conn_set_user(conn, peer);
  // A peer that is further away than announcements may come from is lost. An IPv6 host has hop limits, too.
  (void)evnet_conn_set_hops(conn, (int)app->hops);
  (void)evnet_conn_set_timeout(conn, EVNET_TIMEOUT_READ, EVNET_OFF);
  print_peer("found", peer, conn);
}

// Announcements

static void announce(struct evnet_timer *timer, void *user) {
  (void)timer;
  const struct app *app = user;
  char text[ANNOUNCEMENT_BYTES_MAX];
  const int size =
      snprintf(text, sizeof text, "discover %016" PRIx64 " %u\n", app->number, (unsigned)app->port);
  // An error, such as a network that is down, is that of one announcement.
  (void)evnet_conn_send_to(app->socket, &app->group_address, text, (size_t)size);
}

// Reads an announcement. Returns false if it is malformed.
static bool read_announcement(struct evnet_bytes in, uint64_t *out_number, uint16_t *out_port) {
  char text[ANNOUNCEMENT_BYTES_MAX];
  unsigned port;
  int end = 0;
  if (in.size >= sizeof text) return false;
  memcpy(text, in.data, in.size);
  text[in.size] = '\0';
  if (sscanf(text, "discover %16" SCNx64 " %5u\n%n", out_number, &port, &end) != 2) return false;
  *out_port = (uint16_t)port;
  return end == (int)in.size && *out_number != 0 && port > 0 && port <= UINT16_MAX;
}

static void hear(struct app *app, struct evnet_conn *socket) {
  uint64_t number;
  uint16_t port;
  if (!read_announcement(evnet_conn_peek(socket), &number, &port)) return;
  if (number <= app->number || find(app, number) != NULL) return;
  struct peer *peer = find(app, 0);
  if (peer == NULL) return;
  struct evnet_address address;
  evnet_conn_remote_address(socket, &address);
  address.transport = EVNET_TRANSPORT_TCP;
  address.socket.ip4.sin_port = htons(port);  // sin6_port is at the same place
  const struct evnet_dial_options options = {.timeout_ms = DIAL_TIMEOUT_MS, .conn_user = peer};
  if (evnet_dial_address(evnet_conn_reactor(socket), &address, &options, NULL) == 0)
    peer->number = number;
}

// Connections

static enum evnet_action on_open(struct evnet_conn *conn, void *user) {
  const struct app *app = user;
  struct peer *peer = evnet_conn_user(conn);
  if (peer == NULL) {  // accepted: it has to say its number
    (void)evnet_conn_set_timeout(conn, EVNET_TIMEOUT_READ, DIAL_TIMEOUT_MS);
    return EVNET_NONE;
  }
  char line[32];
  const int size = snprintf(line, sizeof line, "%016" PRIx64 "\n", app->number);
  evnet_conn_write(conn, line, (size_t)size);
  join(app, conn, peer);
  return EVNET_NONE;
}

// The first line of an accepted connection.
static enum evnet_action read_number(struct evnet_conn *conn, struct app *app) {
  const struct evnet_bytes in = evnet_conn_peek(conn);
  char line[18];
  uint64_t number;
  int end = 0;
  if (in.size < sizeof line - 1) return EVNET_NONE;
  memcpy(line, in.data, sizeof line - 1);
  line[sizeof line - 1] = '\0';
  if (sscanf(line, "%16" SCNx64 "%n", &number, &end) != 1 || end != 16 || line[16] != '\n')
    return EVNET_CLOSE;
  struct peer *peer = number != 0 && find(app, number) == NULL ? find(app, 0) : NULL;
  if (peer == NULL) return EVNET_CLOSE;
  evnet_conn_discard(conn, in.size);
  peer->number = number;
  join(app, conn, peer);
  return EVNET_NONE;
}

static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  struct app *app = user;
  if (conn == app->socket) {
    hear(app, conn);
    return EVNET_NONE;
  }
  if (evnet_conn_user(conn) == NULL) return read_number(conn, app);
  evnet_conn_discard(conn, evnet_conn_inbound_bytes(conn));
  return EVNET_NONE;
}

static enum evnet_action on_close(struct evnet_conn *conn, int reason, void *user) {
  (void)reason;
  (void)user;
  struct peer *peer = evnet_conn_user(conn);
  if (peer == NULL) return EVNET_NONE;
  if (peer->conn != NULL) print_peer("lost", peer, conn);
  *peer = (struct peer){0};  // a dial that failed is repeated after the next announcement
  return EVNET_NONE;
}

// The start

static int join_group(const struct app *app) {
  if (app->from == NULL)
    return evnet_conn_join_group(app->socket, &app->group_address, app->interface);
  struct evnet_address source;
  char text[EVNET_ADDRESS_TEXT_BYTES];
  snprintf(text, sizeof text, "udp://%.200s:0", app->from);
  const int status = evnet_address_parse(text, &source, NULL, 0);
  if (status < 0) return status;
  return evnet_conn_join_source(app->socket, &app->group_address, &source, app->interface);
}

// Prepares the UDP socket for announcements.
static int prepare_socket(const struct app *app) {
  if (app->is_broadcast) return evnet_conn_set_broadcast(app->socket, true);
  int status = join_group(app);
  if (status == 0 && app->interface != NULL)
    status = evnet_conn_set_multicast_interface(app->socket, app->interface);
  if (status == 0) status = evnet_conn_set_multicast_hops(app->socket, (int)app->hops);
  return status;
}

static enum evnet_action on_boot(struct evnet_server *server, void *user) {
  struct app *app = user;
  struct evnet_address own;
  app->socket = evnet_server_datagram_socket(server, 1);
  int status = evnet_server_address(server, 0, &own);
  if (status == 0) status = prepare_socket(app);
  if (status < 0) {
    fprintf(stderr, "discover: cannot use the group: %s\n", evnet_status_message(status));
    return EVNET_SHUTDOWN;
  }
  app->port = evnet_address_port(&own);
  evnet_timer_repeat(evnet_server_reactor(server, 0), &app->timer, (uint64_t)app->period_ms,
                     announce, app);
  return command_line_on_boot(server, user);
}

static enum evnet_action on_tick(struct evnet_server *server, uint64_t *delay_ms, void *user) {
  (void)server;
  (void)delay_ms;
  announce(NULL, user);  // the first one; the timer sends the others
  return EVNET_NONE;
}

static void on_reactor_shutdown(struct evnet_reactor *reactor, void *user) {
  struct app *app = user;
  evnet_timer_stop(reactor, &app->timer);
}

// The command line

static bool take_group(const char *value, void *user) {
  struct app *app = user;
  app->group = value;
  return *value != '\0';
}

static bool take_interface(const char *value, void *user) {
  struct app *app = user;
  app->interface = value;
  return *value != '\0';
}

static bool take_from(const char *value, void *user) {
  struct app *app = user;
  app->from = value;
  return *value != '\0';
}

static bool take_hops(const char *value, void *user) {
  struct app *app = user;
  return command_line_parse_number(value, 1, 255, &app->hops);
}

static bool take_period(const char *value, void *user) {
  struct app *app = user;
  return command_line_parse_number(value, 10, 60000, &app->period_ms);
}

static int serve(struct app *app, struct command_line *line) {
  char group[EVNET_ADDRESS_TEXT_BYTES], message[EVNET_ADDRESS_MESSAGE_BYTES];
  snprintf(group, sizeof group, "udp://%.200s:%d", app->group, GROUP_PORT);
  int status = evnet_address_parse(group, &app->group_address, message, sizeof message);
  if (status < 0) {
    fprintf(stderr, "discover: %s\n", message);
    return COMMAND_LINE_EXIT_USAGE;
  }
  if (line->address_count != 1) {
    fprintf(stderr, "discover: only one address is allowed\n");
    return COMMAND_LINE_EXIT_USAGE;
  }
  app->is_broadcast = app->group_address.socket.any.sa_family == AF_INET &&
                      !IN_MULTICAST(ntohl(app->group_address.socket.ip4.sin_addr.s_addr));
  // A socket that is bound to a group receives what is sent to the group. Broadcasts come to a socket of all addresses.
  if (app->is_broadcast) snprintf(group, sizeof group, "udp4://:%d", GROUP_PORT);
  const char *const addresses[] = {line->addresses[0], group};
  const struct evnet_handler handler = {.on_boot = on_boot,
                                        .on_open = on_open,
                                        .on_data = on_data,
                                        .on_close = on_close,
                                        .on_tick = on_tick,
                                        .on_reactor_shutdown = on_reactor_shutdown};
  struct evnet_server *server = NULL;
  status = evnet_server_create(&handler, app, addresses, 2, &line->options, &server);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGINT, 0);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGTERM, 0);
  if (status == 0) status = evnet_server_run(server);
  evnet_server_destroy(server);
  return command_line_exit_code(line, status);
}

int main(int argc, char **argv) {
  static const struct command_line_option own[] = {
      {"--group=", take_group, "must be a multicast or broadcast address"},
      {"--interface=", take_interface, "must be the name of an interface"},
      {"--from=", take_from, "must be an IP address"},
      {"--hops=", take_hops, "must be 1 to 255"},
      {"--period-ms=", take_period, "must be 10 to 60000"},
  };
  static struct app app = {.group = "239.255.97.53", .hops = 1, .period_ms = 1000};
  struct command_line line = {
      .program = "discover",
      .usage = usage,
      .no_udp = true,
      .own = own,
      .own_count = sizeof own / sizeof own[0],
      .user = &app,
      .options = {.reactors = 1, .connections_max = 2 * PEERS_MAX, .inbound_bytes_max = 1024}};
  const int exit_code = command_line_parse(&line, argc, argv);
  if (exit_code >= 0) return exit_code;
  line.options.reactors = 1;  // the peers belong to one reactor
  while (app.number == 0) {
    if (getentropy(&app.number, sizeof app.number) != 0) return EXIT_FAILURE;
  }
  return serve(&app, &line);
}
