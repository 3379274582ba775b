// A server for any number of addresses, on one or several reactors.
//
//   static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
//     struct evnet_bytes in = evnet_conn_peek(conn);  // all unread bytes, contiguous
//     evnet_conn_write(conn, in.data, in.size);       // sent when the callback returns
//     evnet_conn_discard(conn, in.size);
//     return EVNET_NONE;
//   }
//   ...
//   const struct evnet_handler echo = {.on_data = on_data};
//   int status = evnet_serve(&echo, NULL, (const char *const[]){"tcp://:9000"}, 1, NULL);
//
// Conventions:
// - A function returns 0 or a count on success, and a negated errno or an evnet status on failure
//   (net/base/status.h). options.log receives a line that names the value at fault.
// - A callback runs on the reactor that owns its connection.
// - A function may be called on that reactor's thread only, unless its comment says "any".
// - Several servers may run in one process.
#ifndef EVNET_NET_SERVER_SERVER_H_
#define EVNET_NET_SERVER_SERVER_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../balancer/balancer.h"
#include "../base/address.h"
#include "../base/bytes.h"
#include "../base/credentials.h"
#include "../base/log.h"
#include "../base/memory.h"
#include "../base/status.h"
#include "../poller/poller.h"
#include "../reactor/conn.h"
#include "../reactor/datagram.h"
#include "../reactor/dial.h"
#include "../reactor/handler.h"
#include "../reactor/reactor.h"
#include "async.h"
#include "dial.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_server;

// Value of options.reactors: one reactor for each CPU that this process may use, according to its
// affinity mask and the quota of its cgroup.
#define EVNET_REACTOR_PER_CPU (-1)

// The largest value of options.reactors.
enum { EVNET_REACTORS_MAX = 1024 };

// How the server treats a connection that arrives while connections_max connections are open.
enum evnet_full_action {
  EVNET_FULL_PAUSE = 0,  // leave it in the kernel's backlog until a connection closes
  EVNET_FULL_REFUSE,     // accept and reset it
};

// The options of a server. A field of 0 selects the default; a structure of zeros is valid.
//
// Times are in milliseconds, from 1 to EVNET_TIMEOUT_MS_MAX (about 12 days), or EVNET_OFF for no
// timeout. Sizes are in bytes. A feature that is on by default has an option that begins with no_.
// evnet_server_create rejects a value that is out of bounds, and logs the option and the value.
struct evnet_options {
  // Threads

  // Number of reactors, each on its own thread. With 1, the whole server runs on one thread: the
  // caller's of evnet_serve or evnet_server_run.
  // Bounds: 1 to EVNET_REACTORS_MAX, or EVNET_REACTOR_PER_CPU.
  // Default: 1.
  int reactors;

  // How reactor 0, which accepts connections, distributes them among the reactors.
  // Default: EVNET_ROUND_ROBIN.
  enum evnet_balancing balancer;

  // Replaces `balancer`: returns the reactor for a connection or an evnet_server_dial. It is called
  // on reactor 0's thread, and only if there are several reactors.
  //
  //   loads           the number of connections on each of `count` reactors.
  //   peer            the peer's address; for a dial, no address (AF_UNSPEC).
  //   listener_index  the index of the address that accepted the connection, as in
  //                   evnet_server_address; SIZE_MAX for a dial or an adopted listener.
  //   user            balance_user.
  //
  // Returns: the index of a reactor, taken modulo `count`.
  // Default: NULL, which uses `balancer`.
  size_t (*balance)(const uint64_t *loads, size_t count, const struct evnet_address *peer,
                    size_t listener_index, void *user);

  // Passed to `balance`.
  // Default: NULL.
  void *balance_user;

  // Shares TCP and UDP ports with other servers of the same user that set this option too, in this
  // process or another (SO_REUSEPORT); the kernel distributes connections among them. Each reactor
  // has its own listeners and keeps what it accepts, so `balancer` and `balance` are not used, and
  // connections_full_action is EVNET_FULL_REFUSE. Where the kernel does not distribute connections
  // (macOS, OpenBSD), only reactor 0 listens, and one of the servers receives all connections.
  // evnet_server_create rejects Unix addresses if this option is set.
  // Default: false, no other server can listen on the port.
  bool reuse_port;

  // The kernel interface. EVNET_BACKEND_AUTO selects the best one that works. If the system does
  // not support the backend named here, the start fails and logs the reason.
  // Default: EVNET_BACKEND_AUTO.
  enum evnet_backend backend;

