// The poller: the interface between a reactor and the kernel. It takes descriptors and returns
// completions.
//
// One contract covers kernels that report completions (io_uring) and kernels that report readiness
// (epoll, kqueue), for which internal/ready.c emulates completions. Code above this file does not
// depend on the backend.
//
//   evnet_poller_wait  submits pending operations and blocks; once in each turn of the loop.
//   evnet_poller_next  returns one completion, or false if this turn has no more. The caller pulls,
//                      so nothing is called recursively.
//
// A handle names an attached descriptor by an index below handles_max and a generation, which
// differs each time the index is reused. Each operation checks the generation, so a stale event
// never reaches a new socket with the same number. The last completion of a handle is DETACH; after
// it the index may be reused.
//
// All functions are for the thread that created the poller, except evnet_poller_wake.
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
#include "completion.h"
#include "options.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_poller;

// Limits how much some handles of streams receive and send. The poller asks before each operation.
struct evnet_quota {
  // Returns whether the handle is limited.
  bool (*is_limited)(void *context, struct evnet_handle handle);

  // Called just before the poller receives from a limited handle (EVNET_OP_RECV) or sends the
  // output of its evnet_poller_send_start (EVNET_OP_SEND). It must call no
  // function of the poller but evnet_poller_now_ns.
  //
  // Returns: the most bytes that may pass now. 0: none. Receiving is then disarmed, as by
  //          evnet_poller_recv_stop, and a send completes with a SEND of 0 bytes.
  size_t (*ask)(void *context, struct evnet_handle handle, enum evnet_op op);

  void *context;  // passed to both
};

// evnet_poller_create creates a poller.
//
//   options     NULL: all defaults.
//   out_poller  the poller; the caller frees it with evnet_poller_destroy.
//
// Returns: 0.
// Errors:  -ENOSYS if the system does not have the backend.
//          -EPERM if the system does not permit the backend.
//          -EINVAL if handles_max is above 2^24.
//          -ENOMEM if memory or address space runs out.
//          -EMFILE, -ENFILE if no descriptor is left.
// Thread:  the one that will use the poller.
EVNET_API EVNET_WARN_UNUSED int evnet_poller_create(const struct evnet_poller_options *options,
                                                    struct evnet_poller **out_poller);

// evnet_poller_create_message explains a status of evnet_poller_create for that backend, for logs,
// where "operation not permitted" alone does not help.
//
// Returns: never NULL; without a full stop; valid until the thread's next call.
// Thread:  any, after evnet_poller_create has failed on it.
EVNET_API const char *evnet_poller_create_message(enum evnet_backend backend, int status);

// evnet_poller_destroy closes the attached descriptors, without completions, and frees the poller;
// NULL is accepted.
EVNET_API void evnet_poller_destroy(struct evnet_poller *poller);

// evnet_poller_name returns the name of the backend: "epoll", "io_uring", "kqueue".
EVNET_API const char *evnet_poller_name(const struct evnet_poller *poller);

// evnet_poller_now_ns returns the monotonic time in nanoseconds; a simulated kernel has its own.
EVNET_API uint64_t evnet_poller_now_ns(struct evnet_poller *poller);

// evnet_poller_listen opens, binds and attaches a listening socket. It accepts nothing before
// evnet_poller_accept_start. For a UDP address it makes a datagram socket instead, which is only
// for recv_start, recv_stop, send_datagrams, await_room, set_multicast, local_address and detach.
//
// The listener of a Unix path holds a lock on PATH.lock (flock(2)). A socket file that refuses
// connections was left by a server that no longer runs, and is replaced. Any other file at the path
// makes the call fail with -EADDRINUSE and is not changed. evnet_poller_detach removes both files
// if they are still the listener's. A relative path is resolved at both times.
//
//   options  NULL: all defaults.
//
// Returns: 0.
// Errors:  -EADDRINUSE if another socket has the address; with reuse_port, if that socket did not
//          set it or belongs to another user.
//          -EADDRNOTAVAIL, -EACCES and others of socket(2), bind(2) and listen(2), and of open(2)
//          for a Unix path.
//          -EOPNOTSUPP if the transport or an option is not supported on this system, for
//          reuse_port of a Unix socket, or for an abstract name on a system without them.
//          those of setsockopt(2) for an option, such as -EPERM or -ENODEV for bind_to_device.
//          -ENOBUFS at handles_max.
//          -ENOMEM if memory runs out.
EVNET_API EVNET_WARN_UNUSED int evnet_poller_listen(struct evnet_poller *poller,
                                                    const struct evnet_address *address,
                                                    const struct evnet_listen_options *options,
                                                    struct evnet_handle *out_handle);

