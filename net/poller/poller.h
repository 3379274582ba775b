// The poller: the kernel's side of a reactor. Descriptors go in, completions come out.
//
// One contract serves kernels that report completions (io_uring) and kernels that report readiness
// (epoll, kqueue), which emulate completions once, in internal/ready.c. Nothing above this file
// knows which one runs.
//
//   wait(timeout)        submits what is pending and blocks; once per turn of the loop
//   next(&completion)    one completion, or false when this turn has no more
//
// A handle names an attached descriptor: an index below handles_max, and a generation that differs
// each time the index is used again, checked before anything is done for it, so that a stale event
// never reaches a new socket with the same number. An index is used again only after the handle's
// DETACH completion, which is always its last.
//
// Thread: everything is for the thread that created the poller, but for evnet_poller_wake.
#ifndef EVNET_NET_POLLER_POLLER_H_
#define EVNET_NET_POLLER_POLLER_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "../base/address.h"
#include "../base/credentials.h"
#include "../base/memory.h"
#include "../base/status.h"
#include "../base/tcp_info.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_poller;
struct evnet_kernel;

enum evnet_backend {
  EVNET_BACKEND_AUTO = 0,      // the best that this system has
  EVNET_BACKEND_EPOLL = 1,     // Linux
  EVNET_BACKEND_IO_URING = 2,  // Linux 6.1 and later, where liburing was there to build with
  EVNET_BACKEND_KQUEUE = 3,    // macOS and the BSDs
};

struct evnet_poller_options {
  enum evnet_backend backend;
  uint32_t handles_max;     // attached at once; 0: 1,048,576. Address space is reserved, not memory
  uint32_t recv_bytes_max;  // the most one RECV brings and one handle brings a turn; 0: 256 KiB
  uint32_t datagram_bytes_max;  // a longer datagram loses its end; 0: 65,535, none is longer
  bool no_udp_segmentation;     // datagrams are handed over one by one, also where the system takes
                                // several of one size as one message (Linux: UDP_SEGMENT)
  bool udp_gro;  // the system may hand over several of one size that one peer sent in a
                 // row at once (Linux: UDP_GRO); each is told by itself all the same,
                 // and sockets cannot be opened where there is no such thing
  const struct evnet_allocator *allocator;  // borrowed; NULL: malloc
  struct evnet_kernel *kernel;  // borrowed; NULL: the system's. Another one is simulated
};

// All zero is never valid.
struct evnet_handle {
  uint32_t index;
  uint32_t generation;
};

enum evnet_op {
  EVNET_OP_ACCEPT,  // accept_start: result 0: a connection may wait, see evnet_poller_accept; or
                    // -errno
  EVNET_OP_RECV,    // recv_start: result bytes at data; 0: the peer's end; or -errno
  EVNET_OP_SEND,    // send_start, or a send that gave -EINPROGRESS: result bytes taken, maybe fewer
                    // than asked for; or -errno; EVNET_REASON_FILE_SHORT: the file ends in front of
                    // the range
  EVNET_OP_HANGUP,  // no recv is armed and the connection is dead: -errno, or 0 when both sides
                    // have ended and nothing stands in front of the peer's end
  EVNET_OP_DETACH,  // detach or abort: the descriptor is closed and the handle is gone
  EVNET_OP_DATAGRAM,  // recv_start of a datagram socket: one datagram, result bytes at data,
                      // perhaps 0; or -errno. With `more`, of an earlier datagram (ICMP, say):
                      // those that follow are received. Without: receiving fails again and again;
                      // start it after a pause
  EVNET_OP_CONNECT,   // connect: 0, or -errno
};

struct evnet_completion {
  struct evnet_handle handle;
  enum evnet_op op;
  bool more;            // ACCEPT, RECV, DATAGRAM: the operation is still armed; else start it again
  bool truncated;       // DATAGRAM: it was longer than datagram_bytes_max
  int64_t result;       // see enum evnet_op
  const uint8_t *data;  // RECV, DATAGRAM: leased until the next call of next or wait
  size_t rest;  // SEND after -EINPROGRESS: bytes at data that were not taken, leased likewise
  // Valid until the next call of next or wait:
  const struct evnet_address *peer;   // DATAGRAM: who sent it
  const struct evnet_address *local;  // DATAGRAM: the host it was sent to, port 0: where an answer
                                      // has to come from. Of a group or broadcast, the host that
                                      // took it. NULL: the socket is bound to one host
};

