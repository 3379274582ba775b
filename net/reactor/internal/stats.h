// The reactor's counters.
#ifndef EVNET_NET_REACTOR_INTERNAL_STATS_H_
#define EVNET_NET_REACTOR_INTERNAL_STATS_H_

#include <stdint.h>

#include "net/reactor/internal/names.h"
#include "net/reactor/stats.h"

// stats_count_closed counts a connection that has closed, by its reason.
void stats_count_closed(struct evnet_reactor_stats *stats, int reason);

// stats_count_callback counts a callback by its time.
void stats_count_callback(struct evnet_reactor_stats *stats, uint64_t took_ns);

#endif  // EVNET_NET_REACTOR_INTERNAL_STATS_H_