// evnet_poller_spreads_port returns whether the kernel distributes connections and datagrams among
// the sockets that share a port by reuse_port. Where it does not (macOS, OpenBSD), one socket of
// the system's choice receives everything.
EVNET_API bool evnet_poller_spreads_port(const struct evnet_poller *poller);

// evnet_poller_has_family returns whether this machine has addresses of a family now, at least the
// loopback address. Without them, binding fails with -EAFNOSUPPORT or -EADDRNOTAVAIL, as on Linux
// if net.ipv6.conf.all.disable_ipv6 is set.
//
//   family  AF_INET or AF_INET6.
EVNET_API bool evnet_poller_has_family(const struct evnet_poller *poller, int family);

// evnet_poller_attach attaches a connected, non-blocking socket.
//
//   descriptor  the poller's, closed by evnet_poller_detach; the caller's on error.
//
// Returns: 0.
// Errors:  -EEXIST if the poller already has this descriptor.
//          -ENOBUFS at handles_max.
//          -ENOMEM, -ENOSPC if the kernel's memory or limits run out (epoll_ctl(2)).
EVNET_API EVNET_WARN_UNUSED int evnet_poller_attach(struct evnet_poller *poller, int descriptor,
                                                    enum evnet_transport transport,
                                                    struct evnet_handle *out_handle);

// The kind of a socket that was made elsewhere.
struct evnet_socket_kind {
  enum evnet_transport transport;  // of the socket
  bool is_listener;                // otherwise it is connected, unless is_bound
  bool is_bound;                   // a datagram socket with a local port and without a peer
  struct evnet_address peer;       // of a connected socket; else size 0
};

// evnet_poller_identify finds out the kind of a descriptor. It does not change the descriptor.
//
// Returns: 0.
// Errors:  -EBADF, -ENOTSOCK if the descriptor is not an open socket.
//          -EAFNOSUPPORT, -ESOCKTNOSUPPORT if the kind is not supported.
//          -ENOTCONN if the socket is neither connected nor listening, and no datagram socket that
//          is bound to a port.
//          -EOPNOTSUPP in a simulated kernel.
EVNET_API EVNET_WARN_UNUSED int evnet_poller_identify(struct evnet_poller *poller, int descriptor,
                                                      struct evnet_socket_kind *out_kind);

// evnet_poller_adopt attaches a socket that was made elsewhere: a connected one as
// evnet_poller_attach does, a listening one or a datagram socket without a peer as
// evnet_poller_listen does, but without taking over its files.
//
//   descriptor  the poller's, closed by evnet_poller_detach; the caller's on error. It becomes
//               non-blocking, for all who share the open socket (fcntl(2)), and close-on-exec.
//   kind        from evnet_poller_identify.
//
// Returns: 0.
// Errors:  -EEXIST if the poller already has this descriptor.
//          -ENOBUFS at handles_max.
//          -ENOMEM, -ENOSPC if the kernel's memory or limits run out (epoll_ctl(2)).
//          those of fcntl(2).
EVNET_API EVNET_WARN_UNUSED int evnet_poller_adopt(struct evnet_poller *poller, int descriptor,
                                                   const struct evnet_socket_kind *kind,
                                                   struct evnet_handle *out_handle);

