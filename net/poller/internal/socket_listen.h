// Opening sockets that wait for peers: listeners, and datagram sockets bound to an address.
#ifndef EVNET_NET_POLLER_INTERNAL_SOCKET_LISTEN_H_
#define EVNET_NET_POLLER_INTERNAL_SOCKET_LISTEN_H_

#include <stdbool.h>

#include "net/poller/internal/unix_listen.h"
#include "net/poller/poller.h"

#ifdef __cplusplus
extern "C" {
#endif

// Opens and binds a socket. A stream socket also listens. A UDP socket that is bound to all hosts
// or to a group is set to report the local host of each datagram.
//
// Returns a non-blocking, close-on-exec descriptor or -errno. A Unix listener is added to the list,
// and must be released before it is closed.
int evnet_socket_listen(const struct evnet_address *address,
                        const struct evnet_listen_options *options,
                        struct evnet_unix_listeners *unix_listeners);

// As evnet_poller_has_family.
bool evnet_socket_has_family(int family);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_INTERNAL_SOCKET_LISTEN_H_