// One datagram for evnet_poller_send_datagrams.
struct evnet_datagram {
  const struct iovec *pieces;
  uint32_t count;                    // 0 to EVNET_SEND_PIECES_MAX; 0 is an empty datagram
  const struct evnet_address *to;    // NULL: where the socket is connected to
  const struct evnet_address *from;  // as `local` of a completion; NULL: the system's choice
};

struct evnet_file_range {
  int descriptor;  // a regular file's, open for reading; its position is neither used nor moved
  int64_t offset;  // of the first byte
  size_t size;     // more than 0
};

// What evnet_poller_send_start sends. The caller's, and unchanged, until the SEND completion.
struct evnet_send {
  union {
    const struct iovec *pieces;
    const struct evnet_file_range *file;
  };
  uint32_t count;  // of pieces, 1 to EVNET_SEND_PIECES_MAX; 0: it is a file
};

enum {
  EVNET_SEND_PIECES_MAX = 64,
  EVNET_POLLER_SCRATCH_BYTES = 64 << 10,
  EVNET_DATAGRAMS_MAX = 64,  // that one socket brings a turn
  EVNET_ACCEPTS_MAX = 128,   // that one listener brings a turn
};

// What can be set of a connection's socket, by its name in the system; 0 is the system's default
// where nothing else is said. Only the buffers are also a Unix socket's.
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
};
enum { EVNET_SOCKET_OPTIONS = EVNET_SOCKET_RECEIVE_BUFFER_BYTES + 1 };

enum evnet_multicast_what {
  EVNET_MULTICAST_JOIN,       // the socket becomes a member of `group` on the interface
  EVNET_MULTICAST_LEAVE,      // undoes that
  EVNET_MULTICAST_INTERFACE,  // by which what is sent to groups leaves
  EVNET_MULTICAST_HOPS,       // how far it gets, 0 to 255; the system's default is 1: no router
  EVNET_MULTICAST_LOOP,       // whether members on this machine get it, 0 or 1; 1 by default
};

// What a datagram socket has to do with groups; a socket of both families has it for both.
struct evnet_multicast {
  enum evnet_multicast_what what;
  const struct evnet_address *group;  // JOIN, LEAVE; the port means nothing
  const char *interface_name;  // JOIN, LEAVE, INTERFACE; NULL: the zone of an IPv6 group, else
                               // the system's choice, by its routes
  int value;                   // HOPS, LOOP
};

// Of a listening socket, and of what it accepts: on Linux an accepted socket has each of them from
// its listener, so accepting sets none.
struct evnet_listen_options {
  int backlog;               // 0: SOMAXCONN; the kernel cuts it to net.core.somaxconn
  int send_buffer_bytes;     // 0: the system's, here and below
  int receive_buffer_bytes;  // set before listen(2), so that the window scale fits it (tcp(7)); on
                             // Unix sockets it has no effect (unix(7))
  bool no_reuse_address;     // without SO_REUSEADDR a restart has to wait for TIME_WAIT
  bool no_nodelay;           // without TCP_NODELAY
  bool v6only;               // a wildcard of both families takes IPv6 alone
  int keepalive_idle_s;      // above 0: keepalive is on
  int keepalive_interval_s;
  int keepalive_count;
  int user_timeout_ms;
  int notsent_lowat_bytes;
  int fast_open_queue_max;     // TCP_FASTOPEN: SYNs with data that may wait; 0: none
  int defer_accept_s;          // TCP_DEFER_ACCEPT: for so long only with data; 0: at once
  const char *bind_to_device;  // SO_BINDTODEVICE: an interface's name; NULL: any
  bool udp_broadcast;          // SO_BROADCAST: datagrams may be sent to broadcast addresses
  bool reuse_port;             // others with it may have the same port: SO_REUSEPORT of socket(7),
                               // FreeBSD's SO_REUSEPORT_LB; see evnet_poller_spreads_port
  const char **out_refused;    // receives, when the system refuses an option, that option's name as
                               // above; NULL: nobody wants to know
  mode_t unix_mode;  // permission bits of a Unix socket's file, whatever the umask; 0: 0777 less
                     // the umask. On Linux connecting takes the right to write (unix(7))
  const char **out_reason;  // set to a constant string that says more of a failure than its status
                            // does, else to NULL; may be NULL
};

