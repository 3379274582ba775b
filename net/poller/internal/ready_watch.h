// Watched descriptors of the readiness backends.
#ifndef EVNET_NET_POLLER_INTERNAL_READY_WATCH_H_
#define EVNET_NET_POLLER_INTERNAL_READY_WATCH_H_

#include "net/poller/internal/names.h"
#include "net/poller/internal/ready_state.h"

// evnet_poller_watch, evnet_poller_watch_change, evnet_poller_watch_stop.
int ready_watch(struct evnet_poller *poller, int descriptor, uint32_t events, void *user,
                struct evnet_handle *out_handle);
int ready_watch_change(struct evnet_poller *poller, struct evnet_handle handle, uint32_t events);
void ready_watch_stop(struct evnet_poller *poller, struct evnet_handle handle);

// Reports the event before ready->event_next, which is of a watch. Returns false if there is
// nothing to report.
bool ready_step_watch(struct ready *ready, struct evnet_completion *out);

#endif  // EVNET_NET_POLLER_INTERNAL_READY_WATCH_H_
