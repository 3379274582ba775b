// Sends each line of standard input to all clients: 13_descriptors [ADDRESS]
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "evnet/evnet.h"

enum { CLIENTS_MAX = 1000, DRAIN_MS = 1000 };

struct app {
  struct evnet_watcher input;
  struct evnet_conn *clients[CLIENTS_MAX];
  size_t count;
};

static void send_to_all(const struct app *app, const char *data, size_t size) {
  for (size_t i = 0; i < app->count; i++) evnet_conn_write(app->clients[i], data, size);
}

static void on_input(struct evnet_watcher *watcher, uint32_t events, void *user) {
  struct app *app = user;
  if (events == EVNET_WATCH_ENDED) return;  // the reactor has ended
  // One read(2) for each event does not block, because nothing else reads. O_NONBLOCK would also
  // hold for the shell, which shares the terminal.
  char data[4096];
  const ssize_t got = read(STDIN_FILENO, data, sizeof data);
  if (got > 0) send_to_all(app, data, (size_t)got);
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) evnet_watch_stop(watcher);
}

static enum evnet_action on_reactor_boot(struct evnet_reactor *reactor, void *user) {
  struct app *app = user;
  const int status = evnet_watch(reactor, STDIN_FILENO, EVNET_READABLE, on_input, app, &app->input);
  if (status == 0) return EVNET_NONE;
  fprintf(stderr, "13_descriptors: cannot watch standard input: %s\n",
          evnet_status_message(status));
  return EVNET_SHUTDOWN;
}

static enum evnet_action on_open(struct evnet_conn *conn, void *user) {
  struct app *app = user;
  if (app->count == CLIENTS_MAX) return EVNET_CLOSE;
  app->clients[app->count++] = conn;
  evnet_conn_write(conn, "ready\n", 6);
  return EVNET_NONE;
}

static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  (void)user;
  evnet_conn_discard(conn, evnet_conn_inbound_bytes(conn));
  return EVNET_NONE;
}

static enum evnet_action on_close(struct evnet_conn *conn, int reason, void *user) {
  (void)reason;
  struct app *app = user;
  for (size_t i = 0; i < app->count; i++) {
    if (app->clients[i] == conn) app->clients[i] = app->clients[--app->count];
  }
  return EVNET_NONE;
}

int main(int argc, char **argv) {
  static struct app app;
  const char *const addresses[] = {argc > 1 ? argv[1] : "tcp://127.0.0.1:9000"};
  const struct evnet_handler handler = {
      .on_reactor_boot = on_reactor_boot,
      .on_open = on_open,
      .on_data = on_data,
      .on_close = on_close,
  };
  const struct evnet_options options = {.log = evnet_log_stderr, .log_level = EVNET_LOG_INFO};
  struct evnet_server *server = NULL;
  int status = evnet_server_create(&handler, &app, addresses, 1, &options, &server);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGTERM, DRAIN_MS);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGINT, DRAIN_MS);
  if (status == 0) status = evnet_server_run(server);
  evnet_server_destroy(server);
  if (status < 0) fprintf(stderr, "13_descriptors: %s\n", evnet_status_message(status));
  return status == 0 ? 0 : 1;
}
