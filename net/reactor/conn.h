// Connections, as callbacks see them.
//
//            close, EVNET_CLOSE,              all sent, then         the peer's end-of-stream,
//            timeout, stop                    our end-of-stream      or linger_ms
//   OPEN -------------------------> FLUSHING ----------------> LINGERING -------------+
//    |                                 | write_timeout_ms,         |                  v
//    |                                 | an error                  | an error      CLOSED
//    +-- abort, error, overflow -------+---------------------------+------------> on_close
//
// A connection in OPEN was accepted, dialled (dial.h) or adopted (adopt.h). A UDP socket is also an
// evnet_conn; datagram.h describes the differences.
//
// A connection belongs to one reactor. All functions here are for that reactor's thread, in a
// callback or in a posted function. A pointer to a connection is valid until its on_close returns.
// A connection may be closed in any callback, repeatedly, even in on_close. on_close is always
// called later in the turn, never from inside another function.
#ifndef EVNET_NET_REACTOR_CONN_H_
#define EVNET_NET_REACTOR_CONN_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "../base/address.h"
#include "../base/bytes.h"
#include "../base/credentials.h"
#include "../base/status.h"
#include "../base/tcp_info.h"
#include "flow.h"
#include "handler.h"
#include "rate.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_conn;
struct evnet_reactor;

// Reading
//
// Pointers that evnet_conn_peek, evnet_conn_peek_pair and evnet_conn_next return are valid until
// the callback returns or until another of these functions or evnet_conn_read is called for the
// connection. evnet_conn_discard does not invalidate them.

// evnet_conn_inbound_bytes returns the number of unread bytes.
EVNET_API size_t evnet_conn_inbound_bytes(const struct evnet_conn *conn);

// evnet_conn_peek returns all unread bytes as one span and consumes none. If the bytes wrap around
// the end of their buffer, evnet copies them into one piece first.
//
// Returns: the bytes. Empty if there are none, or if memory for the copy runs out; the connection
//          then closes with -ENOMEM.
EVNET_API struct evnet_bytes evnet_conn_peek(struct evnet_conn *conn);

// evnet_conn_peek_pair returns all unread bytes as two spans, in order, without copying. The second
// is empty unless the bytes wrap around the end of their buffer.
EVNET_API void evnet_conn_peek_pair(const struct evnet_conn *conn, struct evnet_bytes out_spans[2]);

// evnet_conn_next returns the first `size` unread bytes as one span and consumes them.
//
// Returns: the bytes. Empty, with nothing consumed, if fewer are unread, or as for evnet_conn_peek.
EVNET_API struct evnet_bytes evnet_conn_next(struct evnet_conn *conn, size_t size);

// evnet_conn_read copies up to `size` unread bytes to `out` and consumes them.
//
// Returns: the number of bytes copied.
EVNET_API size_t evnet_conn_read(struct evnet_conn *conn, void *out, size_t size);

// evnet_conn_discard consumes up to `size` unread bytes.
//
// Returns: the number of bytes consumed: size, or the number of unread bytes if that is less.
EVNET_API size_t evnet_conn_discard(struct evnet_conn *conn, size_t size);

// evnet_conn_pause_reading stops on_data, and through TCP's flow control soon the peer, until
// evnet_conn_resume_reading. evnet still reports a reset by the peer immediately, but the peer's
// end-of-stream only after the resume. A stopping server does not wait for the resume, so hold the
// connection if its unread bytes matter. Calling it again has no effect.
EVNET_API void evnet_conn_pause_reading(struct evnet_conn *conn);

// evnet_conn_resume_reading ends a pause. If bytes are unread, on_data is called later in this turn
// or in the next one.
EVNET_API void evnet_conn_resume_reading(struct evnet_conn *conn);

// Writing

