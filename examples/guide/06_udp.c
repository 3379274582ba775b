// Sends datagrams back; those that begin with "later" after a while: 06_udp [ADDRESS]
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evnet/evnet.h"

enum { LATER_MS = 200, LATE_MAX = 10000, DATAGRAM_BYTES_MAX = 1500, DRAIN_MS = 5000 };

struct app {
  struct evnet_server *server;
};

struct late_reply {
  struct evnet_server *server;
  struct evnet_conn_id socket;
  struct evnet_address from;  // the address that the client sent to
  struct evnet_address to;    // the client
  size_t size;
  uint8_t data[];
};

// Uses the id, because a stop that reaches its deadline closes the socket and still calls this.
static void send_late(void *user) {
  struct late_reply *reply = user;
  evnet_async_send_from(reply->server, reply->socket, &reply->from, &reply->to, reply->data,
                        reply->size, NULL, NULL);
  evnet_async_release(reply->server, reply->socket);
  free(reply);
}

static int reply_later(struct evnet_conn *conn, const struct app *app, struct evnet_bytes in) {
  struct late_reply *reply = malloc(sizeof *reply + in.size);
  if (reply == NULL) return -1;
  *reply = (struct late_reply){
      .server = app->server, .socket = evnet_conn_get_id(conn), .size = in.size};
  memcpy(reply->data, in.data, in.size);
  evnet_conn_remote_address(conn, &reply->to);
  if (evnet_conn_local_address(conn, &reply->from) == 0 && evnet_conn_hold(conn) == 0) {
    if (evnet_reactor_post_after(evnet_conn_reactor(conn), LATER_MS, send_late, reply) == 0)
      return 0;
    evnet_conn_release(conn);
  }
  free(reply);
  return -1;
}

// Called once for each datagram.
static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  const struct evnet_bytes in = evnet_conn_peek(conn);
  if (evnet_conn_is_truncated(conn)) return EVNET_NONE;  // longer than DATAGRAM_BYTES_MAX: dropped
  if (in.size < 5 || memcmp(in.data, "later", 5) != 0) {
    evnet_conn_write(conn, in.data, in.size);  // one datagram, to the sender
  } else if (reply_later(conn, user, in) < 0) {
    evnet_conn_write(conn, "busy\n", 5);
  }
  return EVNET_NONE;
}

int main(int argc, char **argv) {
  const char *const addresses[] = {argc > 1 ? argv[1] : "udp://:9000"};
  const struct evnet_handler handler = {.on_data = on_data};
  const struct evnet_options options = {.udp_datagram_bytes_max = DATAGRAM_BYTES_MAX,
                                        .holds_max = LATE_MAX,
                                        .log = evnet_log_stderr,
                                        .log_level = EVNET_LOG_INFO};
  struct app app = {0};
  int status = evnet_server_create(&handler, &app, addresses, 1, &options, &app.server);
  if (status == 0) status = evnet_server_stop_on_signal(app.server, SIGTERM, DRAIN_MS);
  if (status == 0) status = evnet_server_run(app.server);
  evnet_server_destroy(app.server);
  if (status < 0) fprintf(stderr, "06_udp: %s\n", evnet_status_message(status));
  return status == 0 ? 0 : 1;
}
