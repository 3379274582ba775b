// The end of a connection. Each function leads to CLOSED, and on_close is called at the end of the
// turn. A graceful close of an open connection starts in close.c.
#ifndef EVNET_NET_REACTOR_INTERNAL_END_H_
#define EVNET_NET_REACTOR_INTERNAL_END_H_

#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/names.h"

// end_conn ends a connection immediately, without a reset.
void end_conn(struct evnet_conn *conn, int reason);

// end_failed ends a connection whose socket failed.
//
//   error  the negative status.
void end_failed(struct evnet_conn *conn, int error);

// end_abort ends a connection immediately, with a reset.
void end_abort(struct evnet_conn *conn, int reason);

// end_linger sends FIN and waits up to linger_ms for the peer's FIN. The connection must be
// FLUSHING, with all output sent.
void end_linger(struct evnet_conn *conn);

#endif  // EVNET_NET_REACTOR_INTERNAL_END_H_
