// Numbers the lines of each client: 01_framing [ADDRESS]
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evnet/evnet.h"

enum { LINE_BYTES_MAX = 4096, DRAIN_MS = 5000 };

// The state of one connection, from on_open to on_close.
struct session {
  uint64_t lines;
};

static enum evnet_action on_open(struct evnet_conn *conn, void *user) {
  (void)user;
  struct session *session = calloc(1, sizeof *session);
  if (session == NULL) return EVNET_CLOSE;  // no on_data follows
  evnet_conn_set_user(conn, session);
  return EVNET_NONE;
}

static void reply(struct evnet_conn *conn, uint64_t number, const uint8_t *line, size_t size) {
  char start[32];
  const int start_bytes = snprintf(start, sizeof start, "%" PRIu64 ": ", number);
  evnet_conn_write(conn, start, (size_t)start_bytes);
  evnet_conn_write(conn, line, size);
}

static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  (void)user;
  struct session *session = evnet_conn_user(conn);
  struct evnet_bytes in = evnet_conn_peek(conn);
  while (in.size > 0) {
    const uint8_t *end = memchr(in.data, '\n', in.size);
    const size_t size = end != NULL ? (size_t)(end - in.data) + 1 : in.size;
    if (size > LINE_BYTES_MAX) {
      evnet_conn_write(conn, "line too long\n", 14);
      return EVNET_CLOSE;
    }
    if (end == NULL) break;  // evnet presents these bytes again, together with the next ones
    reply(conn, ++session->lines, in.data, size);
    evnet_conn_discard(conn, size);
    in.data += size;
    in.size -= size;
  }
  return EVNET_NONE;
}

static enum evnet_action on_close(struct evnet_conn *conn, int reason, void *user) {
  (void)reason;
  (void)user;
  free(evnet_conn_user(conn));
  return EVNET_NONE;
}

int main(int argc, char **argv) {
  const char *const addresses[] = {argc > 1 ? argv[1] : "tcp://127.0.0.1:9000"};
  const struct evnet_handler handler = {
      .on_open = on_open, .on_data = on_data, .on_close = on_close};
  const struct evnet_options options = {.log = evnet_log_stderr, .log_level = EVNET_LOG_INFO};
  struct evnet_server *server = NULL;
  int status = evnet_server_create(&handler, NULL, addresses, 1, &options, &server);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGTERM, DRAIN_MS);
  if (status == 0) status = evnet_server_run(server);
  evnet_server_destroy(server);
  if (status < 0) fprintf(stderr, "01_framing: %s\n", evnet_status_message(status));
  return status == 0 ? 0 : 1;
}