  // Pins reactor i to the i-th CPU that the process may use, starting over at the first CPU if
  // there are more reactors than CPUs. If a reactor cannot be pinned, the server logs a warning and
  // runs. Linux only.
  // Default: false.
  bool pin_reactors;

  // Largest number of name lookups in progress in the process. Each lookup runs getaddrinfo(3) on
  // its own thread, because a silent name server blocks it for seconds. All reactors of the process
  // share these threads. Further lookups wait, and the wait counts against the dial's timeout. The
  // lookup of a cancelled dial counts until getaddrinfo returns. If reactors of one process have
  // different bounds, each bound applies to the lookups of its own reactor.
  // Bounds: 1 to EVNET_LOOKUP_THREADS_MAX.
  // Default: 128.
  size_t lookup_threads_max;

  // After any activity, a reactor polls without sleeping for this many microseconds. This lowers
  // latency at the cost of one busy CPU for each reactor.
  // Bounds: 0 to EVNET_BUSY_POLL_US_MAX.
  // Default: 0.
  int64_t busy_poll_us;

  // Limits. The two counts of connections apply to all reactors together. Refused connections are
  // reset and counted; the log has at most one line about them every 10 seconds.

  // Largest number of open connections, dialled ones included. It is never exceeded. Each reactor
  // reserves 128 bytes of address space for each.
  // Default: 1048576, or less where ulimit -v (RLIMIT_AS) is low.
  size_t connections_max;

  // The treatment of further connections at connections_max. With reuse_port they are refused.
  // Default: EVNET_FULL_PAUSE.
  enum evnet_full_action connections_full_action;

  // Largest number of connections from one IPv4 address or one IPv6 /64 network. The server refuses
  // further ones. Dialled connections and Unix peers are not counted.
  // Default: EVNET_UNLIMITED.
  size_t connections_per_address_max;

  // Time without a byte in either direction. See on_timeout.
  // Default: EVNET_OFF.
  int64_t idle_timeout_ms;

  // Time without a byte from the peer while reading is not stopped. See on_timeout.
  // Default: EVNET_OFF.
  int64_t read_timeout_ms;

  // Time in which output is queued and the kernel takes none of it. See on_timeout.
  // Default: 30000.
  int64_t write_timeout_ms;

  // Time since on_open. It applies in every state of the connection, until on_close.
  // Default: EVNET_OFF.
  int64_t lifetime_ms;

  // Time that a closing connection waits for the peer's end-of-stream after sending its own.
  // evnet_conn_set_linger has the details.
  // Default: 2000.
  int64_t linger_ms;

  // The drain deadline of a stop that a callback begins by returning EVNET_SHUTDOWN. EVNET_OFF
  // means EVNET_TIMEOUT_MS_MAX.
  // Default: 5000.
  int64_t drain_ms;

  // Memory of one connection

  // Unread bytes at which the connection closes with EVNET_REASON_INBOUND_OVERFLOW when on_data
  // returns. If the handler has paused reading, evnet only stops reading at this bound.
  // Default: 16777216.
  size_t inbound_bytes_max;

  // Queued output at which outbound_high_action begins.
  // Default: 1048576.
  size_t outbound_high_water_bytes;

  // Queued output at which outbound_high_action ends.
  // Bounds: at most outbound_high_water_bytes.
  // Default: half of outbound_high_water_bytes.
  size_t outbound_low_water_bytes;

  // Largest queued output. A write that would exceed it fails, see outbound_overflow.
  // Bounds: at least outbound_high_water_bytes + read_turn_bytes_max.
  // Default: 16777216, or the lower bound if that is more.
  size_t outbound_bytes_max;

  // The action between the high-water and the low-water mark.
  // Default: EVNET_HIGH_STOP_READING.
  enum evnet_high_action outbound_high_action;

  // The consequence of a write that would exceed outbound_bytes_max.
  // Default: EVNET_OVERFLOW_CLOSE.
  enum evnet_overflow outbound_overflow;

  // Largest number of bytes read from one connection in one turn of the loop.
  // Bounds: 512 to 67108864.
  // Default: 262144.
  size_t read_turn_bytes_max;

