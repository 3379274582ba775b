// The log lines of each connection, at EVNET_LOG_DEBUG.
#ifndef EVNET_NET_REACTOR_INTERNAL_TRACE_H_
#define EVNET_NET_REACTOR_INTERNAL_TRACE_H_

#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/names.h"

// trace_opened logs that a connection has opened.
void trace_opened(const struct evnet_conn *conn);

// trace_closed logs that a connection has closed, or that its dial failed, and why.
void trace_closed(const struct evnet_conn *conn);

#endif  // EVNET_NET_REACTOR_INTERNAL_TRACE_H_