// Of a socket that connects. All zero: the system's defaults, but with TCP_NODELAY.
struct evnet_connect_options {
  const struct evnet_address *source;  // bound to first; port 0: any. NULL: the system's choice
  const char *bind_to_device;          // SO_BINDTODEVICE: an interface's name; NULL: any
  int send_buffer_bytes;               // 0: the system's
  int receive_buffer_bytes;            // likewise; set before connect(2), as of a listener
  bool no_nodelay;                     // TCP without TCP_NODELAY
  bool udp_broadcast;                  // SO_BROADCAST: the address may be a broadcast address
  // TCP, 0 or less: the system's.
  int keepalive_idle_s;  // above 0: keepalive is on
  int keepalive_interval_s;
  int keepalive_count;
  int user_timeout_ms;
  int notsent_lowat_bytes;
};

// evnet_poller_create makes a poller.
//
//   options  NULL: all defaults.
//
// Returns: 0.
// Errors:  -ENOSYS for a backend that this system has not; -EPERM for one that it refuses;
//          -EINVAL for handles_max above 2^24; -ENOMEM; -EMFILE, -ENFILE.
// Thread:  the one that will use the poller.
EVNET_API EVNET_WARN_UNUSED int evnet_poller_create(const struct evnet_poller_options *options,
                                                    struct evnet_poller **out_poller);

// evnet_poller_create_message says what a status of evnet_poller_create means for that backend, for
// logs: what a bare "operation not permitted" leaves open.
//
// Returns: never NULL; without a full stop; valid until the thread's next call.
// Thread:  any, after evnet_poller_create has failed there.
EVNET_API const char *evnet_poller_create_message(enum evnet_backend backend, int status);

// evnet_poller_destroy closes what is still attached, without completions, and frees the poller;
// NULL is accepted.
EVNET_API void evnet_poller_destroy(struct evnet_poller *poller);

// evnet_poller_name names the backend: "epoll", "io_uring", "kqueue".
EVNET_API const char *evnet_poller_name(const struct evnet_poller *poller);

// evnet_poller_now_ns reads the monotonic clock, which a simulated kernel replaces.
EVNET_API uint64_t evnet_poller_now_ns(struct evnet_poller *poller);

// evnet_poller_listen opens, binds and attaches a listening socket. Nothing is accepted before
// accept_start. A UDP address makes a datagram socket instead, which only recv_start, recv_stop,
// send_datagrams, await_room, set_multicast, local_address and detach are for.
//
// A Unix path is one listener's: while it stands, PATH.lock is locked (flock(2)). A socket that
// nobody serves any more, as a try to connect shows, is replaced; whatever else is there makes it
// -EADDRINUSE and is left alone. detach removes both files, if they are still the listener's own. A
// relative path is looked up at both times.
//
//   options  NULL: all defaults.
//
// Returns: 0.
// Errors:  -EADDRINUSE, also with reuse_port when who has the port does without it or is another
//          user's; -EADDRNOTAVAIL, -EACCES and the rest of socket(2), bind(2), listen(2), and for a
//          Unix path open(2); -EOPNOTSUPP for a transport that is not served, for an option that
//          this system does not have, for reuse_port of a Unix socket, and for an abstract name
//          where the system has none; those of setsockopt(2) for an option, such as -EPERM or
//          -ENODEV of bind_to_device; -ENOBUFS at handles_max; -ENOMEM.
EVNET_API EVNET_WARN_UNUSED int evnet_poller_listen(struct evnet_poller *poller,
                                                    const struct evnet_address *address,
                                                    const struct evnet_listen_options *options,
                                                    struct evnet_handle *out_handle);