// evnet_poller_resolve looks up a name in a simulated kernel, without blocking.
//
//   out  count_max addresses.
//
// Returns: the number of addresses, as evnet_address_resolve_all.
// Errors:  -EOPNOTSUPP if the kernel is the system's, whose names need getaddrinfo(3).
//          those of evnet_address_resolve_all.
EVNET_API EVNET_WARN_UNUSED int evnet_poller_resolve(struct evnet_poller *poller, const char *text,
                                                     struct evnet_address *out, int count_max);

// evnet_poller_reserve makes a handle without a descriptor, for evnet_poller_connect, so that a
// dial has one name from the beginning and across several attempts. It is only for connect, detach
// and abort.
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

// evnet_poller_connect opens a socket and begins to connect it, without blocking. It completes
// once, with CONNECT, and never from inside this call, even if it fails immediately:
//
//   0         the handle is as if attached. The peer of a UDP socket is set.
//   -EAGAIN   a Unix listener's backlog is full. The kernel does not report when there is room, so
//             try again after a pause.
//   -errno    of socket(2), setsockopt(2), bind(2) or connect(2). -EOPNOTSUPP for an option that
//             the system does not have. -ECONNREFUSED also if TCP has connected the socket to
//             itself (RFC 793 section 3.4), which happens on loopback if the system chooses the
//             destination's unused port as the source port.
//
// After an error the handle is reserved as before and may connect again. Between this call and
// CONNECT, the handle is only for connect_stop, detach and abort; after detach or abort there is no
// CONNECT.
//
//   handle   reserved for the address's transport.
//   address  borrowed for the call.
//   options  borrowed for the call; NULL: all defaults.
EVNET_API void evnet_poller_connect(struct evnet_poller *poller, struct evnet_handle handle,
                                    const struct evnet_address *address,
                                    const struct evnet_connect_options *options);

// evnet_poller_connect_stop cancels a pending connect. Its CONNECT completion carries -ECANCELED,
// or the actual result if the connect had already finished.
EVNET_API void evnet_poller_connect_stop(struct evnet_poller *poller, struct evnet_handle handle);

// evnet_poller_connect_move moves the socket of a handle that has just connected to another handle,
// which is then as if it had connected itself. A dial with several attempts thus keeps its handle,
// whichever attempt connects first. Call it between the CONNECT of `from` and the next
// evnet_poller_next or evnet_poller_wait, with no operation started.
//
//   from  reserved afterwards; may connect again.
//   to    reserved, for the same transport.
//
// Returns: 0.
// Errors:  the kernel's -errno; nothing has moved.
EVNET_API EVNET_WARN_UNUSED int evnet_poller_connect_move(struct evnet_poller *poller,
                                                          struct evnet_handle from,
                                                          struct evnet_handle to);

// evnet_poller_discard_descriptor closes a descriptor of evnet_poller_accept that will not be
// attached. The peer sees a reset; on a Unix socket, end-of-stream.
EVNET_API void evnet_poller_discard_descriptor(struct evnet_poller *poller, int descriptor);

// evnet_poller_detach closes the descriptor gracefully once none of its operations is in flight.
// Pending operations complete first (a send with -ECANCELED or its result), and DETACH follows
// last. There are no other completions.
//
// If a duplicate of the descriptor may exist, close(2) alone does not end a connection. That is so
// after evnet_poller_duplicate, after evnet_poller_adopt, and once the process has called fork(2)
// with a poller. evnet then calls shutdown(2) for both directions before it closes the descriptor.
// It only closes a listener or a datagram socket, so the holder of the duplicate can continue.
EVNET_API void evnet_poller_detach(struct evnet_poller *poller, struct evnet_handle handle);

// evnet_poller_abort is evnet_poller_detach with a reset for the peer (SO_LINGER of 0 seconds,
// socket(7); if a duplicate may exist, connect(2) to AF_UNSPEC, which resets on Linux). Unix
// sockets have no reset: the peer sees the same as after evnet_poller_detach.
EVNET_API void evnet_poller_abort(struct evnet_poller *poller, struct evnet_handle handle);