// evnet_conn_write queues bytes to be sent to the peer, in order. evnet gathers small writes and
// sends them in one call when the callback returns. It sends a large write (a page or more)
// immediately, together with earlier ones, and copies only the part that the kernel does not take.
//
//   data  size bytes; borrowed for the call.
//
// Returns: size. A write is taken whole or not at all.
// Errors:  -ENOBUFS if queued output and this write exceed outbound_bytes_max, even if the kernel
//          could take a part. The connection closes, unless the option is EVNET_OVERFLOW_REFUSE.
//          -EPIPE after evnet_conn_shutdown_write.
//          -ENOTCONN if the connection is closing.
//          -ENOMEM if memory runs out; the connection closes.
//          the kernel's -errno if the connection broke; the connection closes.
EVNET_API ssize_t evnet_conn_write(struct evnet_conn *conn, const void *data, size_t size);

// evnet_conn_writev is evnet_conn_write of `count` pieces. Empty pieces are allowed, and count has
// no upper bound.
EVNET_API ssize_t evnet_conn_writev(struct evnet_conn *conn, const struct iovec *pieces,
                                    size_t count);

// evnet_conn_sendfile queues a range of a file to be sent to the peer, in order with the bytes of
// evnet_conn_write.
//
// Where the system and the file system can, the kernel sends the pages without a copy
// (sendfile(2)); otherwise evnet reads and sends them. It sends at most 256 KiB in each turn, from
// the next turn on. It reads the file on the reactor's thread, so pages that are not in the page
// cache block the reactor. Below about 64 KiB, read(2) and evnet_conn_write cost less.
//
// If the file is shorter than the range, the connection is reset and on_close gets
// EVNET_REASON_FILE_SHORT, because the peer would take later bytes for the file's. If reading
// fails, on_close gets the error. The bytes count neither in evnet_conn_outbound_bytes nor towards
// the water marks. The write timeout, closing and a stop treat them like other queued bytes.
//
//   descriptor  a regular file, open for reading. evnet duplicates it (F_DUPFD_CLOEXEC), so the
//               caller may close its own immediately. The file position is neither used nor
//               changed.
//   offset      of the first byte.
//   size        of the range, in bytes. If the file changes before the peer has received the range,
//               the peer may receive either version, because the socket queues pages, not copies.
//
// Returns: size, all of it queued; 0 for a size of 0, whatever the descriptor.
// Errors:  -EBADF if descriptor is not open for reading.
//          -EINVAL if descriptor is not a regular file, or offset or size is negative.
//          -EMFILE, -ENFILE if no descriptor is left.
//          -ENOBUFS if 64 files are queued. The connection closes, unless the option is
//          EVNET_OVERFLOW_REFUSE.
//          -EOPNOTSUPP for a UDP socket.
//          -EPIPE, -ENOTCONN, -ENOMEM as for evnet_conn_write.
//          After -EBADF, -EINVAL, -EMFILE and -ENFILE the connection stays open, with nothing
//          queued.
EVNET_API int64_t evnet_conn_sendfile(struct evnet_conn *conn, int descriptor, int64_t offset,
                                      int64_t size);

// evnet_conn_flush sends what this callback has written so far, without waiting for its return.
//
// Returns: the bytes that remain queued because the kernel took no more, without those of files.
// Errors:  the kernel's -errno if the connection broke.
//          -ENOTCONN if the connection has closed.
EVNET_API ssize_t evnet_conn_flush(struct evnet_conn *conn);

// evnet_conn_outbound_bytes returns the number of bytes that were written and that the kernel has
// not taken yet, without those of files.
EVNET_API size_t evnet_conn_outbound_bytes(const struct evnet_conn *conn);

// evnet_conn_shutdown_write closes the sending side after all queued output. The peer then reads
// end-of-stream and may keep sending. Once the peer's end-of-stream has been read too and no hold
// is left, the connection closes with EVNET_REASON_PEER.
//
// Returns: 0, also if called again.
// Errors:  -ENOTCONN if the connection is closing.
//          -EOPNOTSUPP for a UDP socket.
EVNET_API int evnet_conn_shutdown_write(struct evnet_conn *conn);

// Ends

// evnet_conn_close sends all queued output, closes the sending side, waits for the peer's
// end-of-stream up to linger_ms, and closes, as drawn above. From now on the only callbacks are
// on_prewrite and on_close: with EVNET_REASON_LOCAL if the kernel took all output, otherwise with
// the reason why it did not.
EVNET_API void evnet_conn_close(struct evnet_conn *conn);

