// Listeners that close while the reactor runs on.
#ifndef EVNET_NET_REACTOR_INTERNAL_UNLISTEN_H_
#define EVNET_NET_REACTOR_INTERNAL_UNLISTEN_H_

#include <stdbool.h>

#include "net/poller/poller.h"
#include "net/reactor/conn.h"
#include "net/reactor/internal/listener.h"
#include "net/reactor/internal/names.h"
#include "net/reactor/owner.h"

// unlisten_by_id closes an adopted listener, or an adopted UDP socket without a peer.
//
// Returns: false if the id is not that of one, or if it is closing already.
bool unlisten_by_id(struct evnet_reactor *reactor, const struct evnet_conn_id *id);

// unlisten_close_idle closes the UDP sockets of removed addresses that owe nothing any more.
void unlisten_close_idle(struct evnet_reactor *reactor);

// unlisten_detached handles the DETACH of any handle while leaving_count is above 0.
void unlisten_detached(struct evnet_reactor *reactor, struct evnet_handle handle);

// unlisten_end makes the calls that are still expected, because the reactor has ended.
void unlisten_end(struct evnet_reactor *reactor);

#endif  // EVNET_NET_REACTOR_INTERNAL_UNLISTEN_H_
