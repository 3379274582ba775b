// A simulated kernel: TCP sockets, listeners, UDP sockets (sim_udp.h) and a clock in memory, behind
// the poller's contract (poller.h). Everything random in it, and its users' dice too, come from one
// seed, so a seed replays exactly, and nothing in it blocks or reads the machine's clock.
// docs/simulation.md says who uses it.
//
//   client       --write--> wire: segments in flight --arrive--> receive buffer --RECV--> reactor
//   (this file)  <--read--- receive buffer <--arrive-- wire: segments in flight <--send, SEND--
//
// Files are not simulated: the descriptor in a struct evnet_file_range is a real one, read by
// pread(2).
//
// A segment arrives after a delay of its own, never before one in front of it; connections do not
// wait for each other. evnet_poller_wait returns at once and leaves a note of when the poller wants
// to go on; who drives the simulation turns the reactors that are evnet_sim_is_runnable, and
// advances the clock when none is.
//
// What its user does against the contract of poller.h, and what evnet_sim_fail is told, is the
// world's failure: the first one is kept, with the trace of what led to it.
//
// Thread:  one for a world and all that uses it.
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
struct evnet_sim_socket;  // a client's end of a connection; the world's until evnet_sim_destroy

enum { EVNET_SIM_LATE_BYTES_MAX = 2048 };

// How often something out of the ordinary happens, in thousandths. All zero: a kernel that is
// prompt and has no limits but its buffers.
struct evnet_sim_faults {
  uint32_t short_recv;        // a RECV, or a client's read, brings only a part of what is there
  uint32_t short_send;        // a send takes only a part of what there is room for
  uint32_t refused_send;      // a send takes nothing though there is room
  uint32_t deferred;          // a handle's completions are left for a later turn
  uint32_t late_recv;         // after recv_stop bytes, or an end, are still reported: at most
                              // EVNET_SIM_LATE_BYTES_MAX
  uint32_t one_shot;          // a RECV comes without `more`
  uint32_t late_close;        // a detached descriptor is closed only just before DETACH
  uint32_t accept_failure;    // -EMFILE instead of a connection
  uint32_t accept_in_vain;    // -EAGAIN though ACCEPT has said that a connection may wait
  uint32_t attach_failure;    // -ENOMEM from attach
  uint32_t network_reset;     // a data segment resets its connection, for both ends
  uint32_t flights;           // a send of lent bytes is answered with -EINPROGRESS if it can be
  uint32_t reset_keeps_data;  // a reset leaves what its receiver has not read, as Linux does
  uint32_t file_failure;      // -EIO instead of a file's bytes
  uint32_t connect_refused;   // a poller's connect is refused whoever is there
  uint32_t connect_lost;      // it is never answered
  uint32_t connect_failure;   // -EADDRNOTAVAIL at once
  uint32_t lost;              // a datagram does not arrive
  uint32_t duplicated;        // or twice
  uint32_t overtaking;        // or before one that its socket sent earlier
  uint32_t refused_datagram;  // a send is answered with an error of its first datagram
  uint32_t receive_failure;   // a listener's UDP socket fails to receive, and would again and again
  uint32_t icmp;  // who has sent a datagram to nobody is told so, though it is not connected
};

struct evnet_sim_options {
  uint64_t seed;
  uint64_t delay_ns_max;      // of a segment, on top of 1 ns
  uint32_t buffer_bytes_min;  // each socket's two buffers have a size between these;
  uint32_t buffer_bytes_max;  // 0: 64 KiB both
  struct evnet_sim_faults faults;
  FILE *trace;  // each event is also written here as it happens; NULL: not
};

// evnet_sim_create makes a world; NULL when out of memory.
struct evnet_sim *evnet_sim_create(const struct evnet_sim_options *options);

// evnet_sim_destroy frees a world whose pollers are all destroyed; NULL is accepted.
void evnet_sim_destroy(struct evnet_sim *sim);

// What goes into evnet_poller_options.kernel; pollers are numbered from 0 as they are created.
struct evnet_kernel *evnet_sim_kernel(struct evnet_sim *sim);

// Dice and time.

uint64_t evnet_sim_random(struct evnet_sim *sim);
uint32_t evnet_sim_below(struct evnet_sim *sim, uint32_t bound);  // 0 to bound - 1
bool evnet_sim_chance(struct evnet_sim *sim, uint32_t thousandths);
uint64_t evnet_sim_now_ns(const struct evnet_sim *sim);

// evnet_sim_advance moves the clock on; what is due by then arrives.
void evnet_sim_advance(struct evnet_sim *sim, uint64_t to_ns);

// evnet_sim_next_ns tells when the next segment arrives or the next poller wants to go on;
// UINT64_MAX: never.
uint64_t evnet_sim_next_ns(const struct evnet_sim *sim);

