// Connecting a socket, for every backend: from socket(2) to the result of connect(2).
#ifndef EVNET_NET_POLLER_INTERNAL_SOCKET_CONNECT_H_
#define EVNET_NET_POLLER_INTERNAL_SOCKET_CONNECT_H_

#include "net/poller/poller.h"

#ifdef __cplusplus
extern "C" {
#endif

// Opens, binds and begins to connect. Returns a non-blocking, close-on-exec descriptor, or -errno.
//
//   out_status  with a descriptor: 0 when it is connected, -EINPROGRESS when it will be writable
//               once it is, or has failed.
int evnet_socket_connect(const struct evnet_address *address,
                         const struct evnet_connect_options *options, int *out_status);

// The result, when the socket is writable: 0, -errno, or -EINPROGRESS: that was a false alarm.
int evnet_socket_connect_result(int descriptor);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_INTERNAL_SOCKET_CONNECT_H_
