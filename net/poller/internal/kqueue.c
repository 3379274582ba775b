// The kqueue backend: registers descriptors, edge-triggered, and reports which became ready. The
// wake is a user event (EVFILT_USER), which any thread may trigger.
//
// A descriptor has two filters, each with its own events:
//
//   EVFILT_READ    IN; EV_EOF: the peer has ended its side (END), with an error in fflags (ERROR)
//   EVFILT_WRITE   OUT; EV_EOF: nothing more can be sent (HANGUP), with an error in fflags (ERROR)
//
// If OUT is not wanted, the write filter stays for EV_EOF only, with a low-water mark that is never
// reached. EV_EOF of the write filter may also follow our own shutdown(2); ready.c checks the
// socket before it reports a hang-up. One batch may contain events of both filters of a descriptor;
// ready.c skips the second if the first led to a detach.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/types.h>
// FreeBSD's <sys/event.h> needs <sys/types.h>.
#include <sys/event.h>
#include <time.h>
#include <unistd.h>

#include "net/poller/internal/readiness.h"

enum {
  EVENTS_MAX = 512,
  WAIT_SECONDS_MAX = 100000000,  // above this, XNU's itimerfix fails with EINVAL
};

// A token is passed through udata.
_Static_assert(sizeof(void *) >= sizeof(uint64_t), "kqueue.c needs a 64-bit system");

struct queue {
  const struct evnet_allocator *allocator;
  int descriptor;
  _Alignas(EVNET_BLOCK_ALIGNMENT) struct kevent events[EVENTS_MAX];
};

// Applies changes in order. Returns 0, or -errno of the first that failed; the changes after it are
// not applied. kevent(2) takes counts as int, on NetBSD as size_t; a uint16_t converts to both.
static int apply(const struct queue *queue, const struct kevent *changes, uint16_t count) {
  return kevent(queue->descriptor, changes, count, NULL, 0, NULL) >= 0 ? 0 : -errno;
}

static int kqueue_register(const struct queue *queue, int descriptor, uint64_t token,
                           uint32_t interest) {
  bool out = interest & EVNET_READY_OUT;
  uintptr_t ident = (uintptr_t)descriptor;
  void *udata = (void *)(uintptr_t)token;
  struct kevent changes[2];
  EV_SET(&changes[0], ident, EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, udata);
  EV_SET(&changes[1], ident, EVFILT_WRITE, EV_ADD | EV_CLEAR, out ? 0 : NOTE_LOWAT,
         out ? 0 : INT_MAX, udata);
  return apply(queue, changes, 2);
}

// Registers the filters of a watch that are wanted, then removes the other one. A failure leaves at
// most a filter too many, which does no harm, because ready_watch.c asks poll(2) after each event.
static int kqueue_register_watch(const struct queue *queue, int descriptor, uint64_t token,
                                 uint32_t interest) {
  static const struct {
    uint32_t interest;
    int16_t filter;
  } filters[] = {{EVNET_READY_IN, EVFILT_READ}, {EVNET_READY_OUT, EVFILT_WRITE}};
  const uint16_t flags = interest & EVNET_READY_LEVEL ? EV_ADD : EV_ADD | EV_CLEAR;
  const uintptr_t ident = (uintptr_t)descriptor;
  void *udata = (void *)(uintptr_t)token;
  struct kevent change;
  for (int i = 0; i < 2; i++) {
    if (!(interest & filters[i].interest)) continue;
    EV_SET(&change, ident, filters[i].filter, flags, 0, 0, udata);
    int status = apply(queue, &change, 1);
    if (status < 0) return status;
  }
  for (int i = 0; i < 2; i++) {
    if (interest & filters[i].interest) continue;
    EV_SET(&change, ident, filters[i].filter, EV_DELETE, 0, 0, NULL);
    (void)apply(queue, &change, 1);
  }
  return 0;
}

static void kqueue_close(void *state) {
  struct queue *queue = state;
  if (queue->descriptor >= 0) (void)close(queue->descriptor);
  evnet_block_release(queue->allocator, queue);
}

