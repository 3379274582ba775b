// Connections, as callbacks see them.
//
//            close, EVNET_CLOSE,               all sent: our end          the peer's end,
//            its end, timeout, stop            of the stream follows      or linger_ms
//   OPEN --------------------------> FLUSHING -----------------> LINGERING -------------+
//    |                                  | write_timeout_ms,          |                  v
//    |                                  | an error                   | an error      CLOSED
//    +-- abort, error, overflow --------+----------------------------+------------> on_close
//
// OPEN comes of an accepted connection, or of one that was dialled (dial.h). A UDP socket is an
// evnet_conn, too; datagram.h says what is different then.
//
// A connection belongs to one reactor. Every function here is for that reactor's thread, in a
// callback or in a posted function. A pointer to a connection is good until its on_close returns.
// Closing inside any callback, twice, or from on_close is harmless: on_close itself always comes
// later in the turn, never from inside another function.
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
#include "handler.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_conn;
struct evnet_reactor;

// Reading. Pointers that peek, peek_pair and next give are valid until the callback returns, or
// until the next call of one of these that reads on the same connection; discard does not
// invalidate them.

// evnet_conn_inbound_bytes tells how many bytes are unread.
EVNET_API size_t evnet_conn_inbound_bytes(const struct evnet_conn *conn);

// evnet_conn_peek gives all unread bytes, contiguous, and consumes none. Bytes that wrap around
// inside their buffer are copied into one piece first.
//
// Returns: the bytes; empty when there are none, or when no memory was left to make them
//          contiguous: the connection then ends with -ENOMEM.
EVNET_API struct evnet_bytes evnet_conn_peek(struct evnet_conn *conn);

// evnet_conn_peek_pair gives all unread bytes as two spans, in order, and never copies.
EVNET_API void evnet_conn_peek_pair(const struct evnet_conn *conn, struct evnet_bytes out_spans[2]);

// evnet_conn_next gives the first `size` unread bytes, contiguous, and consumes them.
//
// Returns: the bytes; empty, with nothing consumed, when fewer are unread (or as evnet_conn_peek).
EVNET_API struct evnet_bytes evnet_conn_next(struct evnet_conn *conn, size_t size);

// evnet_conn_read copies up to `size` unread bytes out and consumes them.
//
// Returns: the number of bytes copied.
EVNET_API size_t evnet_conn_read(struct evnet_conn *conn, void *out, size_t size);

// evnet_conn_discard consumes up to `size` unread bytes.
//
// Returns: the number of bytes consumed: size, or what was unread if that is less.
EVNET_API size_t evnet_conn_discard(struct evnet_conn *conn, size_t size);

// evnet_conn_pause_reading stops on_data, and soon the peer, until evnet_conn_resume_reading. A
// reset by the peer is still noticed at once. A stopping server does not wait for a resume: hold
// the connection if it is to be read first. Twice is once.
EVNET_API void evnet_conn_pause_reading(struct evnet_conn *conn);

// evnet_conn_resume_reading ends a pause; unread bytes are presented again later in this turn or in
// the next.
EVNET_API void evnet_conn_resume_reading(struct evnet_conn *conn);

// Writing.

// evnet_conn_write queues bytes to be sent to the peer, in order. What a callback writes leaves in
// one send when it returns; a large write (a page or more) is sent at once, together with what was
// written before it, and only what the kernel does not take is copied.
//
//   data   size bytes; borrowed for the call.
//
// Returns: size, all of it taken (sent or queued); it never takes a part.
// Errors:  -ENOBUFS when it and what stands queued are more than outbound_bytes_max, whatever the
//          kernel would take of it; nothing is taken, and the connection closes unless the option
//          is EVNET_OVERFLOW_REFUSE; -EPIPE after evnet_conn_shutdown_write; -ENOTCONN once
//          closing; -ENOMEM, and the connection ends; the kernel's error if the connection broke.
EVNET_API ssize_t evnet_conn_write(struct evnet_conn *conn, const void *data, size_t size);

// evnet_conn_writev is evnet_conn_write of `count` pieces, of which some may be empty; count is not
// bounded.
EVNET_API ssize_t evnet_conn_writev(struct evnet_conn *conn, const struct iovec *pieces,
                                    size_t count);