// evnet_conn_abort drops queued output and resets the connection. on_close gets
// EVNET_REASON_ABORTED. Unix sockets have no reset, so a Unix peer reads end-of-stream.
EVNET_API void evnet_conn_abort(struct evnet_conn *conn);

// evnet_conn_hold records that a reply is owed. A half-close by the peer and a stopping server wait
// until all holds are released; timeouts do not. Holds are counted, on a server's UDP socket for
// all peers together. While holds_max or more are held, reading is stopped.
//
// Returns: 0.
// Errors:  -EOVERFLOW if 4,294,967,295 holds are held; none was added.
EVNET_API int evnet_conn_hold(struct evnet_conn *conn);

// evnet_conn_holds returns the number of holds.
EVNET_API uint32_t evnet_conn_holds(const struct evnet_conn *conn);

// evnet_conn_release releases one hold; asserts that there is one. When the number falls below
// holds_max, reading resumes. If bytes are unread, on_data is called later in this turn or in the
// next one.
EVNET_API void evnet_conn_release(struct evnet_conn *conn);

// evnet_conn_set_background marks a connection that serves other connections, such as one to a
// database. A stop does not wait for it, and closes it last: when the last connection without the
// mark has had its on_close, on any reactor. It then closes with EVNET_REASON_SHUTDOWN; if output
// is still queued, that is dropped and the connection reset. At the drain deadline it is reset
// after the other connections. evnet_dial_options sets the mark from the beginning.
//
// Returns: 0.
// Errors:  -ENOTCONN if the connection is closing.
//          -EOPNOTSUPP for a server's UDP socket.
EVNET_API int evnet_conn_set_background(struct evnet_conn *conn, bool background);

// Settings of one connection, which override the server's options. The first one allocates about
// half a KiB, which the connection keeps until it closes. Most belong into on_open.

// Value of a timeout option for no timeout; 0 means the default.
#define EVNET_OFF ((int64_t)-1)

// The largest timeout: about 12 days.
enum { EVNET_TIMEOUT_MS_MAX = (1 << 30) - 1 };

// How evnet treats a connection whose queued output reaches the high-water mark.
enum evnet_high_action {
  EVNET_HIGH_STOP_READING = 0,  // stop reading until output has fallen to the low-water mark
  EVNET_HIGH_CLOSE,             // reset the connection with EVNET_REASON_HIGH_WATER
  EVNET_HIGH_NOTIFY,            // only call on_pressure and on_drain
};

// evnet_conn_set_timeout sets one of the connection's timeouts and restarts it from now.
//
//   which       the timeout.
//   timeout_ms  1 to EVNET_TIMEOUT_MS_MAX; EVNET_OFF: none; 0: the option's value.
//
// Returns: 0.
// Errors:  -EINVAL if `which` is not a timeout, or timeout_ms is out of range.
//          -ENOTCONN if the connection is closing.
//          -EOPNOTSUPP for a server's UDP socket.
//          -ENOMEM if memory runs out.
//          After an error nothing has changed.
EVNET_API int evnet_conn_set_timeout(struct evnet_conn *conn, enum evnet_timeout which,
                                     int64_t timeout_ms);

// evnet_conn_set_linger sets how long the closing connection waits for the peer's end-of-stream
// after sending its own. With EVNET_OFF it does not wait, and a reset may discard bytes that the
// peer has not read.
//
// While a TCP peer has bytes to acknowledge, the wait goes on: it ends linger_ms after the last of
// them was acknowledged, or when none was acknowledged for write_timeout_ms. lifetime_ms bounds the
// total.
//
//   linger_ms  as timeout_ms of evnet_conn_set_timeout.
//
// Returns: 0.
// Errors:  as evnet_conn_set_timeout, with -EOPNOTSUPP for any UDP socket.
EVNET_API int evnet_conn_set_linger(struct evnet_conn *conn, int64_t linger_ms);

