// The options of a server: struct evnet_options, which evnet_server_create (server.h) takes.
#ifndef EVNET_NET_SERVER_OPTIONS_H_
#define EVNET_NET_SERVER_OPTIONS_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../balancer/balancer.h"
#include "../base/address.h"
#include "../base/log.h"
#include "../base/memory.h"
#include "../base/status.h"
#include "../poller/poller.h"
#include "../reactor/conn.h"
#include "../reactor/reactor.h"

#ifdef __cplusplus
extern "C" {
#endif

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
  int reactors EVNET_ZERO;

  // How reactor 0, which accepts connections, distributes them among the reactors.
  // Default: EVNET_ROUND_ROBIN.
  enum evnet_balancing balancer EVNET_ZERO;

  // Replaces `balancer`: returns the reactor for a connection or an evnet_server_dial. It is called
  // on reactor 0's thread, and only if there are several reactors.
  //
  //   loads           the number of connections on each of `count` reactors.
  //   peer            the peer's address; for a dial, no address (AF_UNSPEC).
  //   listener_index  the index of the address that accepted the connection, as in
  //                   evnet_server_address; SIZE_MAX for a dial, an adopted listener or
  //                   evnet_server_adopt.
  //   user            balance_user.
  //
  // Returns: the index of a reactor, taken modulo `count`.
  // Default: NULL, which uses `balancer`.
  size_t (*balance)(const uint64_t *loads, size_t count, const struct evnet_address *peer,
                    size_t listener_index, void *user) EVNET_ZERO;

  // Passed to `balance`.
  // Default: NULL.
  void *balance_user EVNET_ZERO;

  // Shares TCP and UDP ports with other servers of the same user that set this option too, in this
  // process or another (SO_REUSEPORT); the kernel distributes connections among them. Each reactor
  // has its own listeners and keeps what it accepts, so `balancer` and `balance` are not used, and
  // connections_full_action is EVNET_FULL_REFUSE. Where the kernel does not distribute connections
  // (macOS, OpenBSD), only reactor 0 listens, and one of the servers receives all connections.
  // evnet_server_create rejects Unix addresses if this option is set.
  // Default: false, no other server can listen on the port.
  bool reuse_port EVNET_ZERO;

  // With reuse_port and pin_reactors: the CPU that handles a packet in the kernel chooses the
  // reactor for its connection or datagram, so that both use the same CPU's caches
  // (SO_ATTACH_REUSEPORT_CBPF). It helps if the network card spreads packets over the CPUs (RSS).
  // With fewer reactors than CPUs, the packets of the i-th CPU that the process may use go to
  // reactor i modulo the number of reactors. With more reactors than CPUs, evnet logs a warning and
  // the kernel distributes as without this option, because some reactors would get nothing. Another
  // server on the port makes the kernel's order of sockets differ from the order of the reactors.
  // evnet_server_create rejects it without the other two options. Linux only: elsewhere the start
  // fails with -EOPNOTSUPP, unless there is one reactor.
  // Default: false.
  bool reuse_port_by_cpu EVNET_ZERO;

  // The kernel interface. EVNET_BACKEND_AUTO selects the best one that works. If the system does
  // not support the backend named here, the start fails and logs the reason.
  // Default: EVNET_BACKEND_AUTO.
  enum evnet_backend backend EVNET_ZERO;

  // Pins reactor i to the i-th CPU that the process may use, starting over at the first CPU if
  // there are more reactors than CPUs. If a reactor cannot be pinned, the server logs a warning and
  // runs. Linux only.
  // Default: false.
  bool pin_reactors EVNET_ZERO;

  // Largest number of name lookups in progress in the process. Each lookup runs getaddrinfo(3) on
  // its own thread, because a silent name server blocks it for seconds. All reactors of the process
  // share these threads. Further lookups wait, and the wait counts against the dial's timeout. The
  // lookup of a cancelled dial counts until getaddrinfo returns. If reactors of one process have
  // different bounds, each bound applies to the lookups of its own reactor.
  // Bounds: 1 to EVNET_LOOKUP_THREADS_MAX.
  // Default: 128.
  size_t lookup_threads_max EVNET_ZERO;

  // Largest number of name lookups in progress on one reactor, those of dials included. Further
  // ones fail with -EAGAIN.
  // Bounds: 1 to EVNET_LOOKUPS_MAX.
  // Default: 16384.
  size_t lookups_max EVNET_ZERO;

  // Looks names up for dials and evnet_resolve, instead of getaddrinfo(3) on threads; see
  // net/reactor/resolve.h. Addresses to listen on do not use it. Borrowed for the server's life.
  // Default: NULL, none.
  const struct evnet_resolver *resolve EVNET_ZERO;

  // After any activity, a reactor polls without sleeping for this many microseconds. This lowers
  // latency at the cost of one busy CPU for each reactor.
  // Bounds: 0 to EVNET_BUSY_POLL_US_MAX.
  // Default: 0.
  int64_t busy_poll_us EVNET_ZERO;

  // Limits. The two counts of connections apply to all reactors together. Refused connections are
  // reset and counted; the log has at most one line about them every 10 seconds.

  // Largest number of open connections, dialled ones included. It is never exceeded. Each reactor
  // reserves 128 bytes of address space for each.
  // Default: 1048576, or less where ulimit -v (RLIMIT_AS) is low.
  size_t connections_max EVNET_ZERO;

  // Places of connections_max, the last ones to be taken, that only dials and adopted connections
  // may take: the server accepts while fewer than connections_max - dials_reserved connections are
  // open, dialled ones included.
  // Bounds: below connections_max.
  // Default: 0.
  size_t dials_reserved EVNET_ZERO;

  // The treatment of further connections at connections_max. With reuse_port they are refused.
  // Default: EVNET_FULL_PAUSE.
  enum evnet_full_action connections_full_action EVNET_ZERO;

  // Largest number of connections from one IPv4 address or one IPv6 /64 network. The server refuses
  // further ones. Dialled connections and Unix peers are not counted.
  // Default: EVNET_UNLIMITED.
  size_t connections_per_address_max EVNET_ZERO;

  // Time without a byte in either direction. See on_timeout.
  // Default: EVNET_OFF.
  int64_t idle_timeout_ms EVNET_ZERO;

  // Time without a byte from the peer while reading is not stopped. See on_timeout.
  // Default: EVNET_OFF.
  int64_t read_timeout_ms EVNET_ZERO;

  // Time in which output is queued and the kernel takes none of it. See on_timeout.
  // Default: 30000.
  int64_t write_timeout_ms EVNET_ZERO;

  // Time since on_open. It applies in every state of the connection, until on_close.
  // Default: EVNET_OFF.
  int64_t lifetime_ms EVNET_ZERO;

  // Time that a closing connection waits for the peer's end-of-stream after sending its own.
  // evnet_conn_set_linger has the details.
  // Default: 2000.
  int64_t linger_ms EVNET_ZERO;

  // The drain deadline of a stop that a callback begins by returning EVNET_SHUTDOWN. EVNET_OFF
  // means EVNET_TIMEOUT_MS_MAX.
  // Default: 5000.
  int64_t drain_ms EVNET_ZERO;

  // Memory of one connection

  // Unread bytes at which the connection closes with EVNET_REASON_INBOUND_OVERFLOW when on_data
  // returns. If the handler has paused reading, evnet only stops reading at this bound.
  // Default: 16777216.
  size_t inbound_bytes_max EVNET_ZERO;

  // Unread bytes at which evnet stops reading from a connection whose handler has stated that it
  // needs no more (evnet_conn_need).
  // Bounds: 1 to inbound_bytes_max, or EVNET_UNLIMITED for no mark.
  // Default: EVNET_UNLIMITED.
  size_t inbound_high_water_bytes EVNET_ZERO;

  // Queued output at which outbound_high_action begins.
  // Default: 1048576.
  size_t outbound_high_water_bytes EVNET_ZERO;

  // Queued output at which outbound_high_action ends.
  // Bounds: at most outbound_high_water_bytes.
  // Default: half of outbound_high_water_bytes.
  size_t outbound_low_water_bytes EVNET_ZERO;

  // Largest queued output. A write that would exceed it fails, see outbound_overflow.
  // Bounds: at least outbound_high_water_bytes + read_turn_bytes_max.
  // Default: 16777216, or the lower bound if that is more.
  size_t outbound_bytes_max EVNET_ZERO;

  // The action between the high-water and the low-water mark.
  // Default: EVNET_HIGH_STOP_READING.
  enum evnet_high_action outbound_high_action EVNET_ZERO;

  // The consequence of a write that would exceed outbound_bytes_max.
  // Default: EVNET_OVERFLOW_CLOSE.
  enum evnet_overflow outbound_overflow EVNET_ZERO;

  // Largest number of bytes read from one connection in one turn of the loop.
  // Bounds: 512 to 67108864.
  // Default: 262144.
  size_t read_turn_bytes_max EVNET_ZERO;

  // Number of holds (evnet_conn_hold) at which reading stops, on one connection or on one UDP
  // socket with all its peers. A callback can exceed it by the requests that it was given at the
  // time. EVNET_UNLIMITED means no bound.
  // Default: 1048576.
  size_t holds_max EVNET_ZERO;

  // Largest size of the requests posted to one reactor and not yet run.
  // Default: 67108864.
  size_t mailbox_bytes_max EVNET_ZERO;

  // UDP sockets

  // Largest datagram received. evnet cuts a longer one; evnet_conn_is_truncated reports it.
  // Bounds: 1 to 65535.
  // Default: 65535.
  size_t udp_datagram_bytes_max EVNET_ZERO;

  // Largest size of the output queue of a UDP socket that is full. Each queued datagram counts with
  // about 300 bytes more than its own.
  // Default: 262144.
  size_t udp_outbound_bytes_max EVNET_ZERO;

  // Disables UDP_SEGMENT (Linux). With it, evnet passes consecutive datagrams of equal size to the
  // same address to the kernel in one call. Receivers see no difference.
  // Default: false.
  bool no_udp_segmentation EVNET_ZERO;

  // Enables UDP_GRO (Linux): the kernel may return up to 64 consecutive datagrams of equal size
  // from one peer in one call. on_data still receives them one by one. This helps with peers that
  // send much, and may use up to 64 blocks of 64 KiB whatever udp_datagram_bytes_max is.
  // Default: false.
  bool udp_gro EVNET_ZERO;

  // Enables IP_RECVERR (Linux): on_datagram_error reports the ICMP errors of datagrams that the
  // server's UDP sockets have sent, each with the address that the datagram was sent to. A system
  // without it rejects the option.
  // Default: false.
  bool udp_errors EVNET_ZERO;

  // Permits UDP sockets, those of dials too, to send to broadcast addresses (SO_BROADCAST).
  // Default: false.
  bool udp_broadcast EVNET_ZERO;

  // Sockets of connections, accepted or dialled. A dial's options (dial.h) can override them, and a
  // connection can change its own (conn.h). UDP and Unix sockets use the buffer sizes only; for a
  // Unix socket the receive buffer has no effect (unix(7)). If the platform does not support an
  // option that is set, here or below, the start fails and logs the option.

  // Size of the kernel's send buffer (SO_SNDBUF). A size that is set is fixed: the kernel does not
  // adjust it to the traffic. Linux doubles it (socket(7)).
  // Default: the system's.
  int send_buffer_bytes EVNET_ZERO;

  // Size of the kernel's receive buffer (SO_RCVBUF), likewise.
  // Default: the system's.
  int receive_buffer_bytes EVNET_ZERO;

  // Uses Nagle's algorithm: clears TCP_NODELAY.
  // Default: false.
  bool no_nodelay EVNET_ZERO;

  // Idle seconds before the first keepalive probe (TCP_KEEPIDLE). See evnet_conn_set_keepalive.
  // Bounds: 1 to EVNET_KEEPALIVE_S_MAX, or EVNET_OFF for no probes.
  // Default: EVNET_OFF.
  int keepalive_idle_s EVNET_ZERO;

  // Seconds between keepalive probes (TCP_KEEPINTVL). Needs keepalive_idle_s.
  // Bounds: 1 to EVNET_KEEPALIVE_S_MAX.
  // Default: the system's.
  int keepalive_interval_s EVNET_ZERO;

  // Unanswered keepalive probes after which the connection ends (TCP_KEEPCNT). Needs
  // keepalive_idle_s.
  // Bounds: 1 to EVNET_KEEPALIVE_COUNT_MAX.
  // Default: the system's.
  int keepalive_count EVNET_ZERO;

  // Time that sent bytes may stay unacknowledged before the kernel ends the connection
  // (TCP_USER_TIMEOUT). Linux.
  // Default: EVNET_OFF, which leaves the system's.
  int64_t user_timeout_ms EVNET_ZERO;

  // Largest number of unsent bytes that the kernel's buffer holds (TCP_NOTSENT_LOWAT). Linux and
  // macOS.
  // Default: the system's.
  int notsent_lowat_bytes EVNET_ZERO;

  // Sockets that listen. UDP sockets use bind_to_device and v6only; Unix sockets use backlog and
  // unix_mode.

  // Connections that the kernel queues until the server accepts them (listen(2)).
  // Default: SOMAXCONN.
  int backlog EVNET_ZERO;

  // Enables TCP Fast Open (RFC 7413): the number of connections with data in their SYN that the
  // kernel queues (TCP_FASTOPEN). FreeBSD, and Linux if net.ipv4.tcp_fastopen permits it.
  // Default: none.
  int fast_open_queue_max EVNET_ZERO;

  // The kernel queues a connection for accept only when its first bytes have arrived, or after
  // about this many seconds (TCP_DEFER_ACCEPT). Linux.
  // Default: none.
  int defer_accept_s EVNET_ZERO;

  // Name of a network interface, copied: accepts only what arrives there (SO_BINDTODEVICE). Linux.
  // Default: any.
  const char *bind_to_device EVNET_ZERO;

  // Makes "tcp://:9000" and "tcp://[::]:9000" accept IPv6 only.
  // Default: false.
  bool v6only EVNET_ZERO;

  // Clears SO_REUSEADDR. A restart then fails while connections are in TIME_WAIT, and a UDP socket
  // that is bound to a multicast group does not share it.
  // Default: false.
  bool no_reuse_address EVNET_ZERO;

  // Permission bits of a Unix socket's file, such as 0660, independent of the umask. On Linux a
  // client needs permission to write (unix(7)).
  // Bounds: 0001 to 0777.
  // Default: 0777 less the process's umask.
  mode_t unix_mode EVNET_ZERO;

  // Log and memory

  // Receives log lines, see net/base/log.h.
  // Default: NULL, no log; for evnet_serve, evnet_log_stderr.
  void (*log)(enum evnet_log_level level, const char *message, void *user) EVNET_ZERO;

  // Passed to `log`.
  // Default: NULL.
  void *log_user EVNET_ZERO;

  // The most detailed level passed to `log`.
  // Default: EVNET_LOG_WARNING.
  enum evnet_log_level log_level EVNET_ZERO;

  // Allocates the server's memory, see net/base/memory.h. Borrowed until evnet_server_destroy.
  // Default: NULL, malloc(3) and free(3).
  const struct evnet_allocator *allocator EVNET_ZERO;
};

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_SERVER_OPTIONS_H_
