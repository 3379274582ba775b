// The sockets of a simulated poller's handles: listening, attaching, moving and detaching.
#ifndef EVNET_NET_POLLER_TESTING_SIM_ATTACH_H_
#define EVNET_NET_POLLER_TESTING_SIM_ATTACH_H_

#include "net/poller/testing/sim_state.h"

int sim_listen(struct evnet_poller *poller, const struct evnet_address *address,
               const struct evnet_listen_options *options, struct evnet_handle *out_handle);
int sim_attach(struct evnet_poller *poller, int descriptor, enum evnet_transport transport,
               struct evnet_handle *out_handle);
int sim_identify(struct evnet_poller *poller, int descriptor, struct evnet_socket_kind *out_kind);
int sim_adopt(struct evnet_poller *poller, int descriptor, const struct evnet_socket_kind *kind,
              struct evnet_handle *out_handle);
int sim_move(struct evnet_poller *poller, struct evnet_handle from, struct evnet_handle to);
void sim_discard_descriptor(struct evnet_poller *poller, int descriptor);
void sim_detach(struct evnet_poller *poller, struct evnet_handle handle);
void sim_abort(struct evnet_poller *poller, struct evnet_handle handle);

#endif  // EVNET_NET_POLLER_TESTING_SIM_ATTACH_H_
