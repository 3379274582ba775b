// Graceful closing: all output is sent first.
#ifndef EVNET_NET_REACTOR_INTERNAL_CLOSE_H_
#define EVNET_NET_REACTOR_INTERNAL_CLOSE_H_

#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/names.h"

// close_conn closes an open connection: evnet stops reading, sends all output, and lingers.
void close_conn(struct evnet_conn *conn, int reason);

// close_by_id is evnet_close for a connection that was found by its id.
//
// Returns: 0.
// Errors:  -EOPNOTSUPP for a listener's UDP socket.
//          -ESTALE if the connection is closing.
int close_by_id(struct evnet_conn *conn);

// abort_by_id resets a connection that was found by its id, or cancels its dial.
//
// Returns: 0.
// Errors:  -EOPNOTSUPP for a listener's UDP socket.
int abort_by_id(struct evnet_conn *conn);

// close_check_stopping closes a connection that has no work left, if the reactor is stopping.
void close_check_stopping(struct evnet_conn *conn);

#endif  // EVNET_NET_REACTOR_INTERNAL_CLOSE_H_
