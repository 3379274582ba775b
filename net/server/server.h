// evnet's front door: a server for any number of addresses on one or several reactors.
//
//   static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
//     struct evnet_bytes in = evnet_conn_peek(conn);  // all unread bytes, contiguous
//     evnet_conn_write(conn, in.data, in.size);       // leaves in one send on return
//     evnet_conn_discard(conn, in.size);
//     return EVNET_NONE;
//   }
//   ...
//   const struct evnet_handler echo = {.on_data = on_data};
//   int status = evnet_serve(&echo, NULL, (const char *const[]){"tcp://:9000"}, 1, NULL);
//
// Conventions: 0 or a count is good, negative is -errno or an evnet status (evnet_status_message
// says it in words; what was wrong with which value goes to options.log). A callback runs on its
// connection's reactor. Every function is for that thread unless its comment says "any". Several
// servers may run in one process.
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

// options.reactors: one for each CPU that this process may use, by its affinity mask and its
// cgroup's quota.
#define EVNET_REACTOR_PER_CPU (-1)

enum { EVNET_REACTORS_MAX = 1024 };

// What happens to a connection beyond connections_max.
enum evnet_full_action {
  EVNET_FULL_PAUSE = 0,  // it waits in the backlog until one closes
  EVNET_FULL_REFUSE,     // it is reset at once
};

// All zero is the default of everything. Times are milliseconds, at most EVNET_TIMEOUT_MS_MAX (12
// days), and EVNET_OFF for none; sizes are bytes. What is on by default has a name that begins with
// no_.
//
//   option                      default
//   reactors                    1
//   balancer                    EVNET_ROUND_ROBIN
//   reuse_port                  off: the port is this server's alone
//   backend                     EVNET_BACKEND_AUTO
//   connections_max             1048576, or less where ulimit -v (RLIMIT_AS) is low
//   connections_full_action     EVNET_FULL_PAUSE
//   connections_per_address_max EVNET_UNLIMITED
//   idle_timeout_ms             EVNET_OFF
//   read_timeout_ms             EVNET_OFF
//   write_timeout_ms            30000
//   lifetime_ms                 EVNET_OFF
//   linger_ms                   2000
//   drain_ms                    5000
//   inbound_bytes_max           16777216
//   outbound_high_water_bytes   1048576
//   outbound_low_water_bytes    half of outbound_high_water_bytes
//   outbound_bytes_max          16777216, or high water + read_turn_bytes_max if that is more
//   outbound_high_action        EVNET_HIGH_STOP_READING
//   outbound_overflow           EVNET_OVERFLOW_CLOSE
//   read_turn_bytes_max         262144
//   udp_datagram_bytes_max      65535
//   udp_outbound_bytes_max      262144
//   holds_max                   1048576
//   mailbox_bytes_max           67108864
//   busy_poll_us                0
//   lookup_threads_max          128
//   backlog                     SOMAXCONN
//   send_buffer_bytes           the system's
//   receive_buffer_bytes        the system's
//   keepalive_idle_s            EVNET_OFF
//   keepalive_interval_s        the system's
//   keepalive_count             the system's
//   user_timeout_ms             EVNET_OFF
//   notsent_lowat_bytes         the system's
//   fast_open_queue_max         none
//   defer_accept_s              none
//   bind_to_device              any
//   unix_mode                   0777 less the process's umask
//   log_level                   EVNET_LOG_WARNING
struct evnet_options {
  // Threads and how connections get to them.
  int reactors;  // 1: the whole server is one thread, the caller's of evnet_serve. Up to
                 // EVNET_REACTORS_MAX
  enum evnet_balancing balancer;  // reactor 0 accepts, and this picks the reactor
  // Or this function does, if it is not NULL and there are several reactors: on reactor 0's thread,
  // for each new connection, and for each evnet_server_dial.
  //
  //   loads           of `count` reactors, how many connections each has now.
  //   peer            who has connected; of a dial no address (AF_UNSPEC).
  //   listener_index  by which address, as of evnet_server_address; of a dial SIZE_MAX.
  //
  // Returns: a reactor's index; of any greater number the remainder by `count`.
  size_t (*balance)(const uint64_t *loads, size_t count, const struct evnet_address *peer,
                    size_t listener_index, void *user);
  void *balance_user;
  bool reuse_port;  // SO_REUSEPORT: other servers of this user that say so, too, in this process or
                    // another, may have the same TCP and UDP ports, and each gets a share. Each
                    // reactor then has a listener of its own and keeps what the kernel gives it, so
                    // `balancer` is not used, and beyond connections_max all are refused. Where the
                    // kernel does not share (macOS, OpenBSD) only reactor 0 listens, and one of
                    // several servers gets all. Unix addresses are refused with it
  enum evnet_backend backend;  // AUTO: the best that works here; by name: that one, or the start
                               // fails and the log says why
  bool pin_reactors;  // reactor i keeps to the i-th CPU of those that the process may use, counted
                      // around; Linux only, elsewhere the log says so