// evnet_poller_spreads_port tells what reuse_port is good for here: whether the kernel gives each
// of several listeners or UDP sockets of one port its share of what comes. Where it does not
// (macOS, OpenBSD) one of them gets all, and which one is the system's affair.
EVNET_API bool evnet_poller_spreads_port(const struct evnet_poller *poller);

// evnet_poller_has_family says whether this machine has addresses of a family now: the loopback
// address at least. Without them binding fails with -EAFNOSUPPORT, or with -EADDRNOTAVAIL, as on
// Linux where net.ipv6.conf.all.disable_ipv6 is set.
//
//   family  AF_INET or AF_INET6.
EVNET_API bool evnet_poller_has_family(const struct evnet_poller *poller, int family);

// evnet_poller_attach takes a connected, non-blocking socket.
//
//   descriptor  the poller's from now on, closed by detach; still the caller's on error.
//
// Returns: 0.
// Errors:  -EEXIST: the poller has this descriptor already; -ENOBUFS at handles_max; -ENOMEM, or
//          -ENOSPC from the kernel.
EVNET_API EVNET_WARN_UNUSED int evnet_poller_attach(struct evnet_poller *poller, int descriptor,
                                                    enum evnet_transport transport,
                                                    struct evnet_handle *out_handle);

// What a socket is that somebody else has made.
struct evnet_socket_kind {
  enum evnet_transport transport;
  bool is_listener;  // else it is connected
};

// evnet_poller_identify finds out what a descriptor is; it changes nothing.
//
// Returns: 0.
// Errors:  -EBADF, -ENOTSOCK; -EAFNOSUPPORT, -ESOCKTNOSUPPORT for a kind that is not served;
//          -ENOTCONN: it neither is connected nor listens; -EOPNOTSUPP on a simulated kernel.
EVNET_API EVNET_WARN_UNUSED int evnet_poller_identify(struct evnet_poller *poller, int descriptor,
                                                      struct evnet_socket_kind *out_kind);

// evnet_poller_adopt attaches a socket that somebody else has made: a connected one as attach does,
// a listening one as listen does, but for its files, which are left alone.
//
//   descriptor  the poller's from now on, closed by detach; still the caller's on error. It is made
//               non-blocking, which others see who share the open socket (fcntl(2)), and
//               close-on-exec.
//   kind        what evnet_poller_identify has found.
//
// Returns: 0.
// Errors:  -EEXIST: the poller has this descriptor already; -ENOBUFS at handles_max; -ENOMEM, or
//          -ENOSPC from the kernel; those of fcntl(2).
EVNET_API EVNET_WARN_UNUSED int evnet_poller_adopt(struct evnet_poller *poller, int descriptor,
                                                   const struct evnet_socket_kind *kind,
                                                   struct evnet_handle *out_handle);

// evnet_poller_resolve looks a name up in a kernel that is not the system's, without blocking.
//
//   out  count_max addresses.
//
// Returns: their number, as evnet_address_resolve_all.
// Errors:  as evnet_address_resolve_all; -EOPNOTSUPP: names are the system's, getaddrinfo(3).
EVNET_API EVNET_WARN_UNUSED int evnet_poller_resolve(struct evnet_poller *poller, const char *text,
                                                     struct evnet_address *out, int count_max);

// evnet_poller_reserve makes a handle without a descriptor, for connect: so that what connects has
// one name from the beginning, and over several tries. Only connect, detach and abort are for it.
//
//   reserved --connect--> connecting --CONNECT 0--> as if attached
//      ^                      |
//      +--- CONNECT -errno ---+
//
// Returns: 0.
// Errors:  -ENOBUFS at handles_max.
EVNET_API EVNET_WARN_UNUSED int evnet_poller_reserve(struct evnet_poller *poller,
                                                     enum evnet_transport transport,
                                                     struct evnet_handle *out_handle);

