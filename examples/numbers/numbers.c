// A producer without end: sends the numbers from 1, one on each line, to every client.
//
// It writes a part, and asks for on_below to write the next part when the client has read the first
// (evnet_conn_notify_below), so a slow client costs a few KiB. With --rate all clients of a reactor
// share a limit (evnet_rate_group_create). A client may send these lines:
//
//   rate N   changes the limit of its reactor; 0: no limit
//   who      answers with the number of its reactor's clients
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evnet/evnet.h"
#include "examples/command_line/command_line.h"

enum {
  PART_BYTES = 4096,    // written in one call
  LINE_BYTES_MAX = 64,  // of a client
  RATE_MAX = 1 << 30,   // bytes a second
};

static const char usage[] =
    "usage: numbers [OPTION...] [ADDRESS...]\n"
    "\n"
    "Sends the numbers from 1 to every client, as fast as it reads. UDP is not supported.\n"
    "\n"
    "  --rate=N           bytes a second for all clients of a reactor, 1 to 1073741824.\n"
    "                     Default: no limit\n";

struct app {
  long bytes_per_s;
  struct evnet_rate_group *groups[EVNET_REACTORS_MAX];  // each is used on its reactor only
};

struct client {
  uint64_t last;  // the number that was written last
  bool stopping;
};

static struct evnet_rate rate_of(long bytes_per_s) {
  return (struct evnet_rate){.send_bytes_per_s = (uint64_t)bytes_per_s};
}

static enum evnet_action on_reactor_boot(struct evnet_reactor *reactor, void *user) {
  struct app *app = user;
  const struct evnet_rate rate = rate_of(app->bytes_per_s);
  const int status =
      evnet_rate_group_create(reactor, &rate, &app->groups[evnet_reactor_index(reactor)]);
  return status == 0 ? EVNET_NONE : EVNET_SHUTDOWN;
}

static void on_reactor_shutdown(struct evnet_reactor *reactor, void *user) {
  struct app *app = user;
  evnet_rate_group_destroy(app->groups[evnet_reactor_index(reactor)]);
}

// Writes the next part. An error closes the connection.
static void produce(struct evnet_conn *conn, struct client *client) {
  char part[PART_BYTES + 24];
  size_t size = 0;
  while (size < PART_BYTES)
    size += (size_t)snprintf(part + size, sizeof part - size, "%" PRIu64 "\n", ++client->last);
  if (evnet_conn_write(conn, part, size) >= 0) evnet_conn_notify_below(conn, PART_BYTES);
}

static enum evnet_action on_open(struct evnet_conn *conn, void *user) {
  const struct app *app = user;
  struct client *client = calloc(1, sizeof *client);
  if (client == NULL) return EVNET_CLOSE;
  evnet_conn_set_user(conn, client);
  const uint32_t reactor = evnet_reactor_index(evnet_conn_reactor(conn));
  if (evnet_conn_set_rate_group(conn, app->groups[reactor]) < 0) return EVNET_CLOSE;
  produce(conn, client);
  return EVNET_NONE;
}

static enum evnet_action on_below(struct evnet_conn *conn, void *user) {
  (void)user;
  struct client *client = evnet_conn_user(conn);
  if (!client->stopping) produce(conn, client);
  return EVNET_NONE;
}

static size_t count_clients(struct evnet_reactor *reactor) {
  size_t count = 0;
  const struct evnet_conn *conn;
  struct evnet_conn_id id = {0};
  while ((conn = evnet_reactor_next_conn(reactor, id)) != NULL) {
    id = evnet_conn_get_id(conn);
    count++;
  }
  return count;
}

// Carries out a line of a client. Returns false if it is none of the above.
static bool obey(struct evnet_conn *conn, const struct app *app, const char *line) {
  struct evnet_reactor *reactor = evnet_conn_reactor(conn);
  long bytes_per_s;
  if (strcmp(line, "who") == 0) {
    char answer[32];
    const int size = snprintf(answer, sizeof answer, "who: %zu\n", count_clients(reactor));
    evnet_conn_write(conn, answer, (size_t)size);
    return true;
  }
  if (strncmp(line, "rate ", 5) != 0 ||
      !command_line_parse_number(line + 5, 0, RATE_MAX, &bytes_per_s))
    return false;
  const struct evnet_rate rate = rate_of(bytes_per_s);
  return evnet_rate_group_set_rate(app->groups[evnet_reactor_index(reactor)], &rate) == 0;
}

static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  for (;;) {
    const struct evnet_bytes in = evnet_conn_peek(conn);
    const uint8_t *end = in.size > 0 ? memchr(in.data, '\n', in.size) : NULL;
    if (end == NULL) return in.size >= LINE_BYTES_MAX ? EVNET_CLOSE : EVNET_NONE;
    const size_t size = (size_t)(end - in.data);
    char line[LINE_BYTES_MAX];
    if (size >= sizeof line || memchr(in.data, '\0', size) != NULL) return EVNET_CLOSE;
    memcpy(line, in.data, size);
    line[size] = '\0';
    evnet_conn_discard(conn, size + 1);
    if (!obey(conn, user, line)) return EVNET_CLOSE;
  }
}

// Without it, a stop would wait for the end of the numbers.
static void on_stopping(struct evnet_conn *conn, void *user) {
  (void)user;
  struct client *client = evnet_conn_user(conn);
  if (client != NULL) client->stopping = true;
}

static enum evnet_action on_close(struct evnet_conn *conn, int reason, void *user) {
  (void)reason;
  (void)user;
  free(evnet_conn_user(conn));
  return EVNET_NONE;
}

static bool take_rate(const char *value, void *user) {
  struct app *app = user;
  return command_line_parse_number(value, 1, RATE_MAX, &app->bytes_per_s);
}

int main(int argc, char **argv) {
  static const struct command_line_option own[] = {
      {"--rate=", take_rate, "must be 1 to 1073741824"}};
  static struct app app;
  struct command_line line = {.program = "numbers",
                              .usage = usage,
                              .no_udp = true,
                              .own = own,
                              .own_count = 1,
                              .user = &app};
  int exit_code = command_line_parse(&line, argc, argv);
  if (exit_code >= 0) return exit_code;

  const struct evnet_handler handler = {.on_boot = command_line_on_boot,
                                        .on_reactor_boot = on_reactor_boot,
                                        .on_open = on_open,
                                        .on_data = on_data,
                                        .on_below = on_below,
                                        .on_stopping = on_stopping,
                                        .on_close = on_close,
                                        .on_reactor_shutdown = on_reactor_shutdown};
  struct evnet_server *server = NULL;
  int status = evnet_server_create(&handler, &app, line.addresses, line.address_count,
                                   &line.options, &server);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGINT, COMMAND_LINE_DRAIN_MS);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGTERM, COMMAND_LINE_DRAIN_MS);
  if (status == 0) status = evnet_server_run(server);
  evnet_server_destroy(server);
  return command_line_exit_code(&line, status);
}
