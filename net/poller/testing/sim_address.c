// The addresses of simulated sockets.
#include "net/poller/testing/sim_address.h"

#include <arpa/inet.h>
#include <string.h>

void sim_address_set_tcp(struct evnet_address *address, uint8_t host, uint16_t port) {
  *address =
      (struct evnet_address){.size = sizeof address->socket.ip4, .transport = EVNET_TRANSPORT_TCP};
  address->socket.ip4.sin_family = AF_INET;
  address->socket.ip4.sin_addr.s_addr = htonl(0x7f000000u | host);
  address->socket.ip4.sin_port = htons(port);
}

bool sim_address_is_same_host(const struct evnet_address *a, const struct evnet_address *b) {
  if (a->socket.any.sa_family != b->socket.any.sa_family) return false;
  if (a->socket.any.sa_family == AF_INET)
    return a->socket.ip4.sin_addr.s_addr == b->socket.ip4.sin_addr.s_addr;
  return memcmp(&a->socket.ip6.sin6_addr, &b->socket.ip6.sin6_addr, 16) == 0;
}

void sim_address_set_udp(struct evnet_address *address, uint32_t host, uint16_t port) {
  *address =
      (struct evnet_address){.size = sizeof address->socket.ip4, .transport = EVNET_TRANSPORT_UDP};
  address->socket.ip4.sin_family = AF_INET;
  address->socket.ip4.sin_addr.s_addr = htonl(host);
  address->socket.ip4.sin_port = htons(port);
}
