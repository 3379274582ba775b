// The dials of a reactor.
#ifndef EVNET_NET_REACTOR_INTERNAL_DIAL_H_
#define EVNET_NET_REACTOR_INTERNAL_DIAL_H_

#include "net/reactor/internal/names.h"

struct evnet_reactor;

// dial_end_all ends all dials.
void dial_end_all(struct evnet_reactor *reactor, int reason);

#endif  // EVNET_NET_REACTOR_INTERNAL_DIAL_H_
