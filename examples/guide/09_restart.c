// Stops without losing a reply, and shares its port with its successor: 09_restart [ADDRESS]
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "evnet/evnet.h"

enum { WORK_MS = 100, DRAIN_MS = 5000 };

struct session {
  struct evnet_timer work;  // stands for a query: the reply comes later
  struct evnet_conn *conn;
};

static void on_result(struct evnet_timer *timer, void *user) {
  (void)timer;
  struct session *session = user;
  char text[32];
  const int size = snprintf(text, sizeof text, "process %jd\n", (intmax_t)getpid());
  evnet_conn_write(session->conn, text, (size_t)size);
  evnet_conn_release(session->conn);  // reading resumes
}

static enum evnet_action on_open(struct evnet_conn *conn, void *user) {
  (void)user;
  struct session *session = calloc(1, sizeof *session);
  if (session == NULL) return EVNET_CLOSE;
  session->conn = conn;
  evnet_conn_set_user(conn, session);
  return EVNET_NONE;
}

static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  (void)user;
  struct session *session = evnet_conn_user(conn);
  if (evnet_conn_holds(conn) > 0) return EVNET_NONE;  // one request at a time
  evnet_conn_discard(conn, evnet_conn_inbound_bytes(conn));
  if (evnet_conn_hold(conn) < 0) return EVNET_CLOSE;
  evnet_timer_start(evnet_conn_reactor(conn), &session->work, WORK_MS, on_result, session);
  return EVNET_NONE;
}

static void on_stopping(struct evnet_conn *conn, void *user) {
  (void)user;
  evnet_conn_write(conn, "stopping\n", 9);
}

static enum evnet_action on_close(struct evnet_conn *conn, int reason, void *user) {
  (void)reason;
  (void)user;
  struct session *session = evnet_conn_user(conn);
  if (session != NULL) evnet_timer_stop(evnet_conn_reactor(conn), &session->work);
  free(session);
  return EVNET_NONE;
}

int main(int argc, char **argv) {
  const char *const addresses[] = {argc > 1 ? argv[1] : "tcp://127.0.0.1:9000"};
  const struct evnet_handler handler = {
      .on_open = on_open, .on_data = on_data, .on_stopping = on_stopping, .on_close = on_close};
  const struct evnet_options options = {
      .reuse_port = true, .holds_max = 1, .log = evnet_log_stderr, .log_level = EVNET_LOG_INFO};
  struct evnet_server *server = NULL;
  int status = evnet_server_create(&handler, NULL, addresses, 1, &options, &server);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGTERM, DRAIN_MS);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGINT, DRAIN_MS);
  if (status == 0) status = evnet_server_run(server);
  evnet_server_destroy(server);
  if (status < 0) fprintf(stderr, "09_restart: %s\n", evnet_status_message(status));
  return status == 0 ? 0 : 1;
}
