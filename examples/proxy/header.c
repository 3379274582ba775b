// The headers that the proxy sends, by net/proxy_protocol. tcp.c reads those of clients.
#include "examples/proxy/app.h"

void header_write(struct evnet_conn *client, const struct evnet_proxy_header *received, int version,
                  struct evnet_conn *upstream) {
  struct evnet_proxy_header header = {.version = version};
  if (received != NULL && !received->is_local) {
    header.source = received->source;
    header.destination = received->destination;
    header.fields = received->fields;
  } else {
    evnet_conn_remote_address(client, &header.source);
    // Without both addresses, the header states none.
    header.is_local = evnet_conn_local_address(client, &header.destination) < 0;
  }
  uint8_t bytes[EVNET_PROXY_HEADER_BYTES_MAX];
  ssize_t size = evnet_proxy_write(&header, false, bytes, sizeof bytes);
  if (size < 0) {
    // A header without addresses may become too long by them.
    header.fields = (struct evnet_bytes){0};
    size = evnet_proxy_write(&header, false, bytes, sizeof bytes);
  }
  if (size > 0) evnet_conn_write(upstream, bytes, (size_t)size);
}
