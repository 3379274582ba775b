// The options of a poller and of its sockets. poller.h has the functions that take them.
#ifndef EVNET_NET_POLLER_OPTIONS_H_
#define EVNET_NET_POLLER_OPTIONS_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../base/address.h"
#include "../base/memory.h"
#include "../base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_kernel;

// The kernel interfaces.
enum evnet_backend {
  EVNET_BACKEND_AUTO = 0,      // the best one that works on this system
  EVNET_BACKEND_EPOLL = 1,     // Linux
  EVNET_BACKEND_IO_URING = 2,  // Linux 6.1 and later, if built with liburing
  EVNET_BACKEND_KQUEUE = 3,    // macOS and the BSDs
};

// The options of a poller. A field of 0 selects the default.
struct evnet_poller_options {
  enum evnet_backend backend EVNET_ZERO;  // EVNET_BACKEND_AUTO by default
  // Handles that are attached. Reserves address space, not memory. Default: 1,048,576.
  uint32_t handles_max EVNET_ZERO;

  // Largest number of bytes of one RECV, and of all RECVs of one handle in a turn. Default: 256
  // KiB.
  uint32_t recv_bytes_max EVNET_ZERO;

  // A longer datagram is cut. Default: 65,535, which cuts none.
  uint32_t datagram_bytes_max EVNET_ZERO;

  // Passes datagrams to the kernel one by one, even where it accepts several of one size in one
  // call (Linux: UDP_SEGMENT).
  bool no_udp_segmentation EVNET_ZERO;

  // Lets the kernel return consecutive datagrams of one size from one peer in one call (Linux:
  // UDP_GRO). They are still reported one by one. Elsewhere sockets cannot be opened with it.
  bool udp_gro EVNET_ZERO;

  // Reports the errors of sent datagrams with the address that each was sent to (Linux: IP_RECVERR).
  // Elsewhere sockets cannot be opened with it.
  bool udp_errors EVNET_ZERO;

  const struct evnet_allocator *allocator EVNET_ZERO;  // borrowed; NULL: malloc
  struct evnet_kernel *kernel EVNET_ZERO;  // borrowed; NULL: the system's; else a simulated one
};

// Options of a connection's socket, with their names in the system. 0 is the system's default
// unless noted. A Unix socket has the buffer sizes only.
enum evnet_socket_option {
  EVNET_SOCKET_NODELAY,               // TCP_NODELAY: 0 or 1
  EVNET_SOCKET_KEEPALIVE,             // SO_KEEPALIVE: 0 or 1
  EVNET_SOCKET_KEEPALIVE_IDLE_S,      // TCP_KEEPIDLE, macOS TCP_KEEPALIVE; Linux: 1 to 32767
  EVNET_SOCKET_KEEPALIVE_INTERVAL_S,  // TCP_KEEPINTVL; Linux: 1 to 32767
  EVNET_SOCKET_KEEPALIVE_COUNT,       // TCP_KEEPCNT; Linux: 1 to 127
  EVNET_SOCKET_USER_TIMEOUT_MS,       // TCP_USER_TIMEOUT
  EVNET_SOCKET_NOTSENT_LOWAT_BYTES,   // TCP_NOTSENT_LOWAT
  EVNET_SOCKET_SEND_BUFFER_BYTES,     // SO_SNDBUF, which Linux doubles (socket(7))
  EVNET_SOCKET_RECEIVE_BUFFER_BYTES,  // SO_RCVBUF, likewise

  // TCP and UDP sockets have these two, for both families if the socket has both:
  EVNET_SOCKET_HOPS,           // IP_TTL, IPV6_UNICAST_HOPS: 1 to 255
  EVNET_SOCKET_TRAFFIC_CLASS,  // IP_TOS, IPV6_TCLASS: 0 to 255

  EVNET_SOCKET_BROADCAST,  // SO_BROADCAST, of UDP sockets only: 0 or 1
};

// The number of socket options.
enum { EVNET_SOCKET_OPTIONS = EVNET_SOCKET_BROADCAST + 1 };

// The multicast settings of a datagram socket.
enum evnet_multicast_what {
  EVNET_MULTICAST_JOIN,       // joins `group` on the interface
  EVNET_MULTICAST_LEAVE,      // leaves it
  EVNET_MULTICAST_INTERFACE,  // the interface by which datagrams to groups leave
  EVNET_MULTICAST_HOPS,       // their hop limit, 0 to 255; the system's default is 1: no router
  EVNET_MULTICAST_LOOP,       // whether members on this machine get them, 0 or 1; default 1
};