// evnet_poller_accept_start arms accepting, including connections that are waiting already. No
// backend takes a connection from the kernel's backlog by itself: an ACCEPT with result 0 reports
// that one may wait, and evnet_poller_accept takes it. The caller can thus decide for each
// connection.
//
// It stays armed until evnet_poller_accept_stop or an error. An ACCEPT with a negative result is an
// error of the listener, without `more`.
EVNET_API void evnet_poller_accept_start(struct evnet_poller *poller, struct evnet_handle handle);

// evnet_poller_accept_stop disarms accepting; connections wait in the kernel's backlog.
EVNET_API void evnet_poller_accept_stop(struct evnet_poller *poller, struct evnet_handle handle);

// evnet_poller_accept takes one connection after an ACCEPT with result 0, before the next call of
// evnet_poller_next. ACCEPT is reported in each turn until the caller takes a connection, stops
// accepting or detaches the listener. One listener reports at most EVNET_ACCEPTS_MAX connections in
// a turn.
//
// A connection that was reset in the backlog is accepted like any other; receiving then reports the
// reset. An error of accept(2) that concerns only the connection being accepted (all but EBADF,
// EFAULT, EINVAL, ENOTSOCK and those below) is ignored, unless every accept of the turn fails that
// way.
//
//   handle    of the ACCEPT.
//   out_peer  the peer's address; only the family for a Unix peer without a name. Undefined on
//             error.
//
// Returns: a non-blocking, close-on-exec descriptor, which the caller passes to evnet_poller_attach
//          or evnet_poller_discard_descriptor.
// Errors:  -EAGAIN if no connection waits; accepting stays armed. All other errors disarm it.
//          -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM if there is no descriptor or memory: start again
//          after one was freed, or after a pause.
//          the others of accept(2).
EVNET_API EVNET_WARN_UNUSED int evnet_poller_accept(struct evnet_poller *poller,
                                                    struct evnet_handle handle,
                                                    struct evnet_address *out_peer);

// evnet_poller_recv_start arms receiving until evnet_poller_recv_stop or a completion without
// `more`. Bytes that arrived while it was stopped are reported in the next turn. Descriptors that
// arrive over a Unix socket are closed, unless a taker takes them.
EVNET_API void evnet_poller_recv_start(struct evnet_poller *poller, struct evnet_handle handle);

// evnet_poller_recv_stop disarms receiving. A completion-based backend may still report bytes that
// the kernel has already passed on. A dead connection is reported as HANGUP. For datagrams, every
// backend reports the rest of a batch that it has begun to report, at most EVNET_DATAGRAMS_MAX;
// with udp_gro, each of those may be up to 64 datagrams of one peer.
EVNET_API void evnet_poller_recv_stop(struct evnet_poller *poller, struct evnet_handle handle);

// evnet_poller_set_quota sets the quota of a poller. evnet_poller_send is not limited. If a handle
// becomes limited while receiving is armed, stop and start receiving. A completion-based backend
// may still report bytes without asking that it received before.
//
//   quota  borrowed for the poller's life; NULL: none, the default.
EVNET_API void evnet_poller_set_quota(struct evnet_poller *poller, const struct evnet_quota *quota);

// Decides which handles of Unix sockets receive descriptors, and takes them.
struct evnet_taker {
  // Returns whether the handle receives descriptors. Called before bytes of a Unix socket are
  // received. It must not call the poller.
  bool (*takes)(void *context, struct evnet_handle handle);

  // Called inside evnet_poller_next, before it reports the RECV of the bytes that the descriptors
  // came with. It must not call the poller.
  //
  //   descriptors  count of them, now the taker's.
  //   cut          some are lost: the process has no descriptor left.
  void (*take)(void *context, struct evnet_handle handle, const int *descriptors, size_t count,
               bool cut);

  void *context;  // passed to both functions
};