  // Names that are dialled are looked up by getaddrinfo(3), each on a thread, as a silent name
  // server blocks it for seconds. All reactors of the process share these threads. A lookup begins
  // when fewer than this many lookups of the process are under way, and waits until then, within
  // its own timeout; a lookup whose dial was cancelled counts until getaddrinfo returns. Where
  // reactors of one process have different bounds, each bound holds for that reactor's lookups. 1
  // to EVNET_LOOKUP_THREADS_MAX.
  size_t lookup_threads_max;

  int64_t busy_poll_us;  // so long after something happened a reactor looks again instead of
                         // sleeping: answers sooner, for a CPU each; up to 1000000

  // Limits, of all reactors together. What is refused is reset, counted, and told to the log, but
  // not more often than every 10 seconds.
  size_t connections_max;                          // with those that are dialled; never more
  enum evnet_full_action connections_full_action;  // at connections_max; reuse_port: REFUSE
  size_t connections_per_address_max;  // of one IPv4 address or one IPv6 /64; others are refused
  int64_t idle_timeout_ms;             // no byte either way
  int64_t read_timeout_ms;             // no byte in, while reading is not stopped
  int64_t write_timeout_ms;            // output is queued and the kernel takes none of it
  int64_t lifetime_ms;                 // since on_open, until on_close whatever the state
  int64_t linger_ms;                   // after our end of the stream, for the peer's
  int64_t drain_ms;                    // of the stop that EVNET_SHUTDOWN begins

  // Memory of a connection.
  size_t inbound_bytes_max;  // unread when on_data returns; at it the connection closes, unless its
                             // reading is paused, when at it only nothing more is read
  size_t outbound_high_water_bytes;  // queued; from it on outbound_high_action
  size_t outbound_low_water_bytes;   // queued; at it the action is undone
  size_t outbound_bytes_max;         // queued; a write above it does outbound_overflow
  enum evnet_high_action outbound_high_action;
  enum evnet_overflow outbound_overflow;
  size_t read_turn_bytes_max;  // from one connection in one turn of the loop; 512 to 67108864
  size_t holds_max;  // of a connection, or of a UDP socket with all its peers: while this many
                     // holds are out (evnet_conn_hold), reading is stopped. One callback may exceed
                     // it by the requests that it was given; EVNET_UNLIMITED: no bound
  size_t mailbox_bytes_max;  // posted to one reactor and not yet run

  // UDP sockets.
  size_t udp_datagram_bytes_max;  // of one that comes; evnet_conn_is_truncated tells of longer ones
  size_t udp_outbound_bytes_max;  // queued while it is full, with some 300 bytes for each
  bool no_udp_segmentation;  // without UDP_SEGMENT, by which what goes to one address in a row and
                             // is of one size is handed to Linux at once; it arrives as it was
                             // written with it and without
  bool udp_gro;  // with UDP_GRO: what one peer sent in a row, of one size, may come at once where
                 // the card or the peer's kernel left it together, up to 64 datagrams, which
                 // on_data gets one by one all the same; for peers that send much. What comes may
                 // then take 64 blocks of 64 KiB, whatever udp_datagram_bytes_max says; Linux

  bool udp_broadcast;  // with SO_BROADCAST: datagrams may be sent to broadcast addresses