  // Number of holds (evnet_conn_hold) at which reading stops, on one connection or on one UDP
  // socket with all its peers. A callback can exceed it by the requests that it was given at the
  // time. EVNET_UNLIMITED means no bound.
  // Default: 1048576.
  size_t holds_max;

  // Largest size of the requests posted to one reactor and not yet run.
  // Default: 67108864.
  size_t mailbox_bytes_max;

  // UDP sockets

  // Largest datagram received. evnet cuts a longer one; evnet_conn_is_truncated reports it.
  // Bounds: 1 to 65535.
  // Default: 65535.
  size_t udp_datagram_bytes_max;

  // Largest size of the output queue of a UDP socket that is full. Each queued datagram counts with
  // about 300 bytes more than its own.
  // Default: 262144.
  size_t udp_outbound_bytes_max;

  // Disables UDP_SEGMENT (Linux). With it, evnet passes consecutive datagrams of equal size to the
  // same address to the kernel in one call. Receivers see no difference.
  // Default: false.
  bool no_udp_segmentation;

  // Enables UDP_GRO (Linux): the kernel may return up to 64 consecutive datagrams of equal size
  // from one peer in one call. on_data still receives them one by one. This helps with peers that
  // send much, and may use up to 64 blocks of 64 KiB whatever udp_datagram_bytes_max is.
  // Default: false.
  bool udp_gro;

  // Permits UDP sockets, those of dials too, to send to broadcast addresses (SO_BROADCAST).
  // Default: false.
  bool udp_broadcast;

  // Sockets of connections, accepted or dialled. A dial's options (dial.h) can override them, and a
  // connection can change its own (conn.h). UDP and Unix sockets use the buffer sizes only; for a
  // Unix socket the receive buffer has no effect (unix(7)). If the platform does not support an
  // option that is set, here or below, the start fails and logs the option.

  // Size of the kernel's send buffer (SO_SNDBUF). A size that is set is fixed: the kernel does not
  // adjust it to the traffic. Linux doubles it (socket(7)).
  // Default: the system's.
  int send_buffer_bytes;

  // Size of the kernel's receive buffer (SO_RCVBUF), likewise.
  // Default: the system's.
  int receive_buffer_bytes;

  // Uses Nagle's algorithm: clears TCP_NODELAY.
  // Default: false.
  bool no_nodelay;

  // Idle seconds before the first keepalive probe (TCP_KEEPIDLE). See evnet_conn_set_keepalive.
  // Bounds: 1 to EVNET_KEEPALIVE_S_MAX, or EVNET_OFF for no probes.
  // Default: EVNET_OFF.
  int keepalive_idle_s;

  // Seconds between keepalive probes (TCP_KEEPINTVL). Needs keepalive_idle_s.
  // Bounds: 1 to EVNET_KEEPALIVE_S_MAX.
  // Default: the system's.
  int keepalive_interval_s;

  // Unanswered keepalive probes after which the connection ends (TCP_KEEPCNT). Needs
  // keepalive_idle_s.
  // Bounds: 1 to EVNET_KEEPALIVE_COUNT_MAX.
  // Default: the system's.
  int keepalive_count;

  // Time that sent bytes may stay unacknowledged before the kernel ends the connection
  // (TCP_USER_TIMEOUT). Linux.
  // Default: EVNET_OFF, which leaves the system's.
  int64_t user_timeout_ms;

  // Largest number of unsent bytes that the kernel's buffer holds (TCP_NOTSENT_LOWAT). Linux and
  // macOS.
  // Default: the system's.
  int notsent_lowat_bytes;

  // Sockets that listen. UDP sockets use bind_to_device and v6only; Unix sockets use backlog and
  // unix_mode.

  // Connections that the kernel queues until the server accepts them (listen(2)).
  // Default: SOMAXCONN.
  int backlog;

  // Enables TCP Fast Open (RFC 7413): the number of connections with data in their SYN that the
  // kernel queues (TCP_FASTOPEN). FreeBSD, and Linux if net.ipv4.tcp_fastopen permits it.
  // Default: none.
  int fast_open_queue_max;

  // The kernel queues a connection for accept only when its first bytes have arrived, or after
  // about this many seconds (TCP_DEFER_ACCEPT). Linux.
  // Default: none.
  int defer_accept_s;

  // Name of a network interface, copied: accepts only what arrives there (SO_BINDTODEVICE). Linux.
  // Default: any.
  const char *bind_to_device;

