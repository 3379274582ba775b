// The simulated kernel's UDP sockets, and datagrams in flight. sim_udp.h is for tests.
#ifndef EVNET_NET_POLLER_TESTING_SIM_UDP_SOCKET_H_
#define EVNET_NET_POLLER_TESTING_SIM_UDP_SOCKET_H_

#include "net/poller/testing/sim_state.h"
#include "net/poller/testing/sim_udp.h"

enum { SIM_GROUPS_MAX = 8 };

// A datagram in flight, in a receive queue, or in a batch.
struct sim_datagram {
  struct sim_datagram *next;
  struct evnet_sim_udp *sender;
  uint64_t at_ns;  // when it arrives
  struct evnet_address from;
  struct evnet_address to;
  uint32_t size;
  uint8_t data[];
};

struct evnet_sim_udp {
  struct evnet_sim *sim;
  struct evnet_sim_udp *next;  // in the world's list
  struct evnet_address address;
  struct evnet_address peer;  // size 0: not connected
  bool closed;
  struct sim_datagram *first;  // of the receive queue
  struct sim_datagram *last;
  uint32_t waiting;
  uint32_t waiting_bytes;
  uint32_t receive_bytes_max;
  uint32_t send_bytes_max;
  uint32_t under_way_bytes;  // of its datagrams in flight
  uint64_t last_at_ns;       // its next datagram does not arrive before this, except by overtaking
  int error;                 // of an earlier datagram, positive; reported once
  struct evnet_address error_to;                // the address that it was sent to
  struct evnet_address groups[SIM_GROUPS_MAX];  // its memberships
  uint32_t group_count;
  // Datagrams that it sends to a group do not reach members on its own machine, the server's.
  bool loops_not;
  const struct sim_slot *slot;  // NULL: not attached
};

struct evnet_sim_udp *sim_udp_create(struct evnet_sim *sim, const struct evnet_address *address);
bool sim_udp_is_bound(const struct evnet_sim *sim, const struct evnet_address *address);
bool sim_udp_tells_local(const struct evnet_sim_udp *udp);  // bound to all hosts
bool sim_udp_has_room(const struct evnet_sim_udp *udp);
// Takes the first datagram of the receive queue; the caller owns it.
struct sim_datagram *sim_udp_pop(struct evnet_sim_udp *udp);
// Returns the error with which the system refuses to send to the address, or 0 if it sends.
int sim_udp_refusal(const struct evnet_address *to, size_t size);
// Puts a datagram in flight. Returns false if memory runs out.
bool sim_udp_post(struct evnet_sim_udp *udp, const struct evnet_address *from,
                  const struct evnet_address *to, const struct iovec *pieces, size_t count,
                  size_t size);
bool sim_udp_is_attached(const struct evnet_sim_udp *udp);
struct evnet_address sim_udp_address(const struct evnet_sim_udp *udp, bool of_peer);
uint16_t sim_udp_port(const struct evnet_sim_udp *udp);
void sim_udp_close(struct evnet_sim_udp *udp);  // again has no effect

// For all sockets of a world.
void sim_udp_advance(struct evnet_sim *sim);  // datagrams that are due arrive
uint64_t sim_udp_next_ns(const struct evnet_sim *sim);
void sim_udp_free_all(struct evnet_sim *sim);

#endif  // EVNET_NET_POLLER_TESTING_SIM_UDP_SOCKET_H_