static int kqueue_open(const struct evnet_allocator *allocator, void **out_state) {
  struct queue *queue = evnet_block_allocate(allocator, sizeof *queue);
  if (queue == NULL) return -ENOMEM;
  queue->allocator = allocator;
  int status = 0;
  queue->descriptor = kqueue();
  if (queue->descriptor < 0) status = -errno;
  // A child of fork(2) does not inherit the queue, but exec(2) without a fork keeps it.
  if (status == 0 && fcntl(queue->descriptor, F_SETFD, FD_CLOEXEC) != 0) status = -errno;
  if (status == 0) {
    struct kevent wake;
    EV_SET(&wake, 0, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
    status = apply(queue, &wake, 1);
  }
  if (status < 0) {
    kqueue_close(queue);
    return status;
  }
  *out_state = queue;
  return 0;
}

// A watch may have one of the filters only, so each is removed by itself.
static void kqueue_remove(void *state, int descriptor) {
  struct kevent change;
  EV_SET(&change, (uintptr_t)descriptor, EVFILT_READ, EV_DELETE, 0, 0, NULL);
  (void)apply(state, &change, 1);
  EV_SET(&change, (uintptr_t)descriptor, EVFILT_WRITE, EV_DELETE, 0, 0, NULL);
  (void)apply(state, &change, 1);
}

static int kqueue_add(void *state, int descriptor, uint64_t token, uint32_t interest) {
  int status = interest & EVNET_READY_WATCH
                   ? kqueue_register_watch(state, descriptor, token, interest)
                   : kqueue_register(state, descriptor, token, interest);
  if (status < 0) kqueue_remove(state, descriptor);  // the read filter, if only the second failed
  return status;
}

// Adding an existing event again replaces its parameters (kqueue(2)), and reports a state that
// holds.
static int kqueue_change(void *state, int descriptor, uint64_t token, uint32_t interest) {
  if (interest & EVNET_READY_WATCH)
    return kqueue_register_watch(state, descriptor, token, interest);
  return kqueue_register(state, descriptor, token, interest);
}

static uint32_t state_of(const struct kevent *event) {
  bool end = event->flags & EV_EOF;
  uint32_t state = end && event->fflags != 0 ? EVNET_READY_ERROR : 0;
  if (event->filter == EVFILT_WRITE)
    return state | EVNET_READY_OUT | (end ? EVNET_READY_HANGUP : 0);
  state |= EVNET_READY_IN;
  if (end) state |= EVNET_READY_END;
  // recv(2) stops short at the mark of out-of-band data, of which EVFILT_READ does not report: the
  // BSDs have no flag for it, and XNU sets EV_OOBAND for EVFILT_EXCEPT only (xnu-11417,
  // bsd/kern/uipc_socket.c). So a short read proves nothing.
  return state | EVNET_READY_URGENT;
}

static struct timespec timespec_of(int64_t timeout_ns) {
  int64_t seconds = timeout_ns / 1000000000;
  if (seconds >= WAIT_SECONDS_MAX) return (struct timespec){.tv_sec = WAIT_SECONDS_MAX};
  return (struct timespec){.tv_sec = (time_t)seconds, .tv_nsec = (long)(timeout_ns % 1000000000)};
}

static int kqueue_wait(void *state, struct evnet_ready_event *out_events, int count,
                       int64_t timeout_ns, bool *out_more) {
  struct queue *queue = state;
  const uint16_t events_max = count < EVENTS_MAX ? (uint16_t)count : EVENTS_MAX;
  struct timespec timeout = timespec_of(timeout_ns);
  int ready = kevent(queue->descriptor, NULL, 0, queue->events, events_max,
                     timeout_ns < 0 ? NULL : &timeout);
  *out_more = ready < 0 || ready == events_max;
  if (ready < 0) return errno == EINTR ? 0 : -errno;
  int written = 0;
  for (int i = 0; i < ready; i++) {
    const struct kevent *event = &queue->events[i];
    if (event->filter == EVFILT_USER) continue;
    out_events[written].token = (uint64_t)(uintptr_t)event->udata;
    out_events[written].state = state_of(event);
    written++;
  }
  return written;
}

static void kqueue_wake(void *state) {
  int saved = errno;  // a signal handler calls this
  struct kevent wake;
  EV_SET(&wake, 0, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
  (void)apply(state, &wake, 1);
  errno = saved;
}

static int kqueue_descriptor(const void *state) {
  return ((const struct queue *)state)->descriptor;
}

const struct evnet_readiness_ops evnet_readiness_kqueue = {
    .name = "kqueue",
    .watch_needs_poll = true,
    .open = kqueue_open,
    .close = kqueue_close,
    .add = kqueue_add,
    .change = kqueue_change,
    .remove = kqueue_remove,
    .wait = kqueue_wait,
    .wake = kqueue_wake,
    .descriptor = kqueue_descriptor,
};
