// The addresses of a socket's two ends, in one form each.
#ifndef EVNET_NET_POLLER_INTERNAL_SOCKET_ADDRESS_H_
#define EVNET_NET_POLLER_INTERNAL_SOCKET_ADDRESS_H_

#include "net/base/address.h"

#ifdef __cplusplus
extern "C" {
#endif

// Makes ::ffff:a.b.c.d a.b.c.d.
void evnet_socket_unmap_ip4(struct evnet_address *address);

// Gives an address that the kernel returned the one form that evnet uses: an IPv4 address as such,
// and no Unix path where the socket has no name.
void evnet_socket_normalize(struct evnet_address *address);

// -ENOTCONN once the connection is dead; a Unix socket's still has it.
int evnet_socket_remote_address(int descriptor, enum evnet_transport transport,
                                struct evnet_address *out_address);
int evnet_socket_local_address(int descriptor, enum evnet_transport transport,
                               struct evnet_address *out_address);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_INTERNAL_SOCKET_ADDRESS_H_
