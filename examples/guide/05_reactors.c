// Counts lines on several reactors: 05_reactors [ADDRESS]
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

#include "evnet/evnet.h"

enum { REACTORS = 4, CACHE_LINE_BYTES = 64, DRAIN_MS = 5000 };

// Only its reactor uses it, so it needs no lock. Its own cache line keeps other reactors fast.
struct counter {
  _Alignas(CACHE_LINE_BYTES) uint64_t lines;
};

struct app {
  struct counter here[REACTORS];
  atomic_uint_fast64_t total;  // used by all reactors
};

static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  struct app *app = user;
  const uint32_t reactor = evnet_conn_get_id(conn).reactor;
  const struct evnet_bytes in = evnet_conn_peek(conn);
  for (size_t i = 0; i < in.size; i++) {
    if (in.data[i] != '\n') continue;
    const uint64_t here = ++app->here[reactor].lines;
    const uint64_t total = atomic_fetch_add(&app->total, 1) + 1;
    char text[80];
    const int size =
        snprintf(text, sizeof text, "reactor %" PRIu32 ": %" PRIu64 " here, %" PRIu64 " in total\n",
                 reactor, here, total);
    evnet_conn_write(conn, text, (size_t)size);
  }
  evnet_conn_discard(conn, in.size);
  return EVNET_NONE;
}

int main(int argc, char **argv) {
  const char *const addresses[] = {argc > 1 ? argv[1] : "tcp://127.0.0.1:9000"};
  const struct evnet_handler handler = {.on_data = on_data};
  const struct evnet_options options = {
      .reactors = REACTORS,  // EVNET_REACTOR_PER_CPU: one for each CPU
      .balancer = EVNET_ROUND_ROBIN,
      .log = evnet_log_stderr,
      .log_level = EVNET_LOG_INFO,
  };
  static struct app app;
  struct evnet_server *server = NULL;
  int status = evnet_server_create(&handler, &app, addresses, 1, &options, &server);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGTERM, DRAIN_MS);
  if (status == 0) status = evnet_server_run(server);
  evnet_server_destroy(server);
  if (status < 0) fprintf(stderr, "05_reactors: %s\n", evnet_status_message(status));
  return status == 0 ? 0 : 1;
}