// evnet_poller_connect opens a socket and connects it, without blocking. It completes once, with
// CONNECT and never from inside this call, also when it failed at once:
//
//   0         the handle is what attach would have made; a UDP socket's peer is set.
//   -EAGAIN   a Unix listener's backlog is full. Nothing tells when there is room: try again after
//             a pause.
//   -errno    of socket(2), setsockopt(2), bind(2) or connect(2); -EOPNOTSUPP for an option that
//             this system has not. -ECONNREFUSED also where TCP has connected the socket to itself
//             (RFC 793 section 3.4): on loopback, when the port that nobody listens on is the one
//             that the system chooses for us.
//
// After a failure the handle is reserved as before, and may connect again. Between this call and
// CONNECT only connect_stop, detach and abort are for it; after those two no CONNECT comes.
//
//   handle   reserved for the address's transport.
//   options  borrowed for the call, as is the address; NULL: all defaults.
EVNET_API void evnet_poller_connect(struct evnet_poller *poller, struct evnet_handle handle,
                                    const struct evnet_address *address,
                                    const struct evnet_connect_options *options);

// evnet_poller_connect_stop gives a connect up: its CONNECT says -ECANCELED, or what had become of
// it by then.
EVNET_API void evnet_poller_connect_stop(struct evnet_poller *poller, struct evnet_handle handle);

// evnet_poller_connect_move gives the socket of a handle that has just connected to another handle,
// which is then as if it had connected itself: of several that try, the first to connect gets the
// name that the others know. To be called between the CONNECT of `from` and the next call of
// evnet_poller_next or _wait, with nothing started.
//
//   from  reserved afterwards, and may connect again.
//   to    reserved, for the same transport.
//
// Returns: 0.
// Errors:  the kernel's; nothing has moved then.
EVNET_API EVNET_WARN_UNUSED int evnet_poller_connect_move(struct evnet_poller *poller,
                                                          struct evnet_handle from,
                                                          struct evnet_handle to);

// evnet_poller_discard_descriptor closes a descriptor that evnet_poller_accept returned and that
// will not be attached; the peer sees a reset, that of a Unix socket an end.
EVNET_API void evnet_poller_discard_descriptor(struct evnet_poller *poller, int descriptor);

// evnet_poller_detach closes the descriptor in an orderly way once nothing of it is in flight.
// Operations under way complete first (a send with -ECANCELED or what it did), then DETACH comes,
// last. Nothing else does.
//
// Where a duplicate of the descriptor may exist, close(2) alone ends no connection. It may exist
// after evnet_poller_duplicate, after evnet_poller_adopt, and once the process has called fork(2)
// with a poller. There the end is sent by shutdown(2), in both directions, and then the descriptor
// is closed. A listener and a datagram socket are only closed: whoever has the duplicate goes on.
EVNET_API void evnet_poller_detach(struct evnet_poller *poller, struct evnet_handle handle);

// evnet_poller_abort is evnet_poller_detach that makes the peer see a reset (SO_LINGER of 0
// seconds, socket(7); connect(2) to AF_UNSPEC where a duplicate may exist, which resets on Linux).
// A Unix socket has no reset: there its peer sees what it sees of a detach.
EVNET_API void evnet_poller_abort(struct evnet_poller *poller, struct evnet_handle handle);

// evnet_poller_accept_start arms accepting, also of connections that wait already. No backend takes
// a connection from the kernel's backlog by itself: an ACCEPT with the result 0 says that one may
// wait, and evnet_poller_accept takes it. So the caller decides, for each connection, whether there
// is a place for it.
//
// It stays armed until accept_stop or an error. An ACCEPT with a negative result is an error of the
// listener, and has no `more`.
EVNET_API void evnet_poller_accept_start(struct evnet_poller *poller, struct evnet_handle handle);

// evnet_poller_accept_stop disarms accepting; connections wait in the kernel's backlog.
EVNET_API void evnet_poller_accept_stop(struct evnet_poller *poller, struct evnet_handle handle);

