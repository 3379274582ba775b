// The limits of connections.
#ifndef EVNET_NET_REACTOR_INTERNAL_LIMITS_H_
#define EVNET_NET_REACTOR_INTERNAL_LIMITS_H_

#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/names.h"
#include "net/reactor/reactor.h"

// limits_from_options copies the limits of all connections from the reactor's options.
//
//   options  resolved options.
void limits_from_options(const struct evnet_reactor_options *options,
                         struct conn_limits *out_limits);

#endif  // EVNET_NET_REACTOR_INTERNAL_LIMITS_H_
