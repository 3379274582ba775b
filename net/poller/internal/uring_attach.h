// Attaching sockets to io_uring, and detaching them.
#ifndef EVNET_NET_POLLER_INTERNAL_URING_ATTACH_H_
#define EVNET_NET_POLLER_INTERNAL_URING_ATTACH_H_

#include "net/poller/internal/names.h"
#include "net/poller/internal/uring_state.h"

int uring_attach(struct evnet_poller *poller, int descriptor, enum evnet_transport transport,
                 struct evnet_handle *out_handle);
int uring_adopt(struct evnet_poller *poller, int descriptor, const struct evnet_socket_kind *kind,
                struct evnet_handle *out_handle);
int uring_listen(struct evnet_poller *poller, const struct evnet_address *address,
                 const struct evnet_listen_options *options, struct evnet_handle *out_handle);
void uring_detach(struct evnet_poller *poller, struct evnet_handle handle);
void uring_abort(struct evnet_poller *poller, struct evnet_handle handle);

#endif  // EVNET_NET_POLLER_INTERNAL_URING_ATTACH_H_
