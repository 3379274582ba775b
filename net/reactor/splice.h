// Relaying: moving the bytes of one connection to another.
//
//   static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
//     evnet_conn_splice(conn, other_of(conn));
//     return EVNET_NONE;
//   }
#ifndef EVNET_NET_REACTOR_SPLICE_H_
#define EVNET_NET_REACTOR_SPLICE_H_

#include <sys/types.h>

#include "../base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_conn;

// evnet_conn_splice moves all unread bytes of one connection to another, as evnet_conn_write and
// evnet_conn_discard do. If many bytes arrive at a time, and the system can, it also moves bytes that
// wait in the kernel, without a copy (splice(2), Linux with epoll, TCP to TCP). Otherwise the two
// functions do the same; io_uring receives by itself, so no bytes wait there.
//
// After bytes were moved in the kernel, `from` gets its next on_data without unread bytes, before
// further ones are received, to call this function again. If it does not call it, the bytes are
// received as usual in the same turn.
//
// Everything else is as for bytes that were read and written. Bytes that the kernel of `to` does not
// take are queued: the water marks, outbound_bytes_max, the write timeout, closing and a stop apply.
// At most read_turn_bytes_max bytes are moved in the kernel in a call. The counters of bytes and the
// idle timeouts include them. Bytes are not moved in the kernel if either connection has a rate, if
// reading from `from` is stopped, or if `to` has queued output or an on_prewrite.
//
//   from, to  connections of one reactor.
//
// Returns: the number of bytes moved; 0 if there were none.
// Errors:  those of evnet_conn_write to `to`; no byte was moved.
//          -EOPNOTSUPP if one of them is a UDP socket.
// Thread:  the reactor's.
EVNET_API ssize_t evnet_conn_splice(struct evnet_conn *from, struct evnet_conn *to);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_SPLICE_H_