// evnet_poller_set_taker sets the taker of a poller. If a handle begins to receive descriptors while
// receiving is armed, stop and start receiving.
//
//   taker  borrowed for the poller's life; NULL: none, the default.
EVNET_API void evnet_poller_set_taker(struct evnet_poller *poller, const struct evnet_taker *taker);

// evnet_poller_send_descriptor sends bytes over a Unix socket, and a duplicate of a descriptor with
// the first of them. No other send of the handle may be in progress.
//
//   passed  stays the caller's.
//   size    above 0.
//
// Returns: the bytes sent, 1 to size.
// Errors:  -EAGAIN if the socket is full, see evnet_poller_await_room; the others of sendmsg(2).
EVNET_API EVNET_WARN_UNUSED int64_t evnet_poller_send_descriptor(struct evnet_poller *poller,
                                                                 struct evnet_handle handle,
                                                                 int passed, const void *data,
                                                                 size_t size);

// evnet_poller_send passes bytes to the kernel immediately, as one send. No other send of the
// handle may be in progress: neither evnet_poller_send_start nor one that returned -EINPROGRESS.
//
//   pieces  borrowed for the call, except bytes in the current RECV's data or in the scratch block,
//           which the poller may continue to use.
//   count   1 to EVNET_SEND_PIECES_MAX.
//
// Returns: the bytes taken, from 0 to the sum of the pieces. They are delivered in order, or a
//          HANGUP or RECV reports the error. The caller keeps the rest: the socket is full, so pass
//          it to evnet_poller_send_start.
// Errors:  -EINPROGRESS, only for a single piece in the current RECV's data or in the scratch
//          block: a completion-based backend sends it with the next wait. The SEND completion of
//          that wait reports the bytes taken and returns the rest. Such a send does not wake
//          evnet_poller_wait; to collect its completion immediately, call that with a timeout of 0.
//          -EPIPE, -ECONNRESET and the others of send(2) except EAGAIN and EINTR; nothing was
//          taken.
EVNET_API int64_t evnet_poller_send(struct evnet_poller *poller, struct evnet_handle handle,
                                    const struct iovec *pieces, size_t count);

// evnet_poller_splice moves bytes that have arrived at one TCP connection to another one in the
// kernel, without a copy (splice(2)), until `from` has no more, `to` has no more room, or `size` or
// recv_bytes_max bytes were moved. After EVNET_SPLICE_BYTES_MIN bytes or more were moved, receiving of
// `from` reports further bytes by a SPLICE completion first, so that they can be moved in the same
// way. That ends after 8 smaller amounts in a row.
//
//   from  receiving is armed, and all bytes that it has reported come before these.
//   to    no send is in progress.
//   soon  much was received just before, so SPLICE is to report further bytes in any case.
//   out   the result. If received exceeds sent, call evnet_poller_splice_rest until it has returned
//         the difference, before any other call of the poller.
//
// Returns: 0.
// Errors:  -EOPNOTSUPP if the backend or the system cannot, now or ever: receive and send instead.
//          io_uring cannot, because the kernel receives by itself.
EVNET_API EVNET_WARN_UNUSED int evnet_poller_splice(struct evnet_poller *poller,
                                                    struct evnet_handle from,
                                                    struct evnet_handle to, size_t size, bool soon,
                                                    struct evnet_spliced *out);

// evnet_poller_splice_rest returns the next bytes that evnet_poller_splice has received and not sent.
//
// Returns: the number of bytes at `out`, at most size; 0 if there are no more.
EVNET_API size_t evnet_poller_splice_rest(struct evnet_poller *poller, void *out, size_t size);

// evnet_poller_sending_bytes returns the size of the send in progress that returned -EINPROGRESS.
//
// Returns: the bytes of its piece, until its SEND completion; 0 if there is none.
EVNET_API size_t evnet_poller_sending_bytes(struct evnet_poller *poller,
                                            struct evnet_handle handle);

