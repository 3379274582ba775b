// The simulated kernel's state, shared only by its files.
#ifndef EVNET_NET_POLLER_TESTING_SIM_STATE_H_
#define EVNET_NET_POLLER_TESTING_SIM_STATE_H_

#include "net/poller/internal/backend.h"
#include "net/poller/testing/sim.h"
#include "net/poller/testing/sim_udp.h"

enum {
  SIM_SEGMENTS_MAX = 32,
  SIM_DESCRIPTORS_MAX = 1024,
  SIM_QUEUE_MAX = 64,
  SIM_LISTENERS_MAX = 32,
  SIM_POLLERS_MAX = 64,
  SIM_TRACE_EVENTS = 512,
};

enum sim_segment_kind { SIM_DATA, SIM_END, SIM_RESET };

struct sim_segment {
  uint64_t at_ns;  // when it arrives; never before an earlier segment
  uint32_t bytes;  // of SIM_DATA
  enum sim_segment_kind kind;
};

// A byte queue in a block of fixed size.
struct sim_bytes {
  uint8_t *block;
  uint32_t capacity;
  uint32_t first;
  uint32_t size;
};

struct evnet_sim_dialling;
struct sim_datagram;
struct sim_slot;

// One end of a connection.
struct evnet_sim_socket {
  struct evnet_sim *sim;
  struct evnet_sim_socket *other;
  struct evnet_sim_socket *next;  // in the world's list
  struct evnet_address address;   // of this end
  uint32_t id;                    // for the trace; both ends have the client's port
  bool is_server;

  struct sim_bytes out;  // the send buffer: sent, but not arrived
  struct sim_segment segments[SIM_SEGMENTS_MAX];
  uint32_t segment_first;
  uint32_t segment_count;
  struct sim_bytes in;  // arrived, but not read
  size_t sent_bytes;    // in total

  bool closed;       // by its user
  bool write_ended;  // EOF was sent
  bool end_arrived;  // EOF has arrived, after the bytes in `in`
  bool dead;         // reset: nothing more is sent or received
  bool reset_sent;
  bool reset_by_network;
  uint64_t active_ns;  // when bytes were last read from it or written to it
  uint64_t sent_ns;    // when bytes were last written to it
  uint64_t unread_ns;  // since when `in` has bytes
  uint64_t room_ns;    // since when `out` has room
  uint64_t fell_ns;    // when bytes of `out` last arrived
  int error;           // pending, positive; reported once
  bool was_accepted;
  uint64_t ready_ns;  // when a server's end is established
  int options[EVNET_SOCKET_OPTIONS];
  const struct sim_slot *slot;  // NULL: not attached
};

// A listening socket.
struct sim_listener {
  bool open;
  bool reuse_port;
  struct evnet_address address;
  struct evnet_sim_socket *queue[SIM_QUEUE_MAX];  // server ends, ordered by ready_ns
  uint32_t queue_count;
  uint32_t queue_max;
};

// The object of a descriptor.
struct sim_descriptor {
  struct evnet_sim_socket *socket;
  struct sim_listener *listener;
  struct evnet_sim_udp *udp;
  struct evnet_sim_device *device;
};

// A file that is not evnet's, which a poller may watch.
struct evnet_sim_device {
  struct evnet_sim *sim;
  struct evnet_sim_device *next;  // in the world's list
  int descriptor;                 // -1 once its owner has closed it
  uint32_t events;                // that hold
};

struct sim_event {
  uint64_t at_ns;
  const char *what;
  int64_t values[3];
};

struct sim_poller;

struct evnet_sim {
  struct evnet_kernel kernel;  // first: the public pointer points here
  struct evnet_sim_options options;
  uint64_t random_state;
  uint64_t now_ns;

  struct evnet_sim_socket *sockets;
  struct sim_listener listeners[SIM_LISTENERS_MAX];
  struct sim_descriptor descriptors[SIM_DESCRIPTORS_MAX];
  uint32_t descriptors_open;
  struct evnet_sim_udp *udps;
  struct evnet_sim_device *devices;
  struct sim_datagram *datagrams;  // in flight, ordered by arrival
  struct evnet_sim_udp_stats udp_stats;
  void (*udp_watch)(void *user, const struct evnet_sim_udp_news *news);
  void *udp_watch_user;
  uint16_t port_last;
  const struct evnet_sim_dialling *dialling;
  void *dialling_user;

  struct sim_poller *pollers[SIM_POLLERS_MAX];
  uint32_t poller_count;  // that were created
  uint32_t pollers_open;
  uint32_t handles;
  uint64_t accepts;
  uint64_t accept_failed_ns;
  uint64_t wakes;
  void (*meanwhile)(void *user, uint32_t poller_index, bool sleeps);
  void *meanwhile_user;

  struct sim_event events[SIM_TRACE_EVENTS];
  uint64_t event_count;
  uint64_t trace_hash;
  char failure[256];
};

#endif  // EVNET_NET_POLLER_TESTING_SIM_STATE_H_
