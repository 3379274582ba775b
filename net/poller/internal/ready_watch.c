// Watched descriptors of the readiness backends.
//
// epoll reports a watch exactly as poll(2) does. kqueue has other conditions: for example it
// reports out-of-band data as readable, and a pipe's end as end-of-file. So an event of kqueue is
// only the occasion to call poll(2), whose result is reported. If poll(2) reports nothing, a
// level-triggered event would come again in each wait. Then the watch is registered edge-triggered
// until poll(2) has something to report again.
#include "net/poller/internal/ready_watch.h"

#include <errno.h>
#include <poll.h>

#include "net/poller/internal/watches.h"

static uint64_t watch_token(const struct watches *watches, const struct watch *watch) {
  const struct evnet_handle handle = watches_handle(watches, watch);
  return (uint64_t)handle.generation << 32 | READY_WATCH_TOKEN | handle.index;
}

static uint32_t interest_of(const struct watch *watch) {
  return watch->events | EVNET_READY_WATCH | (watch->is_edge ? 0 : EVNET_READY_LEVEL);
}

int ready_watch(struct evnet_poller *poller, int descriptor, uint32_t events, void *user,
                struct evnet_handle *out_handle) {
  struct ready *ready = ready_of(poller);
  if (descriptor == ready->kernel->descriptor(ready->kernel_state)) return -EINVAL;
  struct watch *watch;
  int status = watches_open(&ready->watches, ready->allocator, descriptor, events, user, &watch);
  if (status < 0) return status;
  watch->turn = ready->turn - 1;
  status = ready->kernel->add(ready->kernel_state, watch->descriptor,
                              watch_token(&ready->watches, watch), interest_of(watch));
  if (status < 0) {
    watches_close(&ready->watches, watch);
    return status;
  }
  *out_handle = watches_handle(&ready->watches, watch);
  return 0;
}

int ready_watch_change(struct evnet_poller *poller, struct evnet_handle handle, uint32_t events) {
  struct ready *ready = ready_of(poller);
  struct watch *watch = watches_of(&ready->watches, handle);
  struct watch changed = *watch;
  changed.events = events;
  const int status =
      ready->kernel->change(ready->kernel_state, watch->descriptor,
                            watch_token(&ready->watches, watch), interest_of(&changed));
  if (status == 0) watch->events = events;
  return status;
}

void ready_watch_stop(struct evnet_poller *poller, struct evnet_handle handle) {
  struct ready *ready = ready_of(poller);
  struct watch *watch = watches_of(&ready->watches, handle);
  // close(2) alone does not end the registration, because the owner has the same open file.
  ready->kernel->remove(ready->kernel_state, watch->descriptor);
  watches_close(&ready->watches, watch);
}

// Registers the watch for edges or for levels, if it is not. It is removed first, because EV_ADD
// does not change EV_CLEAR of an existing event. If the kernel refuses, the owner gets an error,
// because events could be lost.
static uint32_t set_edge(struct ready *ready, struct watch *watch, bool is_edge) {
  if (watch->is_edge == is_edge) return 0;
  watch->is_edge = is_edge;
  ready->kernel->remove(ready->kernel_state, watch->descriptor);
  const int status = ready->kernel->add(ready->kernel_state, watch->descriptor,
                                        watch_token(&ready->watches, watch), interest_of(watch));
  return status == 0 ? 0 : EVNET_WATCH_ERROR;
}

static uint32_t ask_poll(struct ready *ready, struct watch *watch) {
  if (watch->turn == ready->turn) return 0;  // an event of the other direction
  struct pollfd polled = {.fd = watch->descriptor, .events = (short)watch->events};
  int found;
  do {
    found = poll(&polled, 1, 0);
  } while (found < 0 && errno == EINTR);
  const uint32_t events = found > 0 ? (uint32_t)polled.revents : 0;
  if (events != 0) watch->turn = ready->turn;
  return events | set_edge(ready, watch, events == 0);
}

bool ready_step_watch(struct ready *ready, struct evnet_completion *out) {
  const struct evnet_ready_event *event = &ready->events[ready->event_next - 1];
  struct watch *watch =
      watches_find(&ready->watches, (uint32_t)event->token & ~(uint32_t)READY_WATCH_TOKEN,
                   (uint32_t)(event->token >> 32));
  if (watch == NULL) return false;  // stopped since the wait
  const uint32_t events = ready->kernel->watch_needs_poll ? ask_poll(ready, watch) : event->state;
  return watches_complete(&ready->watches, watch, events, out);
}
