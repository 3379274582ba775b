// UDP in the simulated kernel: clients' sockets, and the network's treatment of datagrams.
//
//   client --send--> in flight: each by itself --arrives--> receive queue --DATAGRAM--> reactor
//          <-receive- receive queue <--arrives-- in flight <--send_datagrams------------
//
// Each datagram has its own delay. It does not arrive before an earlier datagram of its socket,
// unless the fault `overtaking` lets it. A full receive queue drops datagrams. A sender's socket is
// full while the datagrams that it has in flight fill its buffer.
#ifndef EVNET_NET_POLLER_TESTING_SIM_UDP_H_
#define EVNET_NET_POLLER_TESTING_SIM_UDP_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/base/address.h"
#include "net/base/status.h"
#include "net/poller/testing/sim.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_sim_udp;  // a client's socket; the world frees it

// evnet_sim_udp_open binds a client's socket to an unused port.
//
//   host  the last part of 127.0.0.x.
//
// Returns: 0.
// Errors:  -ENOMEM.
EVNET_WARN_UNUSED int evnet_sim_udp_open(struct evnet_sim *sim, uint8_t host,
                                         struct evnet_sim_udp **out_udp);

// Returns the client's address.
const struct evnet_address *evnet_sim_udp_address(const struct evnet_sim_udp *udp);

// evnet_sim_udp_send sends one datagram.
//
//   to  127.0.0.x and a port.
//
// Returns: size.
// Errors:  -EAGAIN if the socket is full.
//          -EMSGSIZE if the datagram is too long.
//          -ENOMEM.
int64_t evnet_sim_udp_send(struct evnet_sim_udp *udp, const struct evnet_address *to,
                           const void *data, size_t size);

// evnet_sim_udp_receive receives one datagram.
//
//   out       receives the datagram's first `size` bytes.
//   out_from  receives its sender; may be NULL if it is not needed.
//
// Returns: the datagram's size.
// Errors:  -EAGAIN if there is none.
int64_t evnet_sim_udp_receive(struct evnet_sim_udp *udp, void *out, size_t size,
                              struct evnet_address *out_from);

// evnet_sim_udp_close closes the socket. Calling it again has no effect.
void evnet_sim_udp_close(struct evnet_sim_udp *udp);

// evnet_sim_udp_dial creates a socket of the server that is connected to a client's. It is for
// evnet_poller_attach.
//
// Returns: a descriptor.
// Errors:  -EMFILE, -ENOMEM.
EVNET_WARN_UNUSED int evnet_sim_udp_dial(struct evnet_sim *sim, const struct evnet_sim_udp *peer);

// The state of a server's socket that only the simulation knows.
struct evnet_sim_udp_state {
  bool receiving;    // its recv is armed
  bool failed;       // receiving failed for good and was not started again
  bool awaits_room;  // evnet_poller_await_room is pending
  bool has_room;     // await_room would complete immediately
  bool has_error;    // of an earlier datagram, not yet reported
  uint32_t waiting;  // datagrams in its receive queue
};

// evnet_sim_udp_inspect returns the state of the server's socket that is bound to a port. It
// returns false if there is no such socket, or its handle is detached.
bool evnet_sim_udp_inspect(const struct evnet_sim *sim, uint16_t port,
                           struct evnet_sim_udp_state *out_state);

// Events of datagrams between the server's sockets and the network.
enum evnet_sim_udp_event {
  EVNET_SIM_UDP_TAKEN,    // a send took it
  EVNET_SIM_UDP_REFUSED,  // a send failed with an error for it
  EVNET_SIM_UDP_TOLD,     // a DATAGRAM reported it
};

struct evnet_sim_udp_news {
  enum evnet_sim_udp_event event;
  uint16_t port;                     // of the server's socket
  const struct evnet_address *from;  // `from` and `to` are the addresses on the network
  const struct evnet_address *to;
  const uint8_t *data;  // on delivery, may be shorter than the datagram that was sent
  size_t size;
  bool truncated;
  int error;  // REFUSED: -errno
};

// evnet_sim_udp_set_watch sets a function that is called for each event as it happens.
void evnet_sim_udp_set_watch(struct evnet_sim *sim,
                             void (*watch)(void *user, const struct evnet_sim_udp_news *news),
                             void *user);

// Counts of the network's treatment of datagrams.
struct evnet_sim_udp_stats {
  uint64_t lost;        // by the network, or because the address had no socket
  uint64_t overflowed;  // because the receive queue was full
  uint64_t duplicated;
  uint64_t arrived;  // in a receive queue
  uint64_t told;     // reported by a DATAGRAM
};
void evnet_sim_udp_stats_of(const struct evnet_sim *sim, struct evnet_sim_udp_stats *out_stats);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_TESTING_SIM_UDP_H_