// evnet_conn_set_water_marks sets the sizes of queued output at which the high action begins and
// ends. They apply immediately to output that is already queued.
//
//   high_bytes  at most outbound_bytes_max - read_turn_bytes_max; 0: the option's value.
//   low_bytes   at most high_bytes; 0: half of high_bytes, or the option's value if high_bytes is 0
//               too.
//
// Returns: 0.
// Errors:  -EINVAL if a mark is out of range.
//          -ENOTCONN if the connection is closing.
//          -EOPNOTSUPP for a UDP socket.
//          -ENOMEM if memory runs out.
//          After an error nothing has changed.
EVNET_API int evnet_conn_set_water_marks(struct evnet_conn *conn, size_t high_bytes,
                                         size_t low_bytes);

// evnet_conn_set_high_action sets the action at the high-water mark. If output is above the mark,
// the action is taken immediately.
//
// Returns: 0.
// Errors:  -EINVAL if action is not an enum evnet_high_action.
//          -ENOTCONN, -EOPNOTSUPP, -ENOMEM as evnet_conn_set_water_marks.
//          After an error nothing has changed.
EVNET_API int evnet_conn_set_high_action(struct evnet_conn *conn, enum evnet_high_action action);

// Settings of the connection's socket. They change the values that the server's options of the same
// names set. They have these errors in common:
//
//   -EINVAL      a value is out of range; nothing has changed.
//   -EOPNOTSUPP  the system or the kind of socket (a Unix socket) does not have the setting.
//   -ENOTCONN    the connection has no descriptor, see dial.h.
//   -errno       of setsockopt(2).

// Linux's bounds (tcp(7)), which evnet applies on every system.
enum {
  EVNET_KEEPALIVE_S_MAX = 32767,    // keepalive_idle_s and keepalive_interval_s
  EVNET_KEEPALIVE_COUNT_MAX = 127,  // keepalive_count
};

// evnet_conn_set_nodelay sets TCP_NODELAY. If on, the kernel sends small writes immediately. If
// off, it may wait until earlier bytes are acknowledged or a segment is full (Nagle's algorithm).
//
// Returns: 0.
// Errors:  see above.
EVNET_API int evnet_conn_set_nodelay(struct evnet_conn *conn, bool on);

// evnet_conn_set_keepalive enables keepalive probes (SO_KEEPALIVE). If the peer does not answer
// them, the kernel ends the connection with -ETIMEDOUT.
//
//   idle_s      idle seconds before the first probe; EVNET_OFF: no probes.
//   interval_s  seconds between probes.
//   count       unanswered probes that end the connection.
//
// Each is at most its bound above; 0 leaves the current value, initially the system's. They are set
// in this order, and if one cannot be set (macOS and the BSDs lack some) the earlier ones stay set.
//
// Returns: 0.
// Errors:  see above.
EVNET_API int evnet_conn_set_keepalive(struct evnet_conn *conn, int idle_s, int interval_s,
                                       int count);

// evnet_conn_set_user_timeout bounds the time that sent bytes may stay unacknowledged. After it the
// kernel ends the connection with -ETIMEDOUT (TCP_USER_TIMEOUT; Linux).
//
//   timeout_ms  1 to EVNET_TIMEOUT_MS_MAX; 0 or EVNET_OFF: the system's, about 15 minutes.
//
// Returns: 0.
// Errors:  see above.
EVNET_API int evnet_conn_set_user_timeout(struct evnet_conn *conn, int64_t timeout_ms);

// evnet_conn_set_notsent_lowat makes the kernel accept no more output while this many bytes are
// unsent in its buffer (TCP_NOTSENT_LOWAT; Linux, macOS). Later output then stays with evnet for
// longer, so that the handler can still decide against sending it.
//
//   bytes  0: the system's, without a bound.
//
// Returns: 0.
// Errors:  see above.
EVNET_API int evnet_conn_set_notsent_lowat(struct evnet_conn *conn, int bytes);

// evnet_conn_set_buffers sets the sizes of the kernel's buffers (SO_SNDBUF, SO_RCVBUF). The kernel
// no longer adjusts a size that is set. Linux doubles both for its own needs and cuts them to its
// bounds (socket(7)).
//
//   send_bytes, receive_bytes  0: leaves the current size.
//
// Returns: 0.
// Errors:  see above; -EOPNOTSUPP also for receive_bytes of a Unix socket.
EVNET_API int evnet_conn_set_buffers(struct evnet_conn *conn, int send_bytes, int receive_bytes);