// evnet_poller_send_start sends as soon as the socket has room, and completes once, with SEND. The
// kernel copies the bytes of a file from the page cache to the socket where it can (sendfile(2));
// bytes that are not in the page cache block the thread. An error may be the socket's or that of
// reading the file.
//
//   send  the caller's, unchanged with all that it points to until the completion. One at a time
//         for each handle.
EVNET_API void evnet_poller_send_start(struct evnet_poller *poller, struct evnet_handle handle,
                                       const struct evnet_send *send);

// evnet_poller_scratch returns a block of EVNET_POLLER_SCRATCH_BYTES in which small writes are
// gathered before one evnet_poller_send. It is the caller's until that send; call again after it.
EVNET_API uint8_t *evnet_poller_scratch(struct evnet_poller *poller);

// evnet_poller_send_datagrams passes datagrams to the kernel immediately, in order, each of them
// whole.
//
//   datagrams  borrowed for the call, with all that they point to.
//   count      1 or more.
//
// Returns: the number of datagrams taken, from the first on. For the others, call again: the error
//          is known then. 0: the socket is full, see evnet_poller_await_room.
// Errors:  -errno of sendmsg(2) for the first datagram (-EMSGSIZE, -ENETUNREACH, -EPERM, ...), or
//          for an earlier one, by ICMP. None was taken. The socket remains usable.
EVNET_API int64_t evnet_poller_send_datagrams(struct evnet_poller *poller,
                                              struct evnet_handle handle,
                                              const struct evnet_datagram *datagrams, size_t count);

// evnet_poller_await_room requests one SEND with result 0 when a full datagram socket has room
// again, or a full Unix socket after evnet_poller_send_descriptor returned -EAGAIN. A Unix socket
// whose peer has gone completes it, too. One request at a time; until its SEND, the handle must not
// send. A result of -ECANCELED: the socket was detached. Any other -errno: the kernel cannot wait
// for the socket, and a further request may fail again.
EVNET_API void evnet_poller_await_room(struct evnet_poller *poller, struct evnet_handle handle);

// evnet_poller_shutdown_write closes the sending side after all bytes sent; the peer then reads
// end-of-stream. No send may be in progress, as for evnet_poller_send; an await_room may.
//
// Returns: 0.
// Errors:  -ENOTCONN if the connection is dead; a Unix socket may still be shut down.
EVNET_API int evnet_poller_shutdown_write(struct evnet_poller *poller, struct evnet_handle handle);

// evnet_poller_local_address returns the address that the socket is bound to.
//
// Returns: 0.
// Errors:  -errno of getsockname(2).
EVNET_API EVNET_WARN_UNUSED int evnet_poller_local_address(struct evnet_poller *poller,
                                                           struct evnet_handle handle,
                                                           struct evnet_address *out_address);

// evnet_poller_remote_address returns the peer's address; only the family for a Unix peer without a
// name.
//
// Returns: 0.
// Errors:  -ENOTCONN if the connection is dead (except on Unix sockets), or for a listener.
EVNET_API EVNET_WARN_UNUSED int evnet_poller_remote_address(struct evnet_poller *poller,
                                                            struct evnet_handle handle,
                                                            struct evnet_address *out_address);

// evnet_poller_peer_credentials returns the user, group and process that made the connection, as
// the kernel recorded them then.
//
// Returns: 0.
// Errors:  -EOPNOTSUPP if it is not a Unix socket, or in a simulated kernel.
EVNET_API EVNET_WARN_UNUSED int evnet_poller_peer_credentials(
    struct evnet_poller *poller, struct evnet_handle handle,
    struct evnet_credentials *out_credentials);

// evnet_poller_tcp_info returns the kernel's data on a TCP connection, even if it is dead.
//
// Returns: 0.
// Errors:  -EOPNOTSUPP if it is not TCP, on systems without such data, or in a simulated kernel.
//          -ENOTCONN if the handle is only reserved.
EVNET_API EVNET_WARN_UNUSED int evnet_poller_tcp_info(struct evnet_poller *poller,
                                                      struct evnet_handle handle,
                                                      struct evnet_tcp_info *out_info);

