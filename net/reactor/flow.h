// Flow control by the handler: how much input it needs, and when its output has been sent. The
// water marks are in conn.h.
#ifndef EVNET_NET_REACTOR_FLOW_H_
#define EVNET_NET_REACTOR_FLOW_H_

#include <stddef.h>

#include "../base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_conn;

// evnet_conn_need states how many unread bytes are enough for the handler to consume some of them,
// and so permits evnet to stop reading at inbound_high_water_bytes.
//
// While the need is at most the mark, evnet stops reading from the connection when on_data returns
// and the mark or more bytes are unread. Reading resumes when the handler has consumed enough of
// them, in any callback or posted function, so that fewer than the mark are unread. Unread bytes then
// exceed the mark by at most one turn's read (read_turn_bytes_max) and what a completion-based
// backend had already received. They never end the connection, even if they exceed
// inbound_bytes_max. Without a need, or with one above the mark, the mark has no effect, because the
// rest of a larger frame would never arrive.
//
// The need is a statement, not a filter: on_data is also called for fewer bytes. It holds until the
// next call. While reading is stopped at the mark, on_data is called only after a request by id
// (evnet_async_wake), when a pause or another stop of reading ends, and for a new handler. The read
// timeout does not run, the idle timeout does, and a stop waits for the handler.
//
//   bytes  the largest number of bytes that the handler needs together, such as a frame with its
//          header. 0: unknown; the mark has no effect.
//
// Returns: 0, also if the server has no mark.
// Errors:  -ENOTCONN if the connection is closing.
//          -EOPNOTSUPP for a UDP socket.
EVNET_API int evnet_conn_need(struct evnet_conn *conn, size_t bytes);

// evnet_conn_notify_below requests one on_below when fewer than `bytes` bytes of output are queued
// (evnet_conn_outbound_bytes; files do not count). A producer writes a part, requests the call, and
// writes the next part in it.
//
// on_below is called at the end of a turn, this one or a later one, never from inside this call; if
// the output is below already, then in this turn or the next. A further request replaces the first:
// there is one on_below, for the last number. It is independent of the water marks; on_drain comes
// first if both are due. A closing connection gets no on_below. A stop calls the on_below that is
// requested before it closes the connection, so it waits for a producer that requests again and
// again, up to the drain deadline.
//
//   bytes  1: no output is queued; 0: cancels the request.
//
// Returns: 0.
// Errors:  -ENOTCONN if the connection is closing.
//          -EOPNOTSUPP for a UDP socket.
//          -ENOMEM if memory runs out; an earlier request stays.
EVNET_API int evnet_conn_notify_below(struct evnet_conn *conn, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_FLOW_H_
