// Watched descriptors of the io_uring backend.
#ifndef EVNET_NET_POLLER_INTERNAL_URING_WATCH_H_
#define EVNET_NET_POLLER_INTERNAL_URING_WATCH_H_

#include "net/poller/internal/names.h"
#include "net/poller/internal/uring_state.h"

// evnet_poller_watch, evnet_poller_watch_change, evnet_poller_watch_stop.
int uring_watch(struct evnet_poller *poller, int descriptor, uint32_t events, void *user,
                struct evnet_handle *out_handle);
int uring_watch_change(struct evnet_poller *poller, struct evnet_handle handle, uint32_t events);
void uring_watch_stop(struct evnet_poller *poller, struct evnet_handle handle);

// Handles the completion of the poll: takes the events that hold.
void uring_watch_ready(struct uring *uring);

// Reports one of the events that uring_watch_ready took. Returns false if it is of a stopped watch.
// There must be one.
bool uring_step_watch(struct uring *uring, struct evnet_completion *out);

// Closes all watches.
void uring_watch_deinit(struct uring *uring);

static inline bool uring_has_watch_events(const struct uring *uring) {
  return uring->watching.event_next < uring->watching.event_count;
}

#endif  // EVNET_NET_POLLER_INTERNAL_URING_WATCH_H_
