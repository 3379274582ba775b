// The addresses of a connection's two ends.
#ifndef EVNET_NET_REACTOR_INTERNAL_PEER_H_
#define EVNET_NET_REACTOR_INTERNAL_PEER_H_

#include "net/base/address.h"
#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/names.h"

// peer_set keeps the peer's address in the connection.
void peer_set(struct evnet_conn *conn, const struct evnet_address *peer);

#endif  // EVNET_NET_REACTOR_INTERNAL_PEER_H_
