// The epoll backend: registers descriptors, edge-triggered unless asked otherwise, and reports
// which became ready. A wake writes to an eventfd that is never read. It is edge-triggered, so each
// write is a new event, whatever the counter is.
#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "net/poller/internal/readiness.h"

enum { EVENTS_MAX = 512 };

static const uint64_t wake_token = UINT64_MAX;

struct epoll {
  const struct evnet_allocator *allocator;
  int epoll_fd;
  int wake_fd;
  _Alignas(EVNET_BLOCK_ALIGNMENT) struct epoll_event events[EVENTS_MAX];
};

static int epoll_register(struct epoll *epoll, int operation, int descriptor, uint64_t token,
                          uint32_t interest) {
  struct epoll_event event = {.data = {.u64 = token}};
  if (!(interest & EVNET_READY_WATCH)) event.events = EPOLLRDHUP | EPOLLPRI;
  if (!(interest & EVNET_READY_LEVEL)) event.events |= EPOLLET;
  if (interest & EVNET_READY_IN) event.events |= EPOLLIN;
  if (interest & EVNET_READY_OUT) event.events |= EPOLLOUT;
  return epoll_ctl(epoll->epoll_fd, operation, descriptor, &event) == 0 ? 0 : -errno;
}

static void epoll_close(void *state) {
  struct epoll *epoll = state;
  if (epoll->wake_fd >= 0) (void)close(epoll->wake_fd);
  if (epoll->epoll_fd >= 0) (void)close(epoll->epoll_fd);
  evnet_block_release(epoll->allocator, epoll);
}

static int epoll_open(const struct evnet_allocator *allocator, void **out_state) {
  struct epoll *epoll = evnet_block_allocate(allocator, sizeof *epoll);
  if (epoll == NULL) return -ENOMEM;
  epoll->allocator = allocator;
  epoll->wake_fd = -1;
  int status = 0;
  epoll->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll->epoll_fd < 0) status = -errno;
  if (status == 0) {
    epoll->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (epoll->wake_fd < 0) status = -errno;
  }
  if (status == 0)
    status = epoll_register(epoll, EPOLL_CTL_ADD, epoll->wake_fd, wake_token, EVNET_READY_IN);
  if (status < 0) {
    epoll_close(epoll);
    return status;
  }
  *out_state = epoll;
  return 0;
}

static int epoll_add(void *state, int descriptor, uint64_t token, uint32_t interest) {
  return epoll_register(state, EPOLL_CTL_ADD, descriptor, token, interest);
}

static int epoll_change(void *state, int descriptor, uint64_t token, uint32_t interest) {
  return epoll_register(state, EPOLL_CTL_MOD, descriptor, token, interest);
}

static void epoll_remove(void *state, int descriptor) {
  struct epoll *epoll = state;
  (void)epoll_ctl(epoll->epoll_fd, EPOLL_CTL_DEL, descriptor, NULL);
}

enum { SAME_BITS = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLERR | EPOLLHUP };

_Static_assert((uint32_t)EPOLLIN == EVNET_READY_IN && (uint32_t)EPOLLPRI == EVNET_READY_URGENT &&
                   (uint32_t)EPOLLOUT == EVNET_READY_OUT &&
                   (uint32_t)EPOLLERR == EVNET_READY_ERROR &&
                   (uint32_t)EPOLLHUP == EVNET_READY_HANGUP,
               "a bit that state_of copies means the same");

static uint32_t state_of(uint32_t events) {
  const uint32_t state = events & SAME_BITS;
  return events & EPOLLRDHUP ? state | EVNET_READY_END : state;
}

static int timeout_ms(int64_t timeout_ns) {
  if (timeout_ns < 0) return -1;
  // Rounded up, because waking before a deadline means waking twice.
  int64_t ms = timeout_ns / 1000000 + (timeout_ns % 1000000 != 0);
  return ms > INT_MAX ? INT_MAX : (int)ms;
}

static int epoll_wait_events(void *state, struct evnet_ready_event *out_events, int count,
                             int64_t timeout_ns, bool *out_more) {
  struct epoll *epoll = state;
  int events_max = count < EVENTS_MAX ? count : EVENTS_MAX;
  int ready = epoll_wait(epoll->epoll_fd, epoll->events, events_max, timeout_ms(timeout_ns));
  // The kernel takes events from the front of its ready list and appends new events
  // (ep_send_events() of Linux). So events that it keeps are the first ones of the next call.
  *out_more = ready < 0 || ready == events_max;
  if (ready < 0) return errno == EINTR ? 0 : -errno;
  int written = 0;
  for (int i = 0; i < ready; i++) {
    const struct epoll_event *event = &epoll->events[i];
    if (event->data.u64 == wake_token) continue;
    out_events[written].token = event->data.u64;
    out_events[written].state = state_of(event->events);
    written++;
  }
  return written;
}

static void epoll_wake(void *state) {
  const struct epoll *epoll = state;
  int saved = errno;  // a signal handler calls this
  const uint64_t one = 1;
  // Fails only if the counter would overflow, which takes 2^64 wakes. An event is pending then
  // anyway.
  ssize_t written = write(epoll->wake_fd, &one, sizeof one);
  (void)written;
  errno = saved;
}

static int epoll_descriptor(const void *state) { return ((const struct epoll *)state)->epoll_fd; }

const struct evnet_readiness_ops evnet_readiness_epoll = {
    .name = "epoll",
    .has_level = true,
    .open = epoll_open,
    .close = epoll_close,
    .add = epoll_add,
    .change = epoll_change,
    .remove = epoll_remove,
    .wait = epoll_wait_events,
    .wake = epoll_wake,
    .descriptor = epoll_descriptor,
};

const char *evnet_epoll_message(enum evnet_backend backend, int status) {
  if (status != -ENOSYS && status != -EPERM) return NULL;
  if (backend == EVNET_BACKEND_KQUEUE) return "kqueue is another system's backend";
  return "epoll is refused: epoll_create1(2) or eventfd2(2) fails, as a sandbox has it (seccomp)";
}