// evnet_poller_unacked_bytes returns how many of the bytes given to a TCP connection its peer has
// not acknowledged. An end-of-stream may count as one. It makes one system call.
//
// Returns: the bytes, 0 or more.
// Errors:  -EOPNOTSUPP if it is not TCP, or on OpenBSD.
//          -ENOTCONN if the handle is only reserved.
//          -errno of ioctl(2).
EVNET_API EVNET_WARN_UNUSED int64_t evnet_poller_unacked_bytes(struct evnet_poller *poller,
                                                               struct evnet_handle handle);

// evnet_poller_set_option sets an option of a socket.
//
//   handle  a connection's or a listener's.
//
// Returns: 0.
// Errors:  -EOPNOTSUPP if this system, or a socket of this kind, does not have the option.
//          -EINVAL if the value is out of range.
//          -errno of setsockopt(2) otherwise.
EVNET_API EVNET_WARN_UNUSED int evnet_poller_set_option(struct evnet_poller *poller,
                                                        struct evnet_handle handle,
                                                        enum evnet_socket_option option, int value);

// evnet_poller_set_multicast changes a multicast setting of a datagram socket.
//
// After its first join, a socket receives datagrams to its own groups only. Before, Linux also
// delivers datagrams to groups that any socket on the machine has joined (IP_MULTICAST_ALL, ip(7)).
// A socket that is bound to a group's address shares it with others bound likewise (SO_REUSEADDR),
// unless its no_reuse_address is set.
//
// Returns: 0.
// Errors:  -EADDRINUSE for JOIN if the socket is a member already, with the same source.
//          -EADDRNOTAVAIL for LEAVE if it is not a member.
//          -ENODEV if there is no such interface, or no route.
//          -EINVAL if `group` is not a group, its zone is another interface, the value is out of
//          range, or the source is of another family.
//          -EAFNOSUPPORT if the group is not of the socket's family.
//          -EOPNOTSUPP if it is not a datagram socket; for a source, on OpenBSD and in a simulated
//          kernel.
//          -ENOBUFS if the socket has too many groups (net.ipv4.igmp_max_memberships).
//          -errno of setsockopt(2) otherwise.
EVNET_API EVNET_WARN_UNUSED int evnet_poller_set_multicast(struct evnet_poller *poller,
                                                           struct evnet_handle handle,
                                                           const struct evnet_multicast *setting);

// evnet_poller_descriptor returns a handle's descriptor, which remains the poller's.
//
// Returns: the descriptor, 0 or more.
// Errors:  -EBADF if the handle is only reserved.
//          -EOPNOTSUPP in a simulated kernel, which has none.
EVNET_API EVNET_WARN_UNUSED int evnet_poller_descriptor(struct evnet_poller *poller,
                                                        struct evnet_handle handle);

// evnet_poller_duplicate duplicates a connection's descriptor, close-on-exec; the caller closes it.
// evnet_poller_detach and evnet_poller_abort still end the connection, as evnet_poller_detach
// describes.
//
// Returns: the duplicate, 0 or more.
// Errors:  -EMFILE if no descriptor is left.
//          -EBADF if the handle is only reserved.
//          -EOPNOTSUPP in a simulated kernel.
EVNET_API EVNET_WARN_UNUSED int evnet_poller_duplicate(struct evnet_poller *poller,
                                                       struct evnet_handle handle);

// evnet_poller_watch begins to watch a descriptor that is not the poller's. The poller keeps a
// duplicate of it until evnet_poller_watch_stop, so it does not use the number again.
//
// Each wait reports the events that hold, as poll(2) would, with one WATCH for each watch. WATCH
// completions are level-triggered: they come in each turn as long as the events hold. If more
// descriptors are ready than one turn reports, all have their turn one after the other.
//
//   events      EVNET_READABLE, EVNET_WRITABLE, or both.
//   user        returned with each completion.
//   out_handle  only for the functions below. Its index has nothing to do with those of other
//               handles.
//
// Returns: 0.
// Errors:  -EPERM if poll(2) means nothing for the file (epoll_ctl(2)): a regular file, a
//          directory, /dev/null.
//          -EBADF if the descriptor is not open.
//          -EINVAL if `events` is 0 or has other bits, or if the descriptor is the poller's own.
//          -EMFILE if no descriptor is left.
//          -ENOMEM, -ENOSPC if memory or the kernel's limits run out (epoll_ctl(2)).
EVNET_API EVNET_WARN_UNUSED int evnet_poller_watch(struct evnet_poller *poller, int descriptor,
                                                   uint32_t events, void *user,
                                                   struct evnet_handle *out_handle);