  // Makes "tcp://:9000" and "tcp://[::]:9000" accept IPv6 only.
  // Default: false.
  bool v6only;

  // Clears SO_REUSEADDR. A restart then fails while connections are in TIME_WAIT, and a UDP socket
  // that is bound to a multicast group does not share it.
  // Default: false.
  bool no_reuse_address;

  // Permission bits of a Unix socket's file, such as 0660, independent of the umask. On Linux a
  // client needs permission to write (unix(7)).
  // Bounds: 0001 to 0777.
  // Default: 0777 less the process's umask.
  mode_t unix_mode;

  // Log and memory

  // Receives log lines, see net/base/log.h.
  // Default: NULL, no log; for evnet_serve, evnet_log_stderr.
  void (*log)(enum evnet_log_level level, const char *message, void *user);

  // Passed to `log`.
  // Default: NULL.
  void *log_user;

  // The most detailed level passed to `log`.
  // Default: EVNET_LOG_WARNING.
  enum evnet_log_level log_level;

  // Allocates the server's memory, see net/base/memory.h. Borrowed until evnet_server_destroy.
  // Default: NULL, malloc(3) and free(3).
  const struct evnet_allocator *allocator;
};

// Sums over all reactors. Each number is exact, but they are not read at the same moment.
// evnet_server_get_reactor_stats has more detail about one reactor.
struct evnet_server_stats {
  uint64_t connections_open;      // after on_open and before on_close
  uint64_t connections_accepted;  // calls of on_open, including dialled connections
  uint64_t connections_closed;    // calls of on_close after on_open
  uint64_t connections_refused;   // accepted and reset: a limit was reached or memory ran out
  uint64_t dials_failed;          // calls of on_close without on_open
  uint64_t bytes_received;        // from peers, including datagrams
  uint64_t bytes_sent;            // taken by the kernel, including datagrams
  uint64_t datagrams_received;    // by UDP sockets
  uint64_t datagrams_sent;        // by UDP sockets
  uint64_t datagrams_dropped;     // not sent: the queue was full, or the kernel refused them
  uint64_t turns;                 // of the event loops
  uint64_t longest_callback_ns;   // on any reactor; reveals callbacks that block a reactor
  uint32_t reactors;              // that exist
  const char *backend;            // "epoll", "io_uring" or "kqueue"; a constant string
};

// evnet_serve creates a server, runs it on the calling thread until it stops, and destroys it.
//
// It accepts the schemes tcp, tcp4, tcp6, udp, udp4, udp6 and unix. evnet_poller_listen describes
// how a server takes and releases the path of a Unix socket.
//
//   handler    copied.
//   user       passed to every callback.
//   addresses  `count` texts in the form of net/base/address.h, 1 to 64; borrowed for the call.
//   count      the number of addresses.
//   options    copied; NULL: all defaults. If options.log is NULL, log lines go to stderr
//              (evnet_log_stderr).
//
// Returns: 0 after a stop.
// Errors:  those of evnet_server_create and evnet_server_run.
// Thread:  any but a reactor's. The calling thread becomes reactor 0.
EVNET_API int evnet_serve(const struct evnet_handler *handler, void *user,
                          const char *const *addresses, size_t count,
                          const struct evnet_options *options);

// evnet_server_create checks addresses and options and creates a server that is not running.
//
// It looks up the names among the addresses, which may block for seconds. The server listens on all
// addresses of a name, under the index of the name and on the same port, even for port 0. At start
// it skips, with a warning, the addresses of a family that this machine does not have; it fails if
// no address of the name is left.
//
//   handler     copied.
//   user        passed to every callback.
//   addresses   `count` texts in the form of net/base/address.h, 1 to 64; borrowed for the call.
//   count       the number of addresses.
//   options     copied; NULL: all defaults.
//   out_server  the server; the caller frees it with evnet_server_destroy.
//
// Returns: 0.
// Errors:  EVNET_STATUS_ADDRESS if an address is malformed or its name is unknown; logged.
//          EVNET_STATUS_OPTION if an option is out of bounds, or if an address is a Unix address
//          and reuse_port is set; logged.
//          -ENOBUFS if the names resolve to more than 128 addresses in total; logged.
//          -EINVAL if count is 0 or above 64; logged.
//          -EMFILE, -ENFILE if a lookup fails for lack of a descriptor; logged.
//          -ENOMEM if memory runs out.
// Thread:  any.
EVNET_API EVNET_WARN_UNUSED int evnet_server_create(const struct evnet_handler *handler, void *user,
                                                    const char *const *addresses, size_t count,
                                                    const struct evnet_options *options,
                                                    struct evnet_server **out_server);

