// Sends every byte back to its sender: 00_echo [ADDRESS]
#include "evnet/evnet.h"

static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  (void)user;
  const struct evnet_bytes in = evnet_conn_peek(conn);  // all unread bytes
  evnet_conn_write(conn, in.data, in.size);             // sent when on_data returns
  evnet_conn_discard(conn, in.size);                    // consumes them
  return EVNET_NONE;
}

int main(int argc, char **argv) {
  const char *const addresses[] = {argc > 1 ? argv[1] : "tcp://127.0.0.1:9000"};
  const struct evnet_handler handler = {.on_data = on_data};
  const struct evnet_options options = {.log_level = EVNET_LOG_INFO};
  return evnet_serve(&handler, NULL, addresses, 1, &options) == 0 ? 0 : 1;
}
