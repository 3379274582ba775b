// A simulated kernel that implements the poller's contract (poller.h): TCP sockets, listeners, UDP
// sockets (sim_udp.h) and a clock, all in memory. All random choices, including those of its users,
// come from one seed, so a seed replays exactly. Nothing in it blocks or reads the machine's clock.
// docs/simulation.md lists its users.
//
//   client       --write--> wire: segments in flight --arrive--> receive buffer --RECV--> reactor
//   (this file)  <--read--- receive buffer <--arrive-- wire: segments in flight <--send, SEND--
//
// Files are not simulated: the descriptor in a struct evnet_file_range is a real one, read by
// pread(2).
//
// Each segment has its own delay, but never arrives before an earlier segment of its connection.
// Connections do not wait for each other. evnet_poller_wait returns immediately and notes the time
// at which the poller wants to continue. The driver of the simulation runs the reactors for which
// evnet_sim_is_runnable is true, and advances the clock if there is none.
//
// If the poller's user violates the contract of poller.h, or evnet_sim_fail is called, the world
// has failed. The first failure is kept, with the trace that led to it.
//
// Thread:  a world and everything that uses it belong to one thread.
#ifndef EVNET_NET_POLLER_TESTING_SIM_H_
#define EVNET_NET_POLLER_TESTING_SIM_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "net/base/address.h"
#include "net/base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_kernel;
struct evnet_sim;
struct evnet_sim_socket;  // a client's end of a connection; the world frees it

enum { EVNET_SIM_LATE_BYTES_MAX = 2048 };

// The rates of unusual events, in thousandths. With all zero, the kernel is prompt and limited only
// by its buffers.
struct evnet_sim_faults {
  uint32_t short_recv;    // a RECV, or a client's read, returns only a part of the data
  uint32_t short_send;    // a send takes only a part of what fits
  uint32_t refused_send;  // a send takes nothing although there is room
  uint32_t deferred;      // a handle's completions are left for a later turn
  // After recv_stop, bytes or an end are still reported: at most EVNET_SIM_LATE_BYTES_MAX bytes.
  uint32_t late_recv;
  uint32_t one_shot;          // a RECV comes without `more`
  uint32_t late_close;        // a detached descriptor is closed only just before DETACH
  uint32_t accept_failure;    // -EMFILE instead of a connection
  uint32_t accept_in_vain;    // -EAGAIN although ACCEPT said that a connection may be queued
  uint32_t attach_failure;    // -ENOMEM from attach
  uint32_t network_reset;     // a data segment resets its connection, for both ends
  uint32_t flights;           // a send of lent bytes returns -EINPROGRESS if possible
  uint32_t reset_keeps_data;  // a reset leaves its receiver's unread bytes, as on Linux
  uint32_t file_failure;      // -EIO instead of a file's bytes
  uint32_t connect_refused;   // a poller's connect is refused even if a listener is there
  uint32_t connect_lost;      // a poller's connect gets no reply
  uint32_t connect_failure;   // a poller's connect fails immediately with -EADDRNOTAVAIL
  uint32_t lost;              // a datagram does not arrive
  uint32_t duplicated;        // a datagram arrives twice
  uint32_t overtaking;        // a datagram arrives before one that its socket sent earlier
  uint32_t refused_datagram;  // a send fails with an error of its first datagram
  // A listener's UDP socket fails to receive, and would fail repeatedly.
  uint32_t receive_failure;
  // An unconnected socket gets the ICMP error of a datagram that it sent to an address without a
  // socket.
  uint32_t icmp;
};

struct evnet_sim_options {
  uint64_t seed;
  uint64_t delay_ns_max;  // the largest delay of a segment, on top of 1 ns

  // Each buffer of a socket has a size between these two. 0: 64 KiB for both.
  uint32_t buffer_bytes_min;
  uint32_t buffer_bytes_max;

  struct evnet_sim_faults faults;
  FILE *trace;  // each event is also written here as it happens; may be NULL
};

// evnet_sim_create creates a world. It returns NULL if memory runs out.
struct evnet_sim *evnet_sim_create(const struct evnet_sim_options *options);

// evnet_sim_destroy frees a world after all its pollers are destroyed. NULL is accepted.
void evnet_sim_destroy(struct evnet_sim *sim);

// evnet_sim_kernel returns the value for evnet_poller_options.kernel. Pollers are numbered from 0
// in the order of their creation.
struct evnet_kernel *evnet_sim_kernel(struct evnet_sim *sim);

// Random numbers and time.

uint64_t evnet_sim_random(struct evnet_sim *sim);
uint32_t evnet_sim_below(struct evnet_sim *sim, uint32_t bound);  // 0 to bound - 1
bool evnet_sim_chance(struct evnet_sim *sim, uint32_t thousandths);
uint64_t evnet_sim_now_ns(const struct evnet_sim *sim);

// evnet_sim_advance advances the clock; everything that is due by then arrives.
void evnet_sim_advance(struct evnet_sim *sim, uint64_t to_ns);

// evnet_sim_next_ns returns when the next segment arrives or the next poller wants to continue.
// UINT64_MAX: never.
uint64_t evnet_sim_next_ns(const struct evnet_sim *sim);

// evnet_sim_is_runnable returns whether a wait of this poller would end now.
bool evnet_sim_is_runnable(const struct evnet_sim *sim, uint32_t poller_index);

// evnet_sim_set_meanwhile sets a function that acts as the other threads. It runs inside
// evnet_poller_now_ns, and inside each evnet_poller_wait that may block.
//
//   sleeps  whether it runs inside a wait.
void evnet_sim_set_meanwhile(struct evnet_sim *sim,
                             void (*meanwhile)(void *user, uint32_t poller_index, bool sleeps),
                             void *user);

