// Bytes, ends and resets between two ends. Functions return the -errno of the corresponding system
// calls.
#ifndef EVNET_NET_POLLER_TESTING_SIM_SOCKET_H_
#define EVNET_NET_POLLER_TESTING_SIM_SOCKET_H_

#include "net/poller/testing/sim_state.h"

struct evnet_sim_socket *sim_socket_create(struct evnet_sim *sim,
                                           bool is_server);  // NULL: no memory
int64_t sim_socket_send(struct evnet_sim_socket *socket, const struct iovec *pieces, size_t count);
int64_t sim_socket_recv(struct evnet_sim_socket *socket, void *out, size_t size);
void sim_socket_end(struct evnet_sim_socket *socket);
void sim_socket_close(struct evnet_sim_socket *socket, bool reset);
uint32_t sim_socket_room(const struct evnet_sim_socket *socket);
// Whether both directions have ended gracefully and nothing is left to read.
bool sim_socket_is_over(const struct evnet_sim_socket *socket);

// For all sockets of a world.
void sim_socket_advance(struct evnet_sim *sim);  // segments that are due arrive
uint64_t sim_socket_next_ns(const struct evnet_sim *sim);
void sim_socket_free_all(struct evnet_sim *sim);

#endif  // EVNET_NET_POLLER_TESTING_SIM_SOCKET_H_
