// Opens, closes and pauses addresses while it runs: 11_addresses [CONTROL-ADDRESS]
// The control address takes lines: "open ADDRESS", "close INDEX", "pause INDEX", "resume INDEX".
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evnet/evnet.h"

enum { CONTROL_INDEX = 0, LINE_BYTES_MAX = 256, DRAIN_MS = 5000 };

static struct evnet_server *server;

// Runs on reactor 0 when all reactors have carried out the request.
static void on_done(struct evnet_server *of, size_t index, int status, void *user) {
  struct evnet_conn_id *asker = user;
  char line[64];
  const int size = status < 0 ? snprintf(line, sizeof line, "%s\n", evnet_status_name(status))
                              : snprintf(line, sizeof line, "address %zu: done\n", index);
  (void)evnet_async_write(of, *asker, line, (size_t)size, NULL, NULL);  // it may have gone
  free(asker);
}

static int request(const char *line, struct evnet_conn_id *asker) {
  if (strncmp(line, "open ", 5) == 0) {
    const struct evnet_listen listen = {.address = line + 5};
    return evnet_server_add_address(server, &listen, on_done, asker);
  }
  const char *number = strchr(line, ' ');
  if (number == NULL) return -EINVAL;
  const size_t index = (size_t)strtoul(number, NULL, 10);
  if (index == CONTROL_INDEX) return -EPERM;
  if (strncmp(line, "close ", 6) == 0)
    return evnet_server_remove_address(server, index, on_done, asker);
  if (strncmp(line, "pause ", 6) == 0)
    return evnet_server_pause_accept(server, index, on_done, asker);
  if (strncmp(line, "resume ", 7) == 0)
    return evnet_server_resume_accept(server, index, on_done, asker);
  return -EINVAL;
}

static enum evnet_action on_control(struct evnet_conn *conn) {
  const struct evnet_bytes in = evnet_conn_peek(conn);
  const uint8_t *end = memchr(in.data, '\n', in.size);
  if (end == NULL) return in.size < LINE_BYTES_MAX ? EVNET_NONE : EVNET_CLOSE;
  const size_t size = (size_t)(end - in.data);
  char line[LINE_BYTES_MAX] = "";
  if (size >= sizeof line) return EVNET_CLOSE;
  memcpy(line, in.data, size);
  evnet_conn_discard(conn, size + 1);
  struct evnet_conn_id *asker = malloc(sizeof *asker);
  if (asker == NULL) return EVNET_CLOSE;
  *asker = evnet_conn_get_id(conn);
  const int status = request(line, asker);
  if (status == 0) return EVNET_NONE;  // on_done replies
  on_done(server, CONTROL_INDEX, status, asker);
  return EVNET_NONE;
}

static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  (void)user;
  if (evnet_conn_listener_index(conn) == CONTROL_INDEX) return on_control(conn);
  const struct evnet_bytes in = evnet_conn_peek(conn);
  evnet_conn_write(conn, in.data, in.size);
  evnet_conn_discard(conn, in.size);
  return EVNET_NONE;
}

int main(int argc, char **argv) {
  const char *const addresses[] = {argc > 1 ? argv[1] : "tcp://127.0.0.1:9000"};
  const struct evnet_handler handler = {.on_data = on_data};
  const struct evnet_options options = {.log = evnet_log_stderr, .log_level = EVNET_LOG_INFO};
  int status = evnet_server_create(&handler, NULL, addresses, 1, &options, &server);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGTERM, DRAIN_MS);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGINT, DRAIN_MS);
  if (status == 0) status = evnet_server_run(server);
  evnet_server_destroy(server);
  if (status < 0) fprintf(stderr, "11_addresses: %s\n", evnet_status_message(status));
  return status == 0 ? 0 : 1;
}