// evnet_server_start runs a server on its own threads. It returns when all addresses are bound and
// on_boot has returned. These threads block all signals except those that a fault of the thread
// itself raises: SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP and SIGSYS.
//
// A callback may call fork(2). The child inherits the blocked signals, so it must call
// sigprocmask(2) before it waits for a signal or calls exec(2). Although the child also holds the
// descriptors of open connections, they end for their peers as usual, because evnet shuts them down
// before closing. evnet cannot detect children of clone(2) and _Fork(3).
//
// Returns: 0.
// Errors:  -EALREADY if the server has been started or run before; logged.
//          -EADDRINUSE, -EACCES and the other errors of bind(2); the log names the address.
//          -EOPNOTSUPP if the platform does not support a socket option that is set; logged.
//          -ENOSYS, -EPERM if the system does not support or permit options.backend; logged.
//          -EAGAIN if a thread cannot be created; logged.
//          -EMFILE, -ENFILE if no descriptor is left.
//          -ENOMEM if memory runs out.
//          After an error nothing runs, and the caller can only call evnet_server_destroy.
// Thread:  any, one at a time.
EVNET_API EVNET_WARN_UNUSED int evnet_server_start(struct evnet_server *server);

// evnet_server_wait blocks until a started server has stopped.
//
// Returns: 0 after a stop.
// Errors:  -EDEADLK if called on a thread of the server.
//          -EINVAL if evnet_server_start did not start it, or evnet_server_wait was called before.
//          the error that ended an event loop, if one failed.
// Thread:  any but the server's, one at a time.
EVNET_API int evnet_server_wait(struct evnet_server *server);

// evnet_server_run starts a server and waits until it has stopped, with reactor 0 on the calling
// thread.
//
// Returns: 0 after a stop.
// Errors:  those of evnet_server_start.
//          the error that ended an event loop, if one failed.
// Thread:  any, one at a time. The calling thread becomes reactor 0.
EVNET_API int evnet_server_run(struct evnet_server *server);

// evnet_server_stop begins a graceful shutdown. It returns immediately; the stop proceeds thus:
// - The server accepts no further connection. It still accepts dials.
// - It reads once more what peers have already sent.
// - It calls on_stopping for each open connection.
// - It closes each connection once it has no unread bytes, no queued output and no hold.
// - It closes background connections last (evnet_conn_set_background).
// - At the deadline it resets the connections that are still open. If the deadline passes during a
//   standstill (a slow callback, SIGSTOP), it first handles everything the kernel has ready.
//
// Connections in the kernel's accept queue are reset, even if other servers share the port with
// reuse_port, unless Linux moves them to another listener (net.ipv4.tcp_migrate_req). A duplicate
// made by evnet_server_dup_listener keeps them.
//
// Further calls have no effect unless their deadline is earlier. A server that is not running yet
// stops as soon as it starts.
//
//   drain_ms  milliseconds until the deadline. 0 or less, including EVNET_OFF: reset every
//             connection immediately, see evnet_reactor_stop. More than about 292 years, including
//             INT64_MAX: no deadline.
//
// Returns: 0.
// Thread:  any, while the server exists. It is async-signal-safe, never blocks and preserves errno.
EVNET_API int evnet_server_stop(struct evnet_server *server, int64_t drain_ms);

// evnet_server_stop_on_signal makes a signal call evnet_server_stop(server, drain_ms). A second
// signal stops the server immediately (drain_ms 0), whichever of its registered signals it is. A
// signal that arrives before this call is not counted.
//
// evnet installs the signal's handler and restores the previous one when the last server registered
// for the signal is destroyed. Several servers may share a signal.
//
//   signal_number  such as SIGTERM.
//   drain_ms       as in evnet_server_stop.
//
// Returns: 0.
// Errors:  -EINVAL if signal_number is invalid or cannot be caught (sigaction(2)).
//          -ENOSPC if the process has 16 registrations. evnet_server_destroy frees the server's.
// Thread:  any.
EVNET_API int evnet_server_stop_on_signal(struct evnet_server *server, int signal_number,
                                          int64_t drain_ms);

