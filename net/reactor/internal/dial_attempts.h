// Connecting to the addresses of a dial.
#ifndef EVNET_NET_REACTOR_INTERNAL_DIAL_ATTEMPTS_H_
#define EVNET_NET_REACTOR_INTERNAL_DIAL_ATTEMPTS_H_

#include "net/reactor/internal/dial_record.h"
#include "net/reactor/internal/names.h"

// dial_connect starts to connect to dial->addresses. When it returns, the dial may have failed and
// its record may be freed.
void dial_connect(struct dial *dial);

// dial_start_timer starts the timer for next_ms or the deadline.
void dial_start_timer(struct dial *dial);

// dial_connected handles a CONNECT.
void dial_connected(struct evnet_conn *conn, int result);

#endif  // EVNET_NET_REACTOR_INTERNAL_DIAL_ATTEMPTS_H_