// evnet_sim_is_runnable tells whether a wait of this poller would end now.
bool evnet_sim_is_runnable(const struct evnet_sim *sim, uint32_t poller_index);

// evnet_sim_set_meanwhile names a function that plays the other threads: it runs inside
// evnet_poller_now_ns, and inside each evnet_poller_wait that may block.
//
//   sleeps  it is a wait.
void evnet_sim_set_meanwhile(struct evnet_sim *sim,
                             void (*meanwhile)(void *user, uint32_t poller_index, bool sleeps),
                             void *user);

// Clients. None of these blocks.

// evnet_sim_connect connects from a host of the caller's choice to a listener's port; of several
// that share it (reuse_port) the dice choose.
//
//   host  the last part of 127.0.0.x.
//
// Returns: 0; the connection waits in the listener's queue.
// Errors:  -ECONNREFUSED without a listener there, or when the queue is full; -ENOMEM.
EVNET_WARN_UNUSED int evnet_sim_connect(struct evnet_sim *sim, uint16_t port, uint8_t host,
                                        struct evnet_sim_socket **out_socket);

// evnet_sim_write sends bytes.
//
// Returns: how many were taken, 1 or more.
// Errors:  -EAGAIN when the buffer is full; -ECONNRESET, then -EPIPE, after a reset; -EPIPE after
//          the own end.
int64_t evnet_sim_write(struct evnet_sim_socket *socket, const void *data, size_t size);

// evnet_sim_read receives bytes.
//
// Returns: how many came; 0 at the peer's end, and when a reset was told already.
// Errors:  -EAGAIN when there are none; -ECONNRESET after a reset, -EPIPE if it came behind the
//          peer's end.
int64_t evnet_sim_read(struct evnet_sim_socket *socket, void *out, size_t size);

void evnet_sim_shutdown_write(struct evnet_sim_socket *socket);

// evnet_sim_close ends both directions; with unread bytes that is a reset (RFC 1122 section
// 4.2.2.13). Twice is harmless.
void evnet_sim_close(struct evnet_sim_socket *socket);

// evnet_sim_reset is evnet_sim_close that always resets.
void evnet_sim_reset(struct evnet_sim_socket *socket);

uint16_t evnet_sim_port(const struct evnet_sim_socket *socket);  // the client's own

// What only the simulation knows about a connection.
struct evnet_sim_state {
  bool waiting;               // established, and not accepted yet
  bool accepted;              // the server's end has a descriptor, or had one
  bool attached;              // and belongs to a handle that is not detached
  bool receiving;             // the handle's recv is armed
  bool sending;               // the handle has a send_start under way
  size_t untold_bytes;        // of a flight that went well, of which no wait has told
  bool client_end_arrived;    // the server's end has got the client's end
  bool server_ended;          // the server has sent its end
  bool broken;                // the server's end is dead: reset by the client, or by the network
  bool client_reset;          // the client sent a reset
  bool server_reset;          // the server sent one
  bool network_reset;         // nobody did, it came all the same
  uint64_t server_active_ns;  // when the server last received or sent bytes; 0: never
  uint64_t server_sent_ns;    // when it last sent bytes; 0: never
  // Since when the handle's recv is armed and bytes lie ready for it, and since when its send_start
  // is under way and there is room for it; UINT64_MAX: that is not so.
  uint64_t receivable_ns;
  uint64_t sendable_ns;
  size_t server_unread_bytes;  // arrived, and not yet received by the server
  size_t to_server_bytes;      // under way
  size_t to_client_bytes;
  uint64_t to_client_fell_ns;  // when some of them last arrived; 0: never
  size_t server_sent_bytes;    // that the server's end has ever taken
};
void evnet_sim_inspect(const struct evnet_sim_socket *socket, struct evnet_sim_state *out_state);

// evnet_sim_option tells what the server has set of its end of a client's connection; 0: nothing.
//
//   option  an enum evnet_socket_option.
int evnet_sim_option(const struct evnet_sim_socket *socket, int option);

struct evnet_sim_stats {
  uint32_t pollers;           // not destroyed
  uint32_t descriptors;       // open
  uint32_t handles;           // whose DETACH has not come
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

// A number that differs, almost surely, if two runs' events do.
uint64_t evnet_sim_trace_hash(const struct evnet_sim *sim);

// evnet_sim_print_trace writes the last events, some hundreds.
void evnet_sim_print_trace(const struct evnet_sim *sim, FILE *out);

// evnet_sim_fail says that something is broken; only the first time counts.
void evnet_sim_fail(struct evnet_sim *sim, const char *format, ...) EVNET_PRINTF(2, 3);

// What was broken; NULL: nothing so far.
const char *evnet_sim_failure(const struct evnet_sim *sim);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_TESTING_SIM_H_
