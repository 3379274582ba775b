// Holds that any thread can release without a failure.
//
//   // on_data: the reply comes from a worker
//   if (evnet_hold_take(conn, &job->hold) < 0) return EVNET_CLOSE;
//   ...
//   // the worker, when it has posted the reply
//   evnet_hold_release(job->hold);
//
// evnet_async_release (net/server/async.h) releases a hold by the connection's id. It needs memory,
// so it can fail. A hold of this file has that memory from its begin.
#ifndef EVNET_NET_REACTOR_HOLD_H_
#define EVNET_NET_REACTOR_HOLD_H_

#include "../base/status.h"
#include "conn.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_hold;

// evnet_hold_take takes a hold on a connection or a server's UDP socket, as evnet_conn_hold does.
//
//   out_hold  the hold; the caller gives it to evnet_hold_release.
//
// Returns: 0.
// Errors:  -ENOMEM if memory runs out.
//          -EOVERFLOW as evnet_conn_hold.
//          After an error no hold was taken.
// Thread:  conn's reactor.
EVNET_API EVNET_WARN_UNUSED int evnet_hold_take(struct evnet_conn *conn,
                                                struct evnet_hold **out_hold);

// evnet_hold_id returns the id of the connection, for the functions of net/server/async.h.
//
// Thread:  any, until evnet_hold_release.
EVNET_API struct evnet_conn_id evnet_hold_id(const struct evnet_hold *hold);

// evnet_hold_release releases the hold, after the requests that this thread posted before, and
// frees it. The connection may have closed meanwhile. mailbox_bytes_max does not apply. NULL is
// accepted.
//
// Thread:  any, while the server or reactor exists. It never blocks.
EVNET_API void evnet_hold_release(struct evnet_hold *hold);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_HOLD_H_