// evnet_conn_sendfile queues a range of a file to be sent to the peer, in its place among what is
// written: what the callback wrote before leaves first, what it writes afterwards goes behind it.
// The kernel sends the file's pages without a copy (sendfile(2)) where the system and the file
// system can, else the bytes are read and sent; at most 256 KiB of it a turn, from the next turn
// on. Bytes that are not in the system's memory are waited for, and every connection of the reactor
// with them. It pays for large files: below some 64 KiB a read(2) and evnet_conn_write cost less.
//
//   descriptor  a regular file, open for reading; duplicated (F_DUPFD_CLOEXEC), so the caller may
//               close his at once. Its position is neither used nor moved.
//   offset      of the first byte.
//   size        of the range. A change of the file before the peer has got it all may be sent, or
//               not: it is the file's pages that wait in the socket, not a copy.
//
// A file that ends before the range does ends the connection, by a reset, as the peer would take
// what follows for the file's bytes: on_close gets EVNET_REASON_FILE_SHORT, or the error if reading
// fails. A file's bytes count neither in evnet_conn_outbound_bytes nor towards the marks; the write
// timeout, closing and a stop wait for them as for all bytes.
//
// Returns: size, all of it taken; 0 for a size of 0, whatever the descriptor.
// Errors:  -EBADF for a descriptor that is not open for reading; -EINVAL for one that is no regular
//          file, and for an offset or size below 0; -EMFILE, -ENFILE. Nothing is taken then, and
//          the connection stays open. -ENOBUFS with 64 files queued; as for evnet_conn_write the
//          connection closes then, unless the option is EVNET_OVERFLOW_REFUSE. -EPIPE, -ENOTCONN
//          and -ENOMEM as for evnet_conn_write.
EVNET_API int64_t evnet_conn_sendfile(struct evnet_conn *conn, int descriptor, int64_t offset,
                                      int64_t size);

// evnet_conn_flush sends what this callback has written so far, instead of when it returns.
//
// Returns: the bytes that stay queued because the kernel took no more, without those of files.
// Errors:  the kernel's, when the connection broke; -ENOTCONN once closed.
EVNET_API ssize_t evnet_conn_flush(struct evnet_conn *conn);

// evnet_conn_outbound_bytes tells how many bytes were written and not yet taken by the kernel;
// those of files are not among them.
EVNET_API size_t evnet_conn_outbound_bytes(const struct evnet_conn *conn);

// evnet_conn_shutdown_write ends the outgoing direction behind what was written; the peer sees the
// end of the stream and may go on sending. Once the peer's end has been read too, and no hold is
// out, the connection closes with EVNET_REASON_PEER.
//
// Returns: 0, also a second time.
// Errors:  -ENOTCONN once closing.
EVNET_API int evnet_conn_shutdown_write(struct evnet_conn *conn);

// Ends.

// evnet_conn_close delivers what was written, tells the peer, waits for its end, and closes, by the
// picture above. There is no on_data, on_half_close or on_drain from here on, only on_close: with
// EVNET_REASON_LOCAL when the kernel took everything, else with what kept it from that.
EVNET_API void evnet_conn_close(struct evnet_conn *conn);

// evnet_conn_abort drops everything and resets the connection; on_close gets EVNET_REASON_ABORTED.
// A Unix socket has no reset: its peer sees an end.
EVNET_API void evnet_conn_abort(struct evnet_conn *conn);

// evnet_conn_hold says that an answer is owed: while a hold is out, the peer's end and a stopping
// server wait for it. Timeouts do not. Holds count, on a UDP socket for all its peers together.
// While holds_max of them are out, reading is stopped.
//
// Returns: 0.
// Errors:  -EOVERFLOW if 4,294,967,295 holds are out; none was added.
EVNET_API int evnet_conn_hold(struct evnet_conn *conn);

// evnet_conn_holds returns how many holds are out.
EVNET_API uint32_t evnet_conn_holds(const struct evnet_conn *conn);

// evnet_conn_release takes one hold back (asserted that there is one). Below holds_max reading goes
// on, and unread bytes are presented again later in this turn or in the next.
EVNET_API void evnet_conn_release(struct evnet_conn *conn);

// evnet_conn_set_background marks a connection that is there for others, such as one to a database:
// no stop waits for it, and it closes last. A stopping server leaves it open, whatever it has to
// do, until the last connection without the mark has had its on_close, on whichever reactor; then
// it closes with EVNET_REASON_SHUTDOWN, by a reset if output is still queued, which is dropped. At
// the drain deadline it is reset after the others. evnet_dial_options has the mark, too.
//
// Returns: 0.
// Errors:  -ENOTCONN once closing.
//          -EOPNOTSUPP for a server's UDP socket.
EVNET_API int evnet_conn_set_background(struct evnet_conn *conn, bool background);

// Settings of one connection, otherwise than the server's options say for all. The first takes half
// a KiB, which the connection keeps until it closes. Most belong into on_open.

// "None" for what is otherwise a time; 0 would be the default.
#define EVNET_OFF ((int64_t)-1)

enum { EVNET_TIMEOUT_MS_MAX = (1 << 30) - 1 };  // about 12 days