// evnet_conn_set_hops sets the hop limit of the packets that a TCP or UDP socket sends to single
// hosts (IP_TTL, IPV6_UNICAST_HOPS). On a UDP socket of both families it applies to both.
// evnet_conn_set_multicast_hops is for datagrams to groups.
//
//   hops  1 to 255; the system's default is usually 64.
//
// Returns: 0.
// Errors:  see above.
EVNET_API int evnet_conn_set_hops(struct evnet_conn *conn, int hops);

// evnet_conn_set_traffic_class sets the byte of IP packets that holds the DSCP (its upper six bits,
// RFC 2474) and ECN (IP_TOS, IPV6_TCLASS), of a TCP or UDP socket. TCP keeps the two bits of ECN
// to itself. On a UDP socket of both families it applies to both.
//
//   traffic_class  0 to 255; such as 0xb8 for expedited forwarding. The system's default is 0.
//
// Returns: 0.
// Errors:  see above.
EVNET_API int evnet_conn_set_traffic_class(struct evnet_conn *conn, int traffic_class);

// evnet_conn_fd returns the descriptor for calls that evnet does not wrap, such as getsockopt(2)
// and ioctl(2). It remains evnet's: do not close, read, write or duplicate it (evnet_conn_dup
// does), or use it after on_close has returned.
//
// Returns: the descriptor, 0 or more.
// Errors:  -ENOTCONN if the connection has no descriptor, as in the on_close of a failed dial.
//          -EOPNOTSUPP in a simulated kernel.
EVNET_API int evnet_conn_fd(const struct evnet_conn *conn);

// evnet_conn_dup returns a close-on-exec duplicate of the descriptor. The caller closes it, and it
// outlives the connection. Both descriptors refer to one socket, which still ends with the
// connection: evnet calls shutdown(2) before it closes its own descriptor, and resets an aborted
// connection (connect(2) to AF_UNSPEC). On a Unix socket and outside Linux, the peer of an aborted
// connection reads end-of-stream instead.
//
// Returns: the duplicate, 0 or more.
// Errors:  -EMFILE if no descriptor is left.
//          -ENOTCONN if the connection has no descriptor, as in the on_close of a failed dial.
//          -EOPNOTSUPP in a simulated kernel.
EVNET_API EVNET_WARN_UNUSED int evnet_conn_dup(const struct evnet_conn *conn);

// Identity and peer

// Names a connection by value, for code that must not hold a pointer. An id of zeros is never
// valid.
struct evnet_conn_id {
  uint32_t reactor;     // the index of the reactor in its server; 0 for a reactor without server
  uint32_t index;       // of the connection in the reactor
  uint64_t generation;  // different for every connection of the reactor, from 1
};

// evnet_conn_get_id returns the connection's id.
EVNET_API struct evnet_conn_id evnet_conn_get_id(const struct evnet_conn *conn);

// evnet_conn_user returns the pointer that the connection keeps for its user; NULL at first. evnet
// does not use it.
EVNET_API void *evnet_conn_user(const struct evnet_conn *conn);

// evnet_conn_set_user sets that pointer.
EVNET_API void evnet_conn_set_user(struct evnet_conn *conn, void *user);

// evnet_conn_set_handler replaces the handler of the connection, for example when a protocol is
// upgraded or a library takes the connection over. The new handler gets every callback from the
// next one on, and the former handler gets no more. The action that a running callback returns
// still applies to the connection.
//
// Callbacks that were called before are not repeated: the new handler does not get on_open, nor
// on_half_close, on_stopping or on_pressure if the former one had it. If bytes are unread, the new
// handler's on_data is called with them later in this turn or in the next one, unless reading is
// stopped. The connection's evnet_conn_user, settings and holds remain.
//
//   handler  copied. The connection keeps the copy, about half a KiB with its record, until it
//            closes. NULL: the handler and user of the reactor or server, without a copy.
//   user     passed to the handler's callbacks. Ignored if handler is NULL.
//
// Returns: 0. In on_close it has no effect.
// Errors:  -ENOTCONN for a server's UDP socket that has closed.
//          -ENOMEM if memory runs out; nothing has changed.
EVNET_API int evnet_conn_set_handler(struct evnet_conn *conn, const struct evnet_handler *handler,
                                     void *user);

