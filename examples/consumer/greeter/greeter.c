#include "greeter/greeter.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "evnet/evnet.h"
#include "net/buffer/ring.h"
#include "net/server/server.h"

// Replies to each complete line. An incomplete line stays unread until the rest arrives.
static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  (void)user;
  for (;;) {
    struct evnet_bytes unread = evnet_conn_peek(conn);
    const uint8_t *end = unread.size > 0 ? memchr(unread.data, '\n', unread.size) : NULL;
    if (!end) return EVNET_NONE;
    size_t line_size = (size_t)(end - unread.data) + 1;

    // Assembles the reply in an evnet ring, to show the buffer layer by itself.
    struct evnet_ring reply = {0};
    enum evnet_action action = EVNET_CLOSE;
    if (evnet_ring_append(&reply, RING_PREFIX, RING_PREFIX_BYTES) == 0 &&
        evnet_ring_append(&reply, unread.data, line_size) == 0 &&
        evnet_ring_size(&reply) == server_reply_size(line_size)) {
      evnet_conn_write(conn, RING_PREFIX, RING_PREFIX_BYTES);
      evnet_conn_write(conn, unread.data, line_size);
      action = EVNET_NONE;
    }
    evnet_ring_deinit(&reply);
    if (action != EVNET_NONE) return action;
    evnet_conn_discard(conn, line_size);
  }
}

int greeter_start(uint16_t port, struct evnet_server **out_server, uint16_t *out_port) {
  static const struct evnet_handler handler = {.on_data = on_data};
  char address[32];
  snprintf(address, sizeof address, "tcp://127.0.0.1:%u", (unsigned)port);
  const char *addresses[] = {address};
  struct evnet_options options = {0};

  struct evnet_server *server = NULL;
  int status = evnet_server_create(&handler, NULL, addresses, 1, &options, &server);
  if (status < 0) return status;
  status = evnet_server_start(server);
  struct evnet_address bound;
  if (status >= 0) status = evnet_server_address(server, 0, &bound);
  if (status < 0) {
    evnet_server_destroy(server);
    return status;
  }
  *out_port = evnet_address_port(&bound);
  *out_server = server;
  return 0;
}