// evnet_server_address returns an address as it is bound, with the actual port. For a name with
// several addresses, it is the first bound one.
//
//   index  the position in the addresses given to evnet_server_create, from 0.
//
// Returns: 0.
// Errors:  -EINVAL if index is out of range.
//          -ENOTCONN if the addresses are not bound yet.
// Thread:  any, from on_boot on, or after evnet_server_start has returned.
EVNET_API EVNET_WARN_UNUSED int evnet_server_address(const struct evnet_server *server,
                                                     size_t index,
                                                     struct evnet_address *out_address);

// evnet_server_dup_listener duplicates the descriptor that listens on an address, so that another
// process can take over. Both descriptors share one accept queue. No connection is refused in a
// restart if the successor has the duplicate before this server stops.
//
// With reuse_port, the descriptor is reactor 0's; connections queued at the other reactors' sockets
// are not in its queue. A stop removes the path of a Unix socket and its lock. The duplicate then
// still has the queued connections, but new clients cannot find it. An abstract name lasts as long
// as the duplicate. For a UDP address, the descriptor is the socket.
//
//   index  as in evnet_server_address. For a name with several addresses, only the descriptor of
//          the first is available: configure numeric addresses to hand over all of them.
//
// Returns: a non-blocking, close-on-exec descriptor; the caller closes it.
// Errors:  -EINVAL if index is out of range.
//          -ENOTCONN if the address is not bound yet, or a stop has begun.
//          -EMFILE if no descriptor is left.
//          -EOPNOTSUPP in a simulated kernel.
// Thread:  any, from on_boot on.
EVNET_API EVNET_WARN_UNUSED int evnet_server_dup_listener(struct evnet_server *server,
                                                          size_t index);

// evnet_server_reactor returns a reactor of the server, for example to post a function to it.
//
//   index  from 0. Reactor 0 runs on_boot, on_tick and on_shutdown.
//
// Returns: the reactor; NULL if index is out of range, or before on_boot.
// Thread:  any, while the server exists.
EVNET_API struct evnet_reactor *evnet_server_reactor(const struct evnet_server *server,
                                                     uint32_t index);

// evnet_server_datagram_socket returns the UDP socket of an address on reactor 0, to send before
// the first datagram arrives (evnet_conn_send_to) or to join a group (evnet_conn_join_group).
//
//   index  as in evnet_server_address; for a name with several addresses, the first.
//
// Returns: the socket; NULL if the address is not a UDP address, is not bound yet, or a stop has
//          begun. To send during a stop, hold the socket and use its id (evnet_async_send_from).
// Thread:  reactor 0's: in on_boot, on_tick or a function posted to it.
EVNET_API struct evnet_conn *evnet_server_datagram_socket(const struct evnet_server *server,
                                                          size_t index);

// evnet_server_reactor_datagram_socket is evnet_server_datagram_socket for any reactor. With
// reuse_port each reactor has its own socket, all bound to the same port.
//
//   reactor_index  as in evnet_server_reactor. A callback's is evnet_conn_get_id(conn).reactor.
//   index          as in evnet_server_datagram_socket.
//
// Returns: the socket; NULL as above, or if only reactor 0 has one.
// Thread:  that reactor's.
EVNET_API struct evnet_conn *evnet_server_reactor_datagram_socket(const struct evnet_server *server,
                                                                  uint32_t reactor_index,
                                                                  size_t index);

// evnet_server_get_stats returns the counters of the server.
//
// Thread:  any, while the server exists. Before on_boot, reactors may be missing from the sums.
EVNET_API void evnet_server_get_stats(const struct evnet_server *server,
                                      struct evnet_server_stats *out_stats);

// evnet_server_get_reactor_stats returns the counters of one reactor (net/reactor/reactor.h).
//
//   index  of the reactor, from 0.
//
// Returns: 0.
// Errors:  -EINVAL if index is out of range.
//          -ENOTCONN if the reactor does not exist yet.
// Thread:  any, while the server exists.
EVNET_API EVNET_WARN_UNUSED int evnet_server_get_reactor_stats(
    const struct evnet_server *server, uint32_t index, struct evnet_reactor_stats *out_stats);

// evnet_server_destroy frees a server that was never started, or whose evnet_server_wait or
// evnet_server_run has returned (asserted). NULL is accepted.
//
// Thread:  any but the server's.
EVNET_API void evnet_server_destroy(struct evnet_server *server);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_SERVER_SERVER_H_