// What happens when queued output reaches the high-water mark.
enum evnet_high_action {
  EVNET_HIGH_STOP_READING = 0,  // reading stops until it has fallen to the low mark
  EVNET_HIGH_CLOSE,             // the connection is reset with EVNET_REASON_HIGH_WATER
  EVNET_HIGH_NOTIFY,            // only on_pressure and on_drain are called
};

// evnet_conn_set_timeout sets one of the connection's timeouts, which counts anew from this call.
//
//   timeout_ms  1 to EVNET_TIMEOUT_MS_MAX; EVNET_OFF: none; 0: what the option says.
//
// Returns: 0.
// Errors:  -EINVAL for a timeout that there is not, or a time out of range; -ENOTCONN once closing;
//          -ENOMEM. Nothing has changed then.
EVNET_API int evnet_conn_set_timeout(struct evnet_conn *conn, enum evnet_timeout which,
                                     int64_t timeout_ms);

// evnet_conn_set_linger sets how long the closing connection waits for the peer's end after ours;
// EVNET_OFF: it does not wait, and what the peer has not read yet may be lost to a reset.
//
// A TCP peer that still takes what was sent gets the time for that: while bytes are unacknowledged
// the wait goes on, until linger_ms after the last of them was acknowledged, or until none was for
// write_timeout_ms. lifetime_ms bounds all of it.
//
//   linger_ms  as the timeout_ms of evnet_conn_set_timeout.
//
// Returns and errors: as evnet_conn_set_timeout.
EVNET_API int evnet_conn_set_linger(struct evnet_conn *conn, int64_t linger_ms);

// evnet_conn_set_water_marks sets how much output may be queued before the high action, and how
// little undoes it. What stands queued already is held against them at once.
//
//   high_bytes  0: what the option says; at most outbound_bytes_max - read_turn_bytes_max.
//   low_bytes   at most high_bytes; 0: half of high_bytes, or what the option says if high_bytes is
//               0, too.
//
// Returns: 0.
// Errors:  -EINVAL for marks out of range; -ENOTCONN once closing; -ENOMEM. Nothing has changed
//          then.
EVNET_API int evnet_conn_set_water_marks(struct evnet_conn *conn, size_t high_bytes,
                                         size_t low_bytes);

// evnet_conn_set_high_action sets what happens at the high mark; there already, the action is
// taken at once.
//
// Returns: 0.
// Errors:  -EINVAL for no such action; -ENOTCONN once closing; -ENOMEM. Nothing has changed then.
EVNET_API int evnet_conn_set_high_action(struct evnet_conn *conn, enum evnet_high_action action);

// Its socket. These change what the server's options of the same names have set. -EOPNOTSUPP: this
// system, or a Unix socket, has nothing of that kind; nothing has changed then. Values out of range
// are -EINVAL and change nothing, too; the other errors are those of setsockopt(2).

enum {
  EVNET_KEEPALIVE_S_MAX = 32767,  // Linux's bounds (tcp(7)), here for every system
  EVNET_KEEPALIVE_COUNT_MAX = 127,
};

// evnet_conn_set_nodelay sends small writes at once (TCP_NODELAY), or, without it, not before what
// was sent earlier is acknowledged or a segment is full.
EVNET_API int evnet_conn_set_nodelay(struct evnet_conn *conn, bool on);

// evnet_conn_set_keepalive has the kernel ask a silent peer whether it is still there, and end the
// connection with -ETIMEDOUT if it does not answer (SO_KEEPALIVE).
//
//   idle_s      seconds of silence before the first question; EVNET_OFF: there are none.
//   interval_s  from one question to the next.
//   count       of questions without an answer that end the connection.
//
// Each is at most the bound above; 0 leaves it as it is, at first the system's. Where one cannot be
// set (macOS and the BSDs do not have all) those in front of it stay set.
//
// Returns: 0.
EVNET_API int evnet_conn_set_keepalive(struct evnet_conn *conn, int idle_s, int interval_s,
                                       int count);

// evnet_conn_set_user_timeout bounds how long sent bytes may stay unacknowledged before the kernel
// ends the connection with -ETIMEDOUT (TCP_USER_TIMEOUT; Linux).
//
//   timeout_ms  1 to EVNET_TIMEOUT_MS_MAX; 0 or EVNET_OFF: what the system has, some 15 minutes.
//
// Returns: 0.
EVNET_API int evnet_conn_set_user_timeout(struct evnet_conn *conn, int64_t timeout_ms);

// evnet_conn_set_notsent_lowat lets the kernel take no more while so many bytes stand unsent in its
// buffer (TCP_NOTSENT_LOWAT; Linux, macOS): what is written later can then still be put in front of
// them, or left out.
//
//   bytes  0: the system's, which is no bound.
//
// Returns: 0.
EVNET_API int evnet_conn_set_notsent_lowat(struct evnet_conn *conn, int bytes);

