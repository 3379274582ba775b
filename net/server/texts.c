// The addresses that a text resolves to.
#include <errno.h>
#include <string.h>

#include "net/base/text.h"
#include "net/server/internal/state.h"

static bool is_same(const struct evnet_address *a, const struct evnet_address *b) {
  return a->size == b->size && memcmp(&a->socket, &b->socket, a->size) == 0;
}

// /etc/hosts may contain a line twice, and the second bind(2) would fail.
size_t server_add_sockets(struct server_address *sockets, size_t count, uint8_t index,
                          const struct evnet_address *found, size_t found_count) {
  const size_t first = count;
  for (size_t i = 0; i < found_count; i++) {
    size_t same = first;
    while (same < count && !is_same(&sockets[same].address, &found[i])) same++;
    if (same < count) continue;
    sockets[count++] = (struct server_address){.address = found[i], .index = index};
  }
  return count;
}

int server_resolve_text(const struct evnet_server *server, const char *text, int count_max,
                        struct evnet_address *found) {
  char message[EVNET_ADDRESS_MESSAGE_BYTES];
  char shown[EVNET_TEXT_BYTES];
  // Ask for one more than fits, to detect that there are too many.
  int count = evnet_address_resolve_all(text, found, count_max + 1, message, sizeof message);
  if (count < 0) {
    evnet_log(&server->logger, EVNET_LOG_ERROR, "%s", message);
    return count;
  }
  if (count > count_max) {
    evnet_log(&server->logger, EVNET_LOG_ERROR,
              "address '%s': more than %d addresses in total, including those of names",
              evnet_text_escape(text, shown, sizeof shown), EVNET_LISTENER_SOCKETS_MAX);
    return -ENOBUFS;
  }
  if (server->options.reuse_port && found[0].transport == EVNET_TRANSPORT_UNIX) {
    evnet_log(&server->logger, EVNET_LOG_ERROR,
              "address '%s': a Unix socket does not support option reuse_port",
              evnet_text_escape(text, shown, sizeof shown));
    return EVNET_STATUS_OPTION;
  }
  return count;
}