  // Sockets of TCP; a Unix socket has of these the send buffer, the backlog and its mode, a UDP
  // socket the buffers, bind_to_device and v6only. What this system has not, the start refuses, and
  // the log names it. First those of each connection, accepted or dialled; a dial's options may say
  // otherwise (dial.h), and a connection may change its own (conn.h).
  int send_buffer_bytes;
  int receive_buffer_bytes;
  bool no_nodelay;           // with Nagle's algorithm
  int keepalive_idle_s;      // after so much silence the kernel asks the peer whether it is there,
  int keepalive_interval_s;  // again after this, and ends the connection after so many questions
  int keepalive_count;       // without an answer: evnet_conn_set_keepalive
  int64_t user_timeout_ms;   // sent bytes may stay unacknowledged so long; Linux
  int notsent_lowat_bytes;   // the kernel holds so many unsent bytes at most; Linux, macOS
  // And those of a listener.
  int backlog;                 // connections that may wait to be accepted
  int fast_open_queue_max;     // data may come with the SYN, of so many peers at once; FreeBSD, and
                               // Linux if net.ipv4.tcp_fastopen allows it
  int defer_accept_s;          // a connection is accepted when bytes have come, or about so many
                               // seconds later; Linux
  const char *bind_to_device;  // an interface's name, copied: only what comes in there; Linux
  bool v6only;                 // "tcp://:9000" and "tcp://[::]:9000" take IPv6 alone
  bool no_reuse_address;       // without SO_REUSEADDR
  mode_t unix_mode;  // permission bits of a Unix socket's file, whatever the umask: 0660, say

  // Words and memory.
  // NULL: silent; of evnet_serve: evnet_log_stderr
  void (*log)(enum evnet_log_level level, const char *message, void *user);
  void *log_user;
  enum evnet_log_level log_level;           // the most detailed that is passed on
  const struct evnet_allocator *allocator;  // borrowed for the server's life; NULL: malloc
};

// Sums over the reactors; each number is right by itself, together they may be a moment apart.
// evnet_server_reactor_stats tells more of one.
struct evnet_server_stats {
  uint64_t connections_open;      // handed to a reactor and not yet closed
  uint64_t connections_accepted;  // by on_open; dialled ones, too
  uint64_t connections_closed;    // by on_close
  uint64_t connections_refused;   // accepted and reset at once: over a limit, or without memory
  uint64_t dials_failed;          // on_close without on_open; not among those closed
  uint64_t bytes_received;
  uint64_t bytes_sent;
  uint64_t datagrams_received;  // by UDP sockets, as are:
  uint64_t datagrams_sent;
  uint64_t datagrams_dropped;  // to be sent, but queued too many, or refused by the kernel
  uint64_t turns;
  uint64_t longest_callback_ns;  // on any reactor: who blocks shows here
  uint32_t reactors;
  const char *backend;  // "epoll", "io_uring", "kqueue"; a constant string
};

// evnet_serve creates a server, runs it on this thread until it stops, and destroys it.
//
// Served are the schemes tcp, tcp4, tcp6, udp, udp4, udp6 and unix. A Unix path is one server's, by
// a lock on the path with .lock behind it; a socket there that nobody serves any more is replaced,
// anything else left alone; both files go when a stop begins. evnet_poller_listen says it in full.
//
//   handler    copied.
//   user       given to every callback.
//   addresses  `count` texts as net/base/address.h reads them, 1 to 64; borrowed for the call.
//   options    copied; NULL: all defaults. Without options.log, lines go to stderr
//              (evnet_log_stderr), as this function is a program's whole main.
//
// Returns: 0 after a stop.
// Errors:  those of evnet_server_create and evnet_server_run.
EVNET_API int evnet_serve(const struct evnet_handler *handler, void *user,
                          const char *const *addresses, size_t count,
                          const struct evnet_options *options);