// evnet_poller_accept takes one connection after an ACCEPT with the result 0, before the next call
// of evnet_poller_next. The caller takes one, or stops accepting, or detaches the listener: as long
// as it does none of these, ACCEPT is reported in each turn. One listener brings at most
// EVNET_ACCEPTS_MAX connections a turn.
//
// A connection that was reset while it waited in the backlog is accepted like any other; receiving
// then reports the reset. Errors of accept(2) that concern only the connection being accepted (all
// but EBADF, EFAULT, EINVAL, ENOTSOCK and those below) are passed over, unless nothing else comes.
//
//   handle    of the ACCEPT.
//   out_peer  the peer's address; of a Unix peer without a name only the family. Undefined after an
//             error.
//
// Returns: a non-blocking, close-on-exec descriptor, the caller's: for evnet_poller_attach, or
//          evnet_poller_discard_descriptor.
// Errors:  -EAGAIN: no connection waits; accepting stays armed. Any other error disarms it:
//          -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM if there is no descriptor or memory: start again
//          when one was freed or after a pause; the rest of accept(2).
EVNET_API EVNET_WARN_UNUSED int evnet_poller_accept(struct evnet_poller *poller,
                                                    struct evnet_handle handle,
                                                    struct evnet_address *out_peer);

// evnet_poller_recv_start arms receiving until recv_stop or a completion without `more`. Bytes that
// came while it was stopped are reported at once. Descriptors that come over a Unix socket are
// closed.
EVNET_API void evnet_poller_recv_start(struct evnet_poller *poller, struct evnet_handle handle);

// evnet_poller_recv_stop disarms receiving. A completion-based backend may still report bytes that
// the kernel had already handed over; a dead connection is reported as HANGUP. Of datagrams, every
// backend reports the rest of a batch that it has begun to report, at most EVNET_DATAGRAMS_MAX;
// with udp_gro each of those may be up to 64 of one peer's.
EVNET_API void evnet_poller_recv_stop(struct evnet_poller *poller, struct evnet_handle handle);

// evnet_poller_send hands bytes to the kernel now, as one send.
//
//   pieces  borrowed for the call, except bytes in the current RECV's data or in the scratch block,
//           which the poller may go on using.
//   count   1 to EVNET_SEND_PIECES_MAX.
//
// Nothing may be under way on the handle: no send_start, and no send that gave -EINPROGRESS.
//
// Returns: the bytes taken, 0 to the pieces' sum. What was taken is delivered in order, or a HANGUP
//          or RECV tells why not. What was not taken is the caller's: the socket is full, use
//          send_start for it.
// Errors:  -EINPROGRESS, of a single piece in the current RECV's data or in the scratch block only:
//          a completion-based backend sends it with the next wait, and a SEND completion of that
//          wait tells how much was taken and gives the rest back. A wait does not return for its
//          sake: who needs it at once waits with a timeout of 0. -EPIPE, -ECONNRESET and the rest
//          of send(2) but EAGAIN and EINTR; nothing taken.
EVNET_API int64_t evnet_poller_send(struct evnet_poller *poller, struct evnet_handle handle,
                                    const struct iovec *pieces, size_t count);

// evnet_poller_sending_bytes tells what a send that gave -EINPROGRESS has under way.
//
// Returns: the bytes of its piece until its SEND completion; 0 without one.
EVNET_API size_t evnet_poller_sending_bytes(struct evnet_poller *poller,
                                            struct evnet_handle handle);

// evnet_poller_send_start sends as soon as the socket takes bytes, and completes once, with SEND.
// Bytes of a file go from the kernel's memory to the socket without a copy, where the system can do
// that (sendfile(2)); those that are not in memory are waited for. An error may be the socket's or
// that of reading the file.
//
//   send  the caller's until the completion, with all it points to; one at a time for each handle.
EVNET_API void evnet_poller_send_start(struct evnet_poller *poller, struct evnet_handle handle,
                                       const struct evnet_send *send);

