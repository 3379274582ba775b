// The work for a connection at the end of the turn, and the peer's FIN.
#ifndef EVNET_NET_REACTOR_INTERNAL_LIFECYCLE_H_
#define EVNET_NET_REACTOR_INTERNAL_LIFECYCLE_H_

#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/names.h"

// lifecycle_run_due does the work for all connections on the due list.
void lifecycle_run_due(struct evnet_reactor *reactor);

// lifecycle_peer_ended handles the peer's FIN, which a RECV, a HANGUP or both may report.
void lifecycle_peer_ended(struct evnet_conn *conn);

#endif  // EVNET_NET_REACTOR_INTERNAL_LIFECYCLE_H_