// evnet_conn_set_buffers sets the sizes of the kernel's buffers, which no longer grow by themselves
// then (SO_SNDBUF, SO_RCVBUF; Linux doubles both, for its own needs, and cuts them to its bounds).
//
//   send_bytes, receive_bytes  0: leaves it as it is.
//
// Returns: 0.
EVNET_API int evnet_conn_set_buffers(struct evnet_conn *conn, int send_bytes, int receive_bytes);

// evnet_conn_fd gives the descriptor for what evnet has no function for: getsockopt(2), ioctl(2).
// It stays evnet's: not to be closed, read, written, duplicated (evnet_conn_dup does that), or used
// after on_close has returned.
//
// Returns: 0 or more.
// Errors:  -ENOTCONN in the on_close of a dial that has failed; -EOPNOTSUPP in a simulation.
EVNET_API int evnet_conn_fd(const struct evnet_conn *conn);

// evnet_conn_dup gives a duplicate of the descriptor, close-on-exec, which is the caller's and
// outlives the connection. Both name one socket, which ends with the connection all the same: evnet
// shuts it down (shutdown(2)) before it closes its own descriptor, and resets an aborted one
// (connect(2) to AF_UNSPEC; on a Unix socket and outside Linux the peer sees the end instead).
//
// Returns: 0 or more.
// Errors:  -EMFILE; -ENOTCONN in the on_close of a dial that has failed; -EOPNOTSUPP in a
//          simulation.
EVNET_API EVNET_WARN_UNUSED int evnet_conn_dup(const struct evnet_conn *conn);

// What it is.

// By value, for those who must not hold a pointer. All zero is never valid.
struct evnet_conn_id {
  uint32_t reactor;     // the index of the reactor in its server, 0 alone
  uint32_t index;       // of the connection in the reactor
  uint64_t generation;  // different for every connection of the reactor, from 1
};

#if defined(__cplusplus) && defined(__GNUC__) && !defined(__clang__)
// A struct and a function share a name here; g++ would call that hiding a constructor.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif
EVNET_API struct evnet_conn_id evnet_conn_id(const struct evnet_conn *conn);
#if defined(__cplusplus) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

// The one pointer that each connection keeps for its user; NULL at first. evnet never looks at it.
EVNET_API void *evnet_conn_user(const struct evnet_conn *conn);
EVNET_API void evnet_conn_set_user(struct evnet_conn *conn, void *user);

EVNET_API struct evnet_reactor *evnet_conn_reactor(const struct evnet_conn *conn);

// evnet_conn_listener_index tells which of the server's addresses, from 0, the connection came in
// by; -1 for none.
EVNET_API int evnet_conn_listener_index(const struct evnet_conn *conn);

// evnet_conn_remote_address gives the peer's address as it was when the connection was made, also
// after a reset. Few Unix peers have one; that of the others is only a family, "unix://" as text.
// Of a UDP socket: the sender, in on_data; else no address (AF_UNSPEC).
EVNET_API void evnet_conn_remote_address(const struct evnet_conn *conn,
                                         struct evnet_address *out_address);

// evnet_conn_local_address asks the kernel for the connection's own address. Of a UDP socket: the
// one that was asked, in on_data; else the one that it is bound to.
//
// Returns: 0.
// Errors:  -ENOTCONN in the on_close of a dial that has failed; -errno of getsockname(2).
EVNET_API EVNET_WARN_UNUSED int evnet_conn_local_address(const struct evnet_conn *conn,
                                                         struct evnet_address *out_address);

// evnet_conn_peer_credentials tells who connected to a Unix socket, as the kernel noted it then.
//
// Returns: 0.
// Errors:  -EOPNOTSUPP on TCP; -ENOTCONN in the on_close of a dial that has failed.
EVNET_API EVNET_WARN_UNUSED int evnet_conn_peer_credentials(
    const struct evnet_conn *conn, struct evnet_credentials *out_credentials);

// evnet_conn_tcp_info tells what the kernel knows of the connection: round-trip times,
// retransmissions, windows, what stands unacknowledged. In on_close it still does, so that the last
// word on a connection can be logged. Two system calls: for now and then, not for every request.
//
// Returns: 0.
// Errors:  -EOPNOTSUPP but on TCP, on OpenBSD, and in a simulation; -ENOTCONN of a dial that has
//          failed; the rest of getsockopt(2).
EVNET_API EVNET_WARN_UNUSED int evnet_conn_tcp_info(const struct evnet_conn *conn,
                                                    struct evnet_tcp_info *out_info);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_CONN_H_