// evnet_poller_scratch gives a block of EVNET_POLLER_SCRATCH_BYTES in which small writes gather
// before one evnet_poller_send. It is the caller's until that send; ask again after it.
EVNET_API uint8_t *evnet_poller_scratch(struct evnet_poller *poller);

// evnet_poller_send_datagrams hands datagrams to the kernel now, in order, each of them whole.
//
//   datagrams  borrowed for the call, with all they point to.
//   count      1 or more.
//
// Returns: how many were taken, from the first on. Call again for the others: why they were not
//          taken is known then. 0: the socket is full, see evnet_poller_await_room.
// Errors:  -errno of sendmsg(2) for the first datagram (-EMSGSIZE, -ENETUNREACH, -EPERM, ...), or
//          for an earlier one, by ICMP; none was taken. The socket goes on.
EVNET_API int64_t evnet_poller_send_datagrams(struct evnet_poller *poller,
                                              struct evnet_handle handle,
                                              const struct evnet_datagram *datagrams, size_t count);

// evnet_poller_await_room asks to be told, by one SEND with the result 0, when a datagram socket
// that was full takes datagrams again. Once at a time. -ECANCELED: it was detached. Any other
// -errno: the kernel does not let the socket be waited for; to ask again may fail again.
EVNET_API void evnet_poller_await_room(struct evnet_poller *poller, struct evnet_handle handle);

// evnet_poller_shutdown_write ends the outgoing direction, behind everything sent; the peer sees
// the end. Nothing may be under way, as for evnet_poller_send.
//
// Returns: 0.
// Errors:  -ENOTCONN when the connection is gone; a Unix socket's may be ended all the same.
EVNET_API int evnet_poller_shutdown_write(struct evnet_poller *poller, struct evnet_handle handle);

// evnet_poller_local_address tells the address that the socket is bound to.
//
// Returns: 0, or -errno of getsockname(2).
EVNET_API EVNET_WARN_UNUSED int evnet_poller_local_address(struct evnet_poller *poller,
                                                           struct evnet_handle handle,
                                                           struct evnet_address *out_address);

// evnet_poller_remote_address tells the peer's address; of a Unix peer without a name only the
// family.
//
// Returns: 0.
// Errors:  -ENOTCONN once a connection is dead (not on Unix sockets), or of a listener.
EVNET_API EVNET_WARN_UNUSED int evnet_poller_remote_address(struct evnet_poller *poller,
                                                            struct evnet_handle handle,
                                                            struct evnet_address *out_address);

// evnet_poller_peer_credentials tells who made the connection, as the kernel noted it then.
//
// Returns: 0.
// Errors:  -EOPNOTSUPP but on Unix sockets, and on a simulated kernel.
EVNET_API EVNET_WARN_UNUSED int evnet_poller_peer_credentials(
    struct evnet_poller *poller, struct evnet_handle handle,
    struct evnet_credentials *out_credentials);

// evnet_poller_tcp_info tells what the kernel knows of a TCP connection, also of one that is dead.
//
// Returns: 0.
// Errors:  -EOPNOTSUPP but on TCP, on systems that do not tell, and on a simulated kernel;
//          -ENOTCONN of a handle that is only reserved.
EVNET_API EVNET_WARN_UNUSED int evnet_poller_tcp_info(struct evnet_poller *poller,
                                                      struct evnet_handle handle,
                                                      struct evnet_tcp_info *out_info);

// evnet_poller_unacked_bytes says how much of what a TCP connection was given to send its peer has
// not acknowledged, an end of the stream perhaps counted as one. One system call.
//
// Returns: the bytes, 0 or more.
// Errors:  -EOPNOTSUPP but on TCP, and on OpenBSD; -ENOTCONN of a handle that is only reserved;
//          those of ioctl(2).
EVNET_API EVNET_WARN_UNUSED int64_t evnet_poller_unacked_bytes(struct evnet_poller *poller,
                                                               struct evnet_handle handle);

