// The simulated kernel's UDP sockets, and the datagrams on their way. sim_udp.h is for tests.
#ifndef EVNET_NET_POLLER_TESTING_SIM_UDP_SOCKET_H_
#define EVNET_NET_POLLER_TESTING_SIM_UDP_SOCKET_H_

#include "net/poller/testing/sim_state.h"
#include "net/poller/testing/sim_udp.h"

enum { SIM_GROUPS_MAX = 8 };

// One that is under way, waits to be received, or is part of a batch.
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
  struct evnet_sim_udp *next;  // of the world's
  struct evnet_address address;
  struct evnet_address peer;  // size 0: it is not connected
  bool closed;
  struct sim_datagram *first;  // waiting to be received
  struct sim_datagram *last;
  uint32_t waiting;
  uint32_t waiting_bytes;
  uint32_t receive_bytes_max;
  uint32_t send_bytes_max;
  uint32_t under_way_bytes;  // sent by it
  uint64_t last_at_ns;       // nothing that it sends arrives earlier, unless it overtakes
  int error;                 // of an earlier one, positive: told once
  struct evnet_address groups[SIM_GROUPS_MAX];  // that it is a member of
  uint32_t group_count;
  bool loops_not;  // what it sends to a group does not reach its own machine, the server's
  const struct sim_slot *slot;  // NULL: not attached
};

struct evnet_sim_udp *sim_udp_create(struct evnet_sim *sim, const struct evnet_address *address);
bool sim_udp_is_bound(const struct evnet_sim *sim, const struct evnet_address *address);
bool sim_udp_tells_local(const struct evnet_sim_udp *udp);  // it is bound to all hosts
bool sim_udp_has_room(const struct evnet_sim_udp *udp);
struct sim_datagram *sim_udp_pop(struct evnet_sim_udp *udp);  // of those waiting; the caller's
// Why the system would not send it there; 0: it would.
int sim_udp_refusal(const struct evnet_address *to, size_t size);
// Puts one under way. False: out of memory.
bool sim_udp_post(struct evnet_sim_udp *udp, const struct evnet_address *from,
                  const struct evnet_address *to, const struct iovec *pieces, size_t count,
                  size_t size);
bool sim_udp_is_attached(const struct evnet_sim_udp *udp);
struct evnet_address sim_udp_address(const struct evnet_sim_udp *udp, bool of_peer);
uint16_t sim_udp_port(const struct evnet_sim_udp *udp);
void sim_udp_close(struct evnet_sim_udp *udp);  // twice is once

// All of a world's.
void sim_udp_advance(struct evnet_sim *sim);  // what is due arrives
uint64_t sim_udp_next_ns(const struct evnet_sim *sim);
void sim_udp_free_all(struct evnet_sim *sim);

#endif  // EVNET_NET_POLLER_TESTING_SIM_UDP_SOCKET_H_
