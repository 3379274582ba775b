// Connecting to the addresses of a dial.
#ifndef EVNET_NET_REACTOR_INTERNAL_DIAL_ATTEMPTS_H_
#define EVNET_NET_REACTOR_INTERNAL_DIAL_ATTEMPTS_H_

#include "net/reactor/internal/dial_record.h"

// dial_connect begins to connect to dial->addresses. The dial may have failed when this returns,
// and its record may be gone.
void dial_connect(struct dial *dial);

// dial_start_timer starts the timer for next_ms or the deadline.
void dial_start_timer(struct dial *dial);

// dial_connected acts on a CONNECT.
void dial_connected(struct evnet_conn *conn, int result);

#endif  // EVNET_NET_REACTOR_INTERNAL_DIAL_ATTEMPTS_H_