// evnet_poller_set_option sets an option of a socket.
//
//   handle  a connection's or a listener's.
//
// Returns: 0.
// Errors:  -EOPNOTSUPP for what this system, or a socket of this kind, has not; -EINVAL for a value
//          out of range, and the rest of setsockopt(2).
EVNET_API EVNET_WARN_UNUSED int evnet_poller_set_option(struct evnet_poller *poller,
                                                        struct evnet_handle handle,
                                                        enum evnet_socket_option option, int value);

// evnet_poller_set_multicast changes what a datagram socket has to do with groups.
//
// From its first membership on a socket receives what is sent to the groups that it is a member of,
// and to no others: before, Linux also gives it what is sent to groups that anybody on the machine
// has joined (IP_MULTICAST_ALL, ip(7)). One that is bound to a group's address shares it with all
// that are bound likewise (SO_REUSEADDR), unless its no_reuse_address says otherwise.
//
// Returns: 0.
// Errors:  -EADDRINUSE of JOIN: it is a member; -EADDRNOTAVAIL of LEAVE: it is none; -ENODEV: there
//          is no such interface, or no route; -EINVAL: `group` is none, its zone is another
//          interface, or the value is out of range; -EAFNOSUPPORT: not of the socket's family;
//          -EOPNOTSUPP: no datagram socket; -ENOBUFS: too many groups
//          (net.ipv4.igmp_max_memberships), and the rest of setsockopt(2).
EVNET_API EVNET_WARN_UNUSED int evnet_poller_set_multicast(struct evnet_poller *poller,
                                                           struct evnet_handle handle,
                                                           const struct evnet_multicast *setting);

// evnet_poller_descriptor tells a handle's descriptor, which stays the poller's.
//
// Returns: 0 or more.
// Errors:  -EBADF of one that is reserved; -EOPNOTSUPP in a simulated kernel, which has none.
EVNET_API EVNET_WARN_UNUSED int evnet_poller_descriptor(struct evnet_poller *poller,
                                                        struct evnet_handle handle);

// evnet_poller_duplicate makes a duplicate of a connection's descriptor, close-on-exec, which is
// the caller's. detach and abort still end the connection: evnet_poller_detach says how.
//
// Returns: the duplicate, 0 or more.
// Errors:  -EMFILE; -EBADF for a handle that is reserved; -EOPNOTSUPP in a simulated kernel.
EVNET_API EVNET_WARN_UNUSED int evnet_poller_duplicate(struct evnet_poller *poller,
                                                       struct evnet_handle handle);

// evnet_poller_wait submits what is pending and waits until there is something to report. It is
// called only after evnet_poller_next has returned false (asserted): what it had left to report
// would be lost.
//
//   timeout_ns  at most this long; negative: without a limit. 0: only looks. Backends may round up
//               to 1 ms.
//
// Returns: 0, also after a signal or a wake; 1 when the kernel reported something that may be the
//          poller's own affair: though next gives nothing, what comes behind it is not known yet.
// Errors:  -errno of the kernel's wait, which means that the poller cannot go on.
EVNET_API EVNET_WARN_UNUSED int evnet_poller_wait(struct evnet_poller *poller, int64_t timeout_ns);

// evnet_poller_next gives one completion of this turn.
//
// Returns: false when there is none left: run evnet_poller_wait. Asked again before that, it may
//          give the last completions of what was detached in between.
EVNET_API bool evnet_poller_next(struct evnet_poller *poller,
                                 struct evnet_completion *out_completion);

// evnet_poller_unreported says whether the kernel had more than the last wait brought. Call it
// after evnet_poller_next has returned false.
//
// Returns: 0: all that was ready when the last evnet_poller_wait began has been reported, of each
//          handle at least its share of a turn. Else the number of waits, each followed by next
//          until it returns false, after which that is so whatever else becomes ready meanwhile.
EVNET_API uint32_t evnet_poller_unreported(const struct evnet_poller *poller);

// evnet_poller_wake makes the current, or else the next, evnet_poller_wait return.
//
// Thread:  any, as long as the poller exists; async-signal-safe; errno is kept.
EVNET_API void evnet_poller_wake(struct evnet_poller *poller);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_POLLER_H_
