// Watched descriptors of the io_uring backend: an epoll instance holds them, level-triggered, and
// the ring polls that instance while there are watches.
//
// A poll of io_uring for each watch would be closer to the rest of this backend, but it differs
// from poll(2): a poll for POLLOUT alone completes again and again once the peer has ended its side
// (see uring_arm_out), files without poll(2) complete as if they were ready, and a stop has to wait
// for a cancel. With epoll the results and errors are those of the epoll backend. A turn in which a
// watch is ready costs one more system call, for all watches.
//
// The poll is one-shot and armed again for each wait, so it completes immediately while a watch is
// ready.
#include "net/poller/internal/uring_watch.h"

#include <errno.h>
#include <unistd.h>

#include "net/poller/internal/uring_loop.h"

static int control(struct uring *uring, int operation, const struct watch *watch, uint32_t events) {
  const struct evnet_handle handle = watches_handle(&uring->watching.watches, watch);
  // The values of the events are those of poll(2), and so of epoll(7).
  struct epoll_event event = {.events = events,
                              .data = {.u64 = (uint64_t)handle.generation << 32 | handle.index}};
  return epoll_ctl(uring->watching.epoll_fd, operation, watch->descriptor, &event) == 0 ? 0
                                                                                        : -errno;
}

static int open_epoll(struct uring *uring) {
  struct uring_watching *watching = &uring->watching;
  if (watching->is_open) return 0;
  const int descriptor = epoll_create1(EPOLL_CLOEXEC);
  if (descriptor < 0) return -errno;
  watching->epoll_fd = descriptor;
  watching->is_open = true;
  const int status = uring_loop_add_watches(uring);
  if (status < 0) {
    watching->is_open = false;
    (void)close(descriptor);
  }
  return status;
}

int uring_watch(struct evnet_poller *poller, int descriptor, uint32_t events, void *user,
                struct evnet_handle *out_handle) {
  struct uring *uring = (struct uring *)poller;
  struct watches *watches = &uring->watching.watches;
  const bool is_loop = uring->loop.is_open && descriptor == uring->loop.epoll_fd;
  if (is_loop || descriptor == uring->ring.ring_fd) return -EINVAL;
  int status = open_epoll(uring);
  if (status < 0) return status;
  struct watch *watch;
  status = watches_open(watches, uring->allocator, descriptor, events, user, &watch);
  if (status < 0) return status;
  status = control(uring, EPOLL_CTL_ADD, watch, events);
  if (status < 0) {
    watches_close(watches, watch);
    return status;
  }
  *out_handle = watches_handle(watches, watch);
  return 0;
}

int uring_watch_change(struct evnet_poller *poller, struct evnet_handle handle, uint32_t events) {
  struct uring *uring = (struct uring *)poller;
  struct watch *watch = watches_of(&uring->watching.watches, handle);
  const int status = control(uring, EPOLL_CTL_MOD, watch, events);
  if (status == 0) watch->events = events;
  return status;
}

void uring_watch_stop(struct evnet_poller *poller, struct evnet_handle handle) {
  struct uring *uring = (struct uring *)poller;
  struct watch *watch = watches_of(&uring->watching.watches, handle);
  // close(2) alone does not end the registration, because the owner has the same open file.
  (void)control(uring, EPOLL_CTL_DEL, watch, 0);
  watches_close(&uring->watching.watches, watch);
}

void uring_watch_ready(struct uring *uring) {
  struct uring_watching *watching = &uring->watching;
  const int count = epoll_wait(watching->epoll_fd, watching->events, WATCH_EVENTS_MAX, 0);
  watching->event_next = 0;
  watching->event_count = count > 0 ? count : 0;
}

bool uring_step_watch(struct uring *uring, struct evnet_completion *out) {
  struct uring_watching *watching = &uring->watching;
  const struct epoll_event *event = &watching->events[watching->event_next++];
  const struct watch *watch = watches_find(&watching->watches, (uint32_t)event->data.u64,
                                           (uint32_t)(event->data.u64 >> 32));
  return watch != NULL && watches_complete(&watching->watches, watch, event->events, out);
}

void uring_watch_deinit(struct uring *uring) {
  watches_deinit(&uring->watching.watches, uring->allocator);
  if (uring->watching.is_open) (void)close(uring->watching.epoll_fd);
}