// evnet_server_create checks addresses and options and makes a server that does nothing yet. Names
// among the addresses are looked up here, which may block. A name stands for all of its addresses:
// the start binds each of them, under the one index of the text and at the same port, also for port
// 0. It leaves out, with a warning in the log, those of a family of which this machine has no
// addresses, and fails if no other is left.
//
// Returns: 0.
// Errors:  EVNET_STATUS_ADDRESS; EVNET_STATUS_OPTION, also for a Unix address with reuse_port;
//          -ENOBUFS for more than 128 addresses, with all those of names; each with a line in the
//          log that names the value; -EINVAL for a count of 0 or above 64; -ENOMEM.
EVNET_API EVNET_WARN_UNUSED int evnet_server_create(const struct evnet_handler *handler, void *user,
                                                    const char *const *addresses, size_t count,
                                                    const struct evnet_options *options,
                                                    struct evnet_server **out_server);

// evnet_server_start runs a server on threads of its own. It returns when all addresses are bound
// and on_boot has returned. All signals are blocked in these threads, except those that a fault of
// the thread itself raises (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS).
//
// A callback may call fork(2). The child inherits the blocked signals, so it calls sigprocmask(2)
// before it waits for one or calls exec(2). Connections end for their peers while such a child
// lives, although it has their descriptors: evnet shuts them down. Only children of clone(2) and
// _Fork(3) go unnoticed.
//
// Returns: 0.
// Errors:  -EALREADY when it was started or run before, and the log says so; those of bind(2)
//          (-EADDRINUSE, -EACCES, ...), with a line in the log that names the address; -ENOMEM,
//          -EMFILE, -EAGAIN from thread creation. Nothing runs then, and only evnet_server_destroy
//          is left to do.
// Thread:  any, one at a time.
EVNET_API EVNET_WARN_UNUSED int evnet_server_start(struct evnet_server *server);

// evnet_server_wait waits until a started server has stopped.
//
// Returns: 0 after a stop.
// Errors:  -EDEADLK on one of the server's own threads;
//          -EINVAL if evnet_server_start has not started it, or it has been waited for before;
//          an error that ended the event loop.
// Thread:  any but the server's, one at a time.
EVNET_API int evnet_server_wait(struct evnet_server *server);

// evnet_server_run is start and wait in one, with reactor 0 on the calling thread.
EVNET_API int evnet_server_run(struct evnet_server *server);

// evnet_server_stop begins an orderly end. Nothing new is accepted; what clients had sent is read
// once more; on_stopping runs; connections close as soon as they have no unread bytes, output or
// hold, and at the deadline the rest is reset. Dials are taken meanwhile, and those in the
// background end last (evnet_conn_set_background). What still waits in the kernel's accept queue is
// reset, also that of one of several servers with reuse_port, unless net.ipv4.tcp_migrate_req of
// Linux gives it to the others; what evnet_server_dup_listener has duplicated keeps it. A second
// call is harmless; the earlier deadline wins. A server that was not started yet stops as soon as
// it is.
//
//   drain_ms  until the deadline; 0 or less, EVNET_OFF too: every connection is reset immediately,
//             as evnet_reactor_stop says. From some 292 years on, INT64_MAX too: there is no
//             deadline.
//
// Returns: 0.
// Thread:  any, while the server exists, also a signal handler; it never blocks and keeps errno.
EVNET_API int evnet_server_stop(struct evnet_server *server, int64_t drain_ms);

// evnet_server_stop_on_signal lets a signal stop the server as evnet_server_stop(server, drain_ms)
// does. A second signal, the same or another one that is registered for this server, ends it
// immediately, as a drain_ms of 0 does. A signal that came before this call does not count.
//
// The signal's handler belongs to evnet until the last server that is registered for the signal is
// destroyed; then the previous one comes back. Several servers may share a signal.
//
// Returns: 0.
// Errors:  -EINVAL for a number that is no signal or cannot be caught.
//          -ENOSPC with 16 registrations in the process; evnet_server_destroy frees the server's.
// Thread:  any.
EVNET_API int evnet_server_stop_on_signal(struct evnet_server *server, int signal_number,
                                          int64_t drain_ms);

