// The reactor's counters.
#ifndef EVNET_NET_REACTOR_INTERNAL_STATS_H_
#define EVNET_NET_REACTOR_INTERNAL_STATS_H_

#include "net/reactor/reactor.h"

// stats_count_closed counts a connection that has closed, by its reason.
void stats_count_closed(struct evnet_reactor_stats *stats, int reason);

#endif  // EVNET_NET_REACTOR_INTERNAL_STATS_H_