// Clients. None of these functions blocks.

// evnet_sim_connect connects from a chosen host to a listener's port. If several listeners share
// the port (reuse_port), the world chooses one at random.
//
//   host  the last part of 127.0.0.x.
//
// Returns: 0; the connection is queued at the listener.
// Errors:  -ECONNREFUSED if there is no listener, or its queue is full.
//          -ENOMEM.
EVNET_WARN_UNUSED int evnet_sim_connect(struct evnet_sim *sim, uint16_t port, uint8_t host,
                                        struct evnet_sim_socket **out_socket);

// evnet_sim_write sends bytes.
//
// Returns: the number of bytes taken, 1 or more.
// Errors:  -EAGAIN if the buffer is full.
//          -ECONNRESET, then -EPIPE, after a reset.
//          -EPIPE after evnet_sim_shutdown_write.
int64_t evnet_sim_write(struct evnet_sim_socket *socket, const void *data, size_t size);

// evnet_sim_read receives bytes.
//
// Returns: the number of bytes received; 0 for EOF, and after a reset was reported.
// Errors:  -EAGAIN if there are no bytes.
//          -ECONNRESET after a reset, or -EPIPE if the reset came after EOF.
int64_t evnet_sim_read(struct evnet_sim_socket *socket, void *out, size_t size);

void evnet_sim_shutdown_write(struct evnet_sim_socket *socket);

// evnet_sim_close closes both directions. With unread bytes it sends a reset (RFC 1122 section
// 4.2.2.13). Calling it again has no effect.
void evnet_sim_close(struct evnet_sim_socket *socket);

// evnet_sim_reset closes as evnet_sim_close, but always sends a reset.
void evnet_sim_reset(struct evnet_sim_socket *socket);

uint16_t evnet_sim_port(const struct evnet_sim_socket *socket);  // the client's

// Devices: files that are not evnet's, for evnet_poller_watch. The world frees them.

struct evnet_sim_device;

// evnet_sim_device_open makes a device for which no event holds.
//
// Returns: its descriptor.
// Errors:  -EMFILE, -ENOMEM.
EVNET_WARN_UNUSED int evnet_sim_device_open(struct evnet_sim *sim,
                                            struct evnet_sim_device **out_device);

// evnet_sim_device_set sets the events that hold (enum evnet_watch_event).
void evnet_sim_device_set(struct evnet_sim_device *device, uint32_t events);

// evnet_sim_device_close closes the descriptor. The device itself lives on, as an open file does
// that has a duplicate.
void evnet_sim_device_close(struct evnet_sim_device *device);

// The state of a connection that only the simulation knows.
struct evnet_sim_state {
  bool waiting;               // established, and not accepted yet
  bool accepted;              // the server's end has, or had, a descriptor
  bool attached;              // the descriptor belongs to a handle that is not detached
  bool receiving;             // the handle's recv is armed
  bool sending;               // the handle has a pending send_start
  size_t untold_bytes;        // of a flight that succeeded but was not reported by a wait
  bool client_end_arrived;    // the server's end has received the client's EOF
  bool server_ended;          // the server has sent EOF
  bool broken;                // the server's end is dead, by a reset of the client or the network
  bool client_reset;          // the client sent a reset
  bool server_reset;          // the server sent a reset
  bool network_reset;         // the network reset the connection
  uint64_t server_active_ns;  // when the server last received or sent bytes; 0: never
  uint64_t server_sent_ns;    // when it last sent bytes; 0: never
  // Since when the handle's recv is armed and bytes are ready for it; and since when its send_start
  // is pending and there is room for it. UINT64_MAX: this is not the case.
  uint64_t receivable_ns;
  uint64_t sendable_ns;
  size_t server_unread_bytes;  // arrived, but not received by the server
  size_t to_server_bytes;      // in flight
  size_t to_client_bytes;
  uint64_t to_client_fell_ns;  // when some of these last arrived; 0: never
  size_t server_sent_bytes;    // all bytes that the server's end has taken
};
void evnet_sim_inspect(const struct evnet_sim_socket *socket, struct evnet_sim_state *out_state);

// evnet_sim_option returns an option that the server has set on its end of a client's connection,
// or 0 if the server has not set it.
//
//   option  an enum evnet_socket_option.
int evnet_sim_option(const struct evnet_sim_socket *socket, int option);

struct evnet_sim_stats {
  uint32_t pollers;           // not destroyed
  uint32_t descriptors;       // open
  uint32_t handles;           // for which DETACH was not reported
  uint64_t accepts;           // connections accepted
  uint64_t accept_failed_ns;  // when an ACCEPT last failed; 0: never
  uint64_t wakes;             // calls of evnet_poller_wake
};
void evnet_sim_stats_of(const struct evnet_sim *sim, struct evnet_sim_stats *out_stats);

// Trace.

// evnet_sim_note adds an event.
//
//   what  a string constant.
void evnet_sim_note(struct evnet_sim *sim, const char *what, int64_t a, int64_t b, int64_t c);

// Returns a hash of the events. It differs between runs with different events, almost certainly.
uint64_t evnet_sim_trace_hash(const struct evnet_sim *sim);

// evnet_sim_print_trace writes the last few hundred events.
void evnet_sim_print_trace(const struct evnet_sim *sim, FILE *out);

// evnet_sim_fail reports a failure. Only the first one is kept.
void evnet_sim_fail(struct evnet_sim *sim, const char *format, ...) EVNET_PRINTF(2, 3);

// Returns the first failure, or NULL if there is none.
const char *evnet_sim_failure(const struct evnet_sim *sim);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_TESTING_SIM_H_
