// UDP in the simulated kernel: clients' sockets, and what the network does to datagrams.
//
//   client --send--> under way: each by itself --arrives--> receive queue --DATAGRAM--> reactor
//          <-receive- receive queue <--arrives-- under way <--send_datagrams------------
//
// A datagram arrives whole, after a delay of its own, not before one that its socket sent earlier
// unless it is one of those that overtake; a full receive queue loses it. A sender's socket is full
// while as many bytes as its buffer holds are under way.
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

struct evnet_sim_udp;  // a client's socket; the world's until evnet_sim_destroy

// evnet_sim_udp_open binds a client's socket to a port of its own.
//
//   host  the last part of 127.0.0.x.
//
// Returns: 0.
// Errors:  -ENOMEM.
EVNET_WARN_UNUSED int evnet_sim_udp_open(struct evnet_sim *sim, uint8_t host,
                                         struct evnet_sim_udp **out_udp);

// The client's address.
const struct evnet_address *evnet_sim_udp_address(const struct evnet_sim_udp *udp);

// evnet_sim_udp_send sends one datagram.
//
//   to  127.0.0.x and a port.
//
// Returns: size.
// Errors:  -EAGAIN when the socket is full; -EMSGSIZE; -ENOMEM.
int64_t evnet_sim_udp_send(struct evnet_sim_udp *udp, const struct evnet_address *to,
                           const void *data, size_t size);

// evnet_sim_udp_receive receives one datagram.
//
//   out       the first `size` bytes of it.
//   out_from  who sent it; NULL: nobody wants to know.
//
// Returns: its size.
// Errors:  -EAGAIN when there is none.
int64_t evnet_sim_udp_receive(struct evnet_sim_udp *udp, void *out, size_t size,
                              struct evnet_address *out_from);

// evnet_sim_udp_close: nobody is there any more. Twice is harmless.
void evnet_sim_udp_close(struct evnet_sim_udp *udp);

// evnet_sim_udp_dial makes a socket of the server's, connected to a client's, for
// evnet_poller_attach.
//
// Returns: a descriptor.
// Errors:  -EMFILE, -ENOMEM.
EVNET_WARN_UNUSED int evnet_sim_udp_dial(struct evnet_sim *sim, const struct evnet_sim_udp *peer);

// What only the simulation knows about a socket of the server's.
struct evnet_sim_udp_state {
  bool receiving;    // its recv is armed
  bool failed;       // it failed for good, and was not started again
  bool awaits_room;  // evnet_poller_await_room is under way
  bool has_room;     // and would be told at once
  bool has_error;    // of an earlier datagram, that nobody has been told
  uint32_t waiting;  // datagrams in its receive queue
};

// evnet_sim_udp_inspect looks at the server's socket that is bound to a port. Returns false when
// there is none, or its handle is detached.
bool evnet_sim_udp_inspect(const struct evnet_sim *sim, uint16_t port,
                           struct evnet_sim_udp_state *out_state);

// What became of datagrams between the server's sockets and the network.
enum evnet_sim_udp_event {
  EVNET_SIM_UDP_TAKEN,    // a send took it
  EVNET_SIM_UDP_REFUSED,  // a send was answered with an error for it
  EVNET_SIM_UDP_TOLD,     // a DATAGRAM brought it
};

struct evnet_sim_udp_news {
  enum evnet_sim_udp_event event;
  uint16_t port;                     // of the server's socket
  const struct evnet_address *from;  // and `to`: as they are on the network
  const struct evnet_address *to;
  const uint8_t *data;  // TOLD: perhaps less than was sent
  size_t size;
  bool truncated;
  int error;  // REFUSED: -errno
};

// evnet_sim_udp_set_watch names a function that is told, as it happens.
void evnet_sim_udp_set_watch(struct evnet_sim *sim,
                             void (*watch)(void *user, const struct evnet_sim_udp_news *news),
                             void *user);

// What the network has done to datagrams.
struct evnet_sim_udp_stats {
  uint64_t lost;        // by the network, or as nobody was there
  uint64_t overflowed;  // as the receive queue was full
  uint64_t duplicated;
  uint64_t arrived;  // in a receive queue
  uint64_t told;     // by a DATAGRAM
};
void evnet_sim_udp_stats_of(const struct evnet_sim *sim, struct evnet_sim_udp_stats *out_stats);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_TESTING_SIM_UDP_H_