// evnet_poller_watch_change replaces the events of a watch. Events of this turn that are not
// requested any more are not reported.
//
// Returns: 0.
// Errors:  after an error the watch continues as before.
//          -EINVAL as evnet_poller_watch.
//          -ENOMEM if the kernel's memory runs out.
EVNET_API EVNET_WARN_UNUSED int evnet_poller_watch_change(struct evnet_poller *poller,
                                                          struct evnet_handle handle,
                                                          uint32_t events);

// evnet_poller_watch_stop ends a watch. No completion of it follows, and there is no DETACH.
EVNET_API void evnet_poller_watch_stop(struct evnet_poller *poller, struct evnet_handle handle);

// evnet_poller_loop_descriptor returns a descriptor for another event loop, which remains the
// poller's. poll(2) reports POLLIN for it when evnet_poller_wait would have something to report,
// if evnet_poller_settle has returned true since the last operation. With io_uring it is an epoll
// instance that the first call makes.
//
// Returns: the descriptor, 0 or more; always the same.
// Errors:  -EMFILE, -ENOMEM if it cannot be made.
//          -EOPNOTSUPP in a simulated kernel.
EVNET_API EVNET_WARN_UNUSED int evnet_poller_loop_descriptor(struct evnet_poller *poller);

// evnet_poller_settle submits pending operations without waiting, for a caller that then polls
// evnet_poller_loop_descriptor. Call it only after evnet_poller_next has returned false.
//
// Returns: false if a wait is due immediately, because there is something to report or to do of
//          which the descriptor does not know.
EVNET_API EVNET_WARN_UNUSED bool evnet_poller_settle(struct evnet_poller *poller);

// evnet_poller_wait submits pending operations and waits until there is something to report. Call
// it only after evnet_poller_next has returned false (asserted), because it drops unreported
// completions.
//
//   timeout_ns  the longest wait; 0: only checks; negative: no limit. Backends may round it up to 1
//               ms.
//
// Returns: 0, also after a signal or a wake. 1 if the kernel reported something that may be
//          internal to the poller: even if evnet_poller_next returns false, more may follow in the
//          next wait.
// Errors:  -errno of the kernel's wait; the poller cannot continue.
EVNET_API EVNET_WARN_UNUSED int evnet_poller_wait(struct evnet_poller *poller, int64_t timeout_ns);

// evnet_poller_next returns one completion of this turn.
//
// Returns: false if none is left: call evnet_poller_wait. Called again before that, it may return
//          the last completions of handles that were detached in the meantime.
EVNET_API bool evnet_poller_next(struct evnet_poller *poller,
                                 struct evnet_completion *out_completion);

// evnet_poller_unreported returns whether the kernel had more than the last wait reported. Call it
// after evnet_poller_next has returned false.
//
// Returns: 0 if everything that was ready when the last evnet_poller_wait began has been reported,
//          up to the share of each handle in a turn. Otherwise the number of waits, each followed
//          by evnet_poller_next until it returns false, after which that holds.
EVNET_API uint32_t evnet_poller_unreported(const struct evnet_poller *poller);

// evnet_poller_wake makes the current evnet_poller_wait return, or the next one if none is in
// progress.
//
// Thread:  any, while the poller exists. It is async-signal-safe and preserves errno.
EVNET_API void evnet_poller_wake(struct evnet_poller *poller);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_POLLER_H_
