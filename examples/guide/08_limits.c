// Reports how many clients it serves and how many it has refused: 08_limits [ADDRESS]
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "evnet/evnet.h"

// Small, so that you can reach them; a server for the internet has 100000 and 100.
enum { CONNECTIONS_MAX = 6, CONNECTIONS_PER_ADDRESS_MAX = 4, DRAIN_MS = 5000 };

struct app {
  struct evnet_server *server;
};

static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  const struct app *app = user;
  evnet_conn_discard(conn, evnet_conn_inbound_bytes(conn));
  struct evnet_server_stats stats;
  evnet_server_get_stats(app->server, &stats);
  char text[80];
  const int size = snprintf(text, sizeof text, "%" PRIu64 " open, %" PRIu64 " refused\n",
                            stats.connections_open, stats.connections_refused);
  evnet_conn_write(conn, text, (size_t)size);
  return EVNET_NONE;
}

int main(int argc, char **argv) {
  const char *const addresses[] = {argc > 1 ? argv[1] : "tcp://127.0.0.1:9000"};
  const struct evnet_handler handler = {.on_data = on_data};
  const struct evnet_options options = {
      .connections_max = CONNECTIONS_MAX,
      .connections_full_action = EVNET_FULL_REFUSE,  // instead of letting clients wait
      .connections_per_address_max = CONNECTIONS_PER_ADDRESS_MAX,
      .inbound_bytes_max = 64 * 1024,  // unread bytes of one connection
      .outbound_high_water_bytes = 64 * 1024,
      .outbound_bytes_max = 512 * 1024,  // queued output of one connection
      .log = evnet_log_stderr,
      .log_level = EVNET_LOG_INFO,
  };
  struct app app = {0};
  int status = evnet_server_create(&handler, &app, addresses, 1, &options, &app.server);
  if (status == 0) status = evnet_server_stop_on_signal(app.server, SIGTERM, DRAIN_MS);
  if (status == 0) status = evnet_server_run(app.server);
  evnet_server_destroy(app.server);
  if (status < 0) fprintf(stderr, "08_limits: %s\n", evnet_status_message(status));
  return status == 0 ? 0 : 1;
}
