// The addresses of a socket's two ends, normalized.
#ifndef EVNET_NET_POLLER_INTERNAL_SOCKET_ADDRESS_H_
#define EVNET_NET_POLLER_INTERNAL_SOCKET_ADDRESS_H_

#include "net/base/address.h"

#ifdef __cplusplus
extern "C" {
#endif

// Converts ::ffff:a.b.c.d to a.b.c.d.
void evnet_socket_unmap_ip4(struct evnet_address *address);

// Normalizes an address that the kernel returned: an IPv4 address is not mapped to IPv6, and a
// socket without a name has no Unix path.
void evnet_socket_normalize(struct evnet_address *address);

// Returns -ENOTCONN if the connection is dead; a Unix socket still has the address then.
int evnet_socket_remote_address(int descriptor, enum evnet_transport transport,
                                struct evnet_address *out_address);
int evnet_socket_local_address(int descriptor, enum evnet_transport transport,
                               struct evnet_address *out_address);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_INTERNAL_SOCKET_ADDRESS_H_
