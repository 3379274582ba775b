// UDP sockets: how they receive and close.
#ifndef EVNET_NET_REACTOR_INTERNAL_DATAGRAM_H_
#define EVNET_NET_REACTOR_INTERNAL_DATAGRAM_H_

#include <stdbool.h>

#include "net/poller/poller.h"
#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/names.h"

// datagram_start starts receiving.
void datagram_start(struct evnet_conn *conn);

// datagram_received handles a DATAGRAM.
void datagram_received(struct evnet_conn *conn, const struct evnet_completion *completion);

// datagram_room handles a SEND: a socket that was full has room again.
//
//   status  0, or the negative status for which the poller cannot wait for room.
void datagram_room(struct evnet_conn *conn, int status);

// datagram_run_due ends a connection if one of its sends has failed.
void datagram_run_due(struct evnet_conn *conn);

// datagram_close_idle stops receiving on listeners' UDP sockets while the reactor is stopping, and
// closes the sockets that have nothing left to send.
//
//   all  the deadline has passed, so all sockets are closed.
void datagram_close_idle(struct evnet_reactor *reactor, bool all);

// datagram_close closes a listener's UDP socket.
void datagram_close(struct evnet_conn *conn);

#endif  // EVNET_NET_REACTOR_INTERNAL_DATAGRAM_H_
