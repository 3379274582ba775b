// The types of the poller: handles, completions, datagrams, and output to send. poller.h has the
// functions.
#ifndef EVNET_NET_POLLER_COMPLETION_H_
#define EVNET_NET_POLLER_COMPLETION_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "../base/address.h"

#ifdef __cplusplus
extern "C" {
#endif

// A handle. All zero is never valid.
struct evnet_handle {
  uint32_t index;       // below handles_max
  uint32_t generation;  // different each time the index is used
};

// The operations that completions report, and their results.
enum evnet_op {
  // evnet_poller_accept_start: 0 if a connection may wait, see evnet_poller_accept; or -errno.
  EVNET_OP_ACCEPT,

  // evnet_poller_recv_start: the bytes at data; 0 for the peer's end-of-stream; or -errno.
  EVNET_OP_RECV,

  // evnet_poller_send_start, or evnet_poller_send that returned -EINPROGRESS: the bytes that the
  // kernel took, possibly fewer than requested; or -errno. EVNET_REASON_FILE_SHORT: the file ends
  // before the range begins.
  EVNET_OP_SEND,

  // While no receive is armed: -errno if the connection is dead; 0 if both sides have ended and no
  // bytes are left before the peer's end-of-stream.
  EVNET_OP_HANGUP,

  // evnet_poller_detach or evnet_poller_abort: the descriptor is closed and the handle is invalid.
  EVNET_OP_DETACH,

  // evnet_poller_recv_start of a datagram socket: one datagram, with the bytes at data, possibly 0;
  // or -errno. An error with `more` is that of an earlier datagram, such as an ICMP error;
  // receiving goes on. With udp_errors it has a peer, and EVNET_DATAGRAMS_MAX errors or fewer are
  // reported in a turn. After an error without `more`, receiving would fail repeatedly: start it
  // after a pause.
  EVNET_OP_DATAGRAM,

  // evnet_poller_connect: 0, or -errno.
  EVNET_OP_CONNECT,

  // After evnet_poller_splice: more bytes may have arrived, and were not received. If the caller does
  // not call evnet_poller_splice before evnet_poller_next, they are. Receiving stays armed.
  EVNET_OP_SPLICE,

  // evnet_poller_watch: the events that hold, enum evnet_watch_event; at least one.
  EVNET_OP_WATCH,
};

// The events of a watched descriptor. The values are those of poll(2) on all supported systems.
enum evnet_watch_event {
  EVNET_READABLE = 1,       // POLLIN: reading does not block
  EVNET_WRITABLE = 4,       // POLLOUT: writing does not block
  EVNET_WATCH_ERROR = 8,    // POLLERR; reported even if not requested
  EVNET_WATCH_HANGUP = 16,  // POLLHUP; likewise
  EVNET_WATCH_ENDED = 32,   // of a reactor only, see net/reactor/watch.h
};

// A completion.
struct evnet_completion {
  struct evnet_handle handle;  // of the operation
  enum evnet_op op;            // what was completed
  bool more;            // ACCEPT, RECV, DATAGRAM: the operation is still armed; else start it again
  bool truncated;       // DATAGRAM: it was longer than datagram_bytes_max
  int64_t result;       // see enum evnet_op
  const uint8_t *data;  // RECV, DATAGRAM: leased until the next evnet_poller_next or _wait
  size_t rest;          // SEND after -EINPROGRESS: bytes at data that were not taken; leased too.
                        // DATAGRAM that failed with -EMSGSIZE: the path's MTU, 0 if unknown

  union {
    // DATAGRAM: the sender; of an error, the address that the datagram was sent to, or NULL if that
    // is unknown. Valid until the next evnet_poller_next or evnet_poller_wait.
    const struct evnet_address *peer;
    void *user;  // WATCH: of evnet_poller_watch
  };

  // DATAGRAM: the host that received it, with port 0; replies must be sent from it. For a datagram
  // to a group or broadcast address, it is the host that took it. NULL if the socket is bound to
  // one host. For an error, it is the host that reported it, and NULL means this one. Valid as peer.
  const struct evnet_address *local;
};

// A datagram for evnet_poller_send_datagrams.
struct evnet_datagram {
  const struct iovec *pieces;        // count of them
  uint32_t count;                    // 0 to EVNET_SEND_PIECES_MAX; 0 is an empty datagram
  const struct evnet_address *to;    // NULL: the peer that the socket is connected to
  const struct evnet_address *from;  // as `local` of a completion; NULL: the system chooses
};

// A range of a file for evnet_poller_send_start.
struct evnet_file_range {
  int descriptor;  // a regular file's, open for reading; its position is neither used nor changed
  int64_t offset;  // of the first byte
  size_t size;     // above 0
};

// The output of evnet_poller_send_start. The caller owns it and must not change it until the SEND
// completion.
struct evnet_send {
  // Pieces, or a file if count is 0.
  union {
    const struct iovec *pieces;
    const struct evnet_file_range *file;
  };
  uint32_t count;  // of pieces, 1 to EVNET_SEND_PIECES_MAX; 0: a file
};

// The result of evnet_poller_splice.
struct evnet_spliced {
  size_t received;  // bytes that `from` has lost
  size_t sent;  // those of them that `to` has taken; evnet_poller_splice_rest returns the others
  int from_status;  // 0, or -errno of `from`, which is dead
  int to_status;    // 0, or -errno of `to`; the others are lost, too, if the caller does not send
  bool from_ended;  // the end-of-stream of `from` follows; receiving reports it
};

enum {
  EVNET_SEND_PIECES_MAX = 64,             // pieces of a send
  EVNET_POLLER_SCRATCH_BYTES = 64 << 10,  // of evnet_poller_scratch
  EVNET_DATAGRAMS_MAX = 64,               // that one socket reports in a turn
  EVNET_SPLICE_BYTES_MIN = 16 << 10,      // fewer bytes are received and sent for less
  EVNET_ACCEPTS_MAX = 128,                // that one listener reports in a turn
};

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_COMPLETION_H_
