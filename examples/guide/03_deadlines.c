// Sends lines back, and closes clients that are idle or slow: 03_deadlines [ADDRESS]
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "evnet/evnet.h"

// Short, so that you can watch them; a server for the internet has 60 s and 10 s.
enum { IDLE_MS = 1000, LINE_MS = 500, LINE_BYTES_MAX = 4096, DRAIN_MS = 5000 };

struct session {
  struct evnet_timer deadline;  // of the line that has begun
  struct evnet_conn *conn;
  bool line_begun;
};

static enum evnet_action on_open(struct evnet_conn *conn, void *user) {
  (void)user;
  struct session *session = calloc(1, sizeof *session);
  if (session == NULL) return EVNET_CLOSE;
  session->conn = conn;
  evnet_conn_set_user(conn, session);
  return EVNET_NONE;
}

static void on_deadline(struct evnet_timer *timer, void *user) {
  (void)timer;
  struct session *session = user;
  evnet_conn_write(session->conn, "too slow\n", 9);
  evnet_conn_close(session->conn);
}

static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  (void)user;
  struct session *session = evnet_conn_user(conn);
  const struct evnet_bytes in = evnet_conn_peek(conn);
  size_t complete = in.size;
  while (complete > 0 && in.data[complete - 1] != '\n') complete--;
  if (complete > 0) {
    evnet_conn_write(conn, in.data, complete);
    evnet_conn_discard(conn, complete);
    evnet_timer_stop(evnet_conn_reactor(conn), &session->deadline);
    session->line_begun = false;
  }
  if (in.size > complete && !session->line_begun) {
    session->line_begun = true;  // further bytes of this line do not extend its deadline
    evnet_timer_start(evnet_conn_reactor(conn), &session->deadline, LINE_MS, on_deadline, session);
  }
  return EVNET_NONE;
}

static enum evnet_action on_timeout(struct evnet_conn *conn, enum evnet_timeout which, void *user) {
  (void)user;
  if (which == EVNET_TIMEOUT_IDLE) evnet_conn_write(conn, "idle\n", 5);
  return EVNET_NONE;  // closes; EVNET_KEEP would restart the timeout
}

static enum evnet_action on_close(struct evnet_conn *conn, int reason, void *user) {
  (void)reason;
  (void)user;
  struct session *session = evnet_conn_user(conn);
  if (session != NULL) evnet_timer_stop(evnet_conn_reactor(conn), &session->deadline);
  free(session);
  return EVNET_NONE;
}

int main(int argc, char **argv) {
  const char *const addresses[] = {argc > 1 ? argv[1] : "tcp://127.0.0.1:9000"};
  const struct evnet_handler handler = {
      .on_open = on_open, .on_data = on_data, .on_timeout = on_timeout, .on_close = on_close};
  const struct evnet_options options = {.idle_timeout_ms = IDLE_MS,
                                        .write_timeout_ms = 10000,
                                        .lifetime_ms = 3600000,
                                        .inbound_bytes_max = LINE_BYTES_MAX,
                                        .log = evnet_log_stderr,
                                        .log_level = EVNET_LOG_INFO};
  struct evnet_server *server = NULL;
  int status = evnet_server_create(&handler, NULL, addresses, 1, &options, &server);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGTERM, DRAIN_MS);
  if (status == 0) status = evnet_server_run(server);
  evnet_server_destroy(server);
  if (status < 0) fprintf(stderr, "03_deadlines: %s\n", evnet_status_message(status));
  return status == 0 ? 0 : 1;
}