// A multicast setting. On a socket of both families it applies to both.
struct evnet_multicast {
  enum evnet_multicast_what what;     // which one
  const struct evnet_address *group;  // JOIN, LEAVE; the port is ignored
  // JOIN, LEAVE: the only sender whose datagrams are received; the port is ignored. NULL: any.
  const struct evnet_address *source;
  // JOIN, LEAVE, INTERFACE. NULL: the zone of an IPv6 group, or else the system chooses by its
  // routes.
  const char *interface_name;
  int value;  // HOPS, LOOP
};

// The sockets of a shared port, by the CPUs whose packets they receive.
struct evnet_port_cpus {
  const uint32_t *cpus;   // cpu_count numbers of CPUs; packets of cpus[i] go to i % socket_count
  uint32_t cpu_count;     // at most 1024; packets of other CPUs go to their number % socket_count
  uint32_t socket_count;  // that listen at the port, in the order in which they were opened
};

// The options of a listening socket and of the sockets that it accepts: on Linux an accepted socket
// inherits them, so accepting sets none. 0 selects the system's default, unless noted.
struct evnet_listen_options {
  int backlog EVNET_ZERO;            // 0: SOMAXCONN; the kernel cuts it to net.core.somaxconn
  int send_buffer_bytes EVNET_ZERO;  // SO_SNDBUF

  // SO_RCVBUF, set before listen(2) so that the window scale fits it (tcp(7)). It has no effect on
  // Unix sockets (unix(7)).
  int receive_buffer_bytes EVNET_ZERO;

  bool no_reuse_address EVNET_ZERO;  // clears SO_REUSEADDR: a restart has to wait for TIME_WAIT
  bool no_nodelay EVNET_ZERO;        // clears TCP_NODELAY
  bool v6only EVNET_ZERO;            // a wildcard of both families accepts IPv6 only

  // Keepalive, as in struct evnet_options (net/server/options.h); above 0 for keepalive_idle_s enables it:
  int keepalive_idle_s EVNET_ZERO;
  int keepalive_interval_s EVNET_ZERO;
  int keepalive_count EVNET_ZERO;

  int user_timeout_ms EVNET_ZERO;      // TCP_USER_TIMEOUT
  int notsent_lowat_bytes EVNET_ZERO;  // TCP_NOTSENT_LOWAT
  int fast_open_queue_max EVNET_ZERO;  // TCP_FASTOPEN: the length of its queue; 0: disabled
  int defer_accept_s EVNET_ZERO;       // TCP_DEFER_ACCEPT: wait this long for data; 0: do not wait
  const char *bind_to_device EVNET_ZERO;  // SO_BINDTODEVICE: an interface's name; NULL: any
  bool udp_broadcast EVNET_ZERO;          // SO_BROADCAST: permits sending to broadcast addresses

  // Shares the port with sockets that set it too: SO_REUSEPORT of socket(7), SO_REUSEPORT_LB of
  // FreeBSD. See evnet_poller_spreads_port.
  bool reuse_port EVNET_ZERO;

  // With reuse_port, of the last socket that opens at a port: the CPU that handles a packet chooses
  // the socket for the port's connections or datagrams (SO_ATTACH_REUSEPORT_CBPF, Linux 4.5). NULL:
  // a hash of both addresses chooses.
  const struct evnet_port_cpus *reuse_port_by_cpu EVNET_ZERO;

  // Receives the name of the option, as above, that the system rejects. NULL if it is not needed.
  const char **out_refused EVNET_ZERO;

  // Permission bits of a Unix socket's file, independent of the umask; 0: 0777 less the umask. On
  // Linux a client needs permission to write (unix(7)).
  mode_t unix_mode EVNET_ZERO;

  // Receives a constant string that explains an error further than its status, or NULL. May be
  // NULL.
  const char **out_reason EVNET_ZERO;
};

// The options of a socket that connects. All zero: the system's defaults, with TCP_NODELAY.
struct evnet_connect_options {
  // Bound to first; port 0: any. NULL: the system chooses.
  const struct evnet_address *source EVNET_ZERO;
  const char *bind_to_device EVNET_ZERO;  // SO_BINDTODEVICE: an interface's name; NULL: any
  int send_buffer_bytes EVNET_ZERO;       // SO_SNDBUF; 0: the system's
  int receive_buffer_bytes EVNET_ZERO;    // SO_RCVBUF, set before connect(2); 0: the system's
  bool no_nodelay EVNET_ZERO;             // clears TCP_NODELAY
  bool udp_broadcast EVNET_ZERO;          // SO_BROADCAST: permits a broadcast address

  // As in struct evnet_options, for TCP; 0 or less selects the system's:
  int keepalive_idle_s EVNET_ZERO;
  int keepalive_interval_s EVNET_ZERO;
  int keepalive_count EVNET_ZERO;
  int user_timeout_ms EVNET_ZERO;
  int notsent_lowat_bytes EVNET_ZERO;
};

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_OPTIONS_H_