// evnet_server_address gives an address as it is bound, with the real port; of a name that stands
// for several, the first.
//
//   index  of the address as given to evnet_server_create, from 0.
//
// Returns: 0.
// Errors:  -EINVAL for an index that there is not; -ENOTCONN before it is bound.
// Thread:  any, from on_boot on, or after evnet_server_start has returned.
EVNET_API EVNET_WARN_UNUSED int evnet_server_address(const struct evnet_server *server,
                                                     size_t index,
                                                     struct evnet_address *out_address);

// evnet_server_dup_listener duplicates the descriptor that listens on an address, for a process
// that is to take over: what waits to be accepted waits at the duplicate, too, and so a restart in
// which the successor has it before this server stops refuses nobody.
//
// With reuse_port it is reactor 0's; what waits at the others' is theirs. A Unix path, with its
// lock, goes with the stop all the same: the duplicate has what waits there, and nobody finds it
// any more; an abstract name stays as long as the duplicate does. Of a UDP address it is the
// socket.
//
//   index  as of evnet_server_address. Of a name that stands for several addresses it is the first
//          one's descriptor alone: give those by their numbers that are to be handed over.
//
// Returns: a descriptor, non-blocking and close-on-exec, the caller's.
// Errors:  -EINVAL for an index that there is not; -ENOTCONN before it is bound and once a stop has
//          begun; -EMFILE; -EOPNOTSUPP in a simulated kernel.
// Thread:  any, from on_boot on.
EVNET_API EVNET_WARN_UNUSED int evnet_server_dup_listener(struct evnet_server *server,
                                                          size_t index);

// evnet_server_reactor gives one of the server's reactors, to post to.
//
//   index  from 0. Reactor 0 runs on_boot, on_tick and on_shutdown.
//
// Returns: the reactor; NULL for an index that there is not, and before on_boot.
// Thread:  any, while the server exists.
EVNET_API struct evnet_reactor *evnet_server_reactor(const struct evnet_server *server,
                                                     uint32_t index);

// evnet_server_datagram_socket gives the UDP socket of an address, for evnet_conn_send_to and the
// like before anything has been received.
//
//   index  as of evnet_server_address; of a name that stands for several, the first one's.
//
// Returns: the socket, which lives on reactor 0; NULL: the address is none of UDP, it is not bound
//          yet, or the server stops.
// Thread:  reactor 0's: on_boot, on_tick, a function posted there.
EVNET_API struct evnet_conn *evnet_server_datagram_socket(const struct evnet_server *server,
                                                          size_t index);

// evnet_server_reactor_datagram_socket is evnet_server_datagram_socket for any reactor: with
// reuse_port each has a socket of its own, and all are bound to the same port.
//
//   reactor_index  as of evnet_server_reactor; evnet_conn_id(conn).reactor is that of a callback.
//
// Returns: the socket; NULL as above, and where only reactor 0 has one.
// Thread:  that reactor's.
EVNET_API struct evnet_conn *evnet_server_reactor_datagram_socket(const struct evnet_server *server,
                                                                  uint32_t reactor_index,
                                                                  size_t index);

// evnet_server_stats copies the numbers.
//
// Thread:  any, from on_boot to evnet_server_destroy. Before that all are 0.
#if defined(__cplusplus) && defined(__GNUC__) && !defined(__clang__)
// A struct and a function share a name here; g++ would call that hiding a constructor.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif
EVNET_API void evnet_server_stats(const struct evnet_server *server,
                                  struct evnet_server_stats *out_stats);
#if defined(__cplusplus) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

// evnet_server_reactor_stats copies the numbers of one reactor (net/reactor/reactor.h).
//
//   index  of the reactor, from 0.
//
// Returns: 0.
// Errors:  -EINVAL for an index that there is not; -ENOTCONN before the reactor exists.
// Thread:  as evnet_server_stats.
EVNET_API EVNET_WARN_UNUSED int evnet_server_reactor_stats(const struct evnet_server *server,
                                                           uint32_t index,
                                                           struct evnet_reactor_stats *out_stats);

// evnet_server_destroy frees a server that was never started or was waited for (asserted). NULL is
// accepted.
//
// Thread:  any but the server's.
EVNET_API void evnet_server_destroy(struct evnet_server *server);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_SERVER_SERVER_H_
