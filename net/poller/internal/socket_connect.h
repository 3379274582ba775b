// Connecting a socket, for every backend: from socket(2) to the result of connect(2).
#ifndef EVNET_NET_POLLER_INTERNAL_SOCKET_CONNECT_H_
#define EVNET_NET_POLLER_INTERNAL_SOCKET_CONNECT_H_

#include "net/poller/poller.h"

#ifdef __cplusplus
extern "C" {
#endif

// Opens and binds a socket, and starts to connect it. Returns a non-blocking, close-on-exec
// descriptor, or -errno.
//
//   out_status  set if a descriptor is returned: 0 if the socket is connected; -EINPROGRESS if it
//               will become writable once it is connected or has failed.
int evnet_socket_connect(const struct evnet_address *address,
                         const struct evnet_connect_options *options, int *out_status);

// Returns the result once the socket is writable: 0, -errno, or -EINPROGRESS if the event was
// spurious.
int evnet_socket_connect_result(int descriptor);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_INTERNAL_SOCKET_CONNECT_H_
