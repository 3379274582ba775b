// A graceful close: all output is sent first.
#ifndef EVNET_NET_REACTOR_INTERNAL_CLOSE_H_
#define EVNET_NET_REACTOR_INTERNAL_CLOSE_H_

#include "net/reactor/internal/conn.h"

// close_conn closes an open connection: it reads no more, sends its output, and lingers.
void close_conn(struct evnet_conn *conn, int reason);

// close_by_id is evnet_close, of a connection that was found.
//
// Returns: 0.
// Errors:  -EOPNOTSUPP of a UDP listener; -ESTALE of a connection that is closing.
int close_by_id(struct evnet_conn *conn);

// close_check_stopping closes a connection while the reactor stops, if it has nothing left to do.
void close_check_stopping(struct evnet_conn *conn);

#endif  // EVNET_NET_REACTOR_INTERNAL_CLOSE_H_