// evnet_conn_find returns the connection with an id, for code that kept the id and is on the
// reactor's thread again.
//
// Returns: a connection whose on_open was called and whose on_close was not, or a server's UDP
//          socket that is open. NULL for every other id: of a dial in progress, of a connection
//          that has closed, of another reactor. A connection that is closing is returned too; its
//          functions then fail as their comments say.
EVNET_API struct evnet_conn *evnet_conn_find(struct evnet_reactor *reactor,
                                             struct evnet_conn_id id);

// evnet_reactor_next_conn iterates over the connections of a reactor. It returns those that
// evnet_conn_find returns, except servers' UDP sockets:
//
//   struct evnet_conn *conn = NULL;
//   struct evnet_conn_id at = {0};
//   while ((conn = evnet_reactor_next_conn(reactor, at)) != NULL) {
//     at = evnet_conn_get_id(conn);
//     evnet_conn_close(conn);
//   }
//
// The loop may close connections and dial. An id stays valid as a position after its connection has
// closed, so the loop may also pause and continue in a later turn. It returns each connection that
// is open from its begin to its end exactly once, and others at most once. All calls of a loop
// together look at each place of the reactor's table once. The table has as many places as the
// reactor has had sockets simultaneously.
//
//   previous  the id of the connection that the last call returned; all zero: begin.
//
// Returns: a connection; NULL at the end.
EVNET_API struct evnet_conn *evnet_reactor_next_conn(struct evnet_reactor *reactor,
                                                     struct evnet_conn_id previous);

// evnet_conn_reactor returns the reactor that the connection belongs to.
EVNET_API struct evnet_reactor *evnet_conn_reactor(const struct evnet_conn *conn);

// evnet_conn_listener_index returns the index of the server's address that accepted the connection,
// from 0; -1 for a dialled or adopted connection.
EVNET_API int evnet_conn_listener_index(const struct evnet_conn *conn);

// evnet_conn_remote_address returns the peer's address from when the connection was made, even
// after a reset. Most Unix peers have no address but a family, "unix://" as text. For a server's
// UDP socket it is the sender in on_data, and otherwise no address (AF_UNSPEC).
EVNET_API void evnet_conn_remote_address(const struct evnet_conn *conn,
                                         struct evnet_address *out_address);

// evnet_conn_local_address returns the connection's own address, from the kernel. For a server's
// UDP socket it is the address that the datagram was sent to in on_data, and otherwise the bound
// address.
//
// Returns: 0.
// Errors:  -ENOTCONN if the connection has no descriptor, as in the on_close of a failed dial.
//          -errno of getsockname(2).
EVNET_API EVNET_WARN_UNUSED int evnet_conn_local_address(const struct evnet_conn *conn,
                                                         struct evnet_address *out_address);

// evnet_conn_peer_credentials returns the user, group and process of the peer of a Unix socket, as
// the kernel recorded them when the connection was made.
//
// Returns: 0.
// Errors:  -EOPNOTSUPP if the connection is not a Unix socket's, or in a simulated kernel.
//          -ENOTCONN if the connection has no descriptor, as in the on_close of a failed dial.
EVNET_API EVNET_WARN_UNUSED int evnet_conn_peer_credentials(
    const struct evnet_conn *conn, struct evnet_credentials *out_credentials);

// evnet_conn_tcp_info returns the kernel's data on a TCP connection: round-trip times,
// retransmissions, windows, unacknowledged bytes. It also works in on_close, to log a connection's
// last state. It costs two system calls, so do not call it for every request.
//
// Returns: 0.
// Errors:  -EOPNOTSUPP if the connection is not TCP, on OpenBSD, or in a simulated kernel.
//          -ENOTCONN if the connection has no descriptor, as in the on_close of a failed dial.
//          -errno of getsockopt(2).
EVNET_API EVNET_WARN_UNUSED int evnet_conn_tcp_info(const struct evnet_conn *conn,
                                                    struct evnet_tcp_info *out_info);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_CONN_H_
