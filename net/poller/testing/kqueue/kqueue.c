// A kqueue for tests on Linux: the part of kqueue(2) (FreeBSD's and macOS's manual pages) that
// ../../internal/kqueue.c uses, for sockets. Anything else fails with EINVAL.
//
// Each filter has its own epoll, because the filters of one descriptor have independent events.
// Bytes that arrive must not bring an event of the write filter, but an epoll that watches for both
// would report writability, too. The kqueue's descriptor is the read filter's epoll. A wait polls
// both epolls and an eventfd, which EVFILT_USER writes.
//
// Differences from a BSD:
// - On Linux, reading so_error clears it: after getsockopt(SO_ERROR), recv(2) would not report the
//   error. So fflags is ECONNRESET for every pending error, and the error stays pending.
// - The write filter has an event when there is room again after a refused send (TCP), or when the
//   peer has read (Unix). A BSD has an event for each acknowledgement.
// - Closing a descriptor removes its events only if it has no other duplicates.
// - Changes and waits may be used by one thread at a time; NOTE_TRIGGER by any thread, and by
//   signal handlers.
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/event.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/poller/testing/kqueue/socket.h"

enum {
  QUEUES_MAX = 1 << 16,  // descriptor numbers of kqueues are below this
  BATCH_MAX = 512,
  WAIT_SECONDS_MAX = 100000000,  // above this, XNU's itimerfix fails
};

enum { READ, WRITE, FILTERS };  // EVFILT_READ, EVFILT_WRITE as indexes

static const uint32_t read_mask = EPOLLIN | EPOLLRDHUP;

// A registration: one (ident, filter) pair.
struct knote {
  uint16_t flags;  // EV_ADD while it exists, and EV_CLEAR
  bool has_low_water;
  intptr_t low_water;
  void *udata;
};

struct queue {
  int epolls[FILTERS];  // and `wake`: held by the epoll instance that is the kqueue's descriptor
  int wake;
  struct knote *knotes[FILTERS];  // indexed by descriptor
  size_t knote_count;
  struct knote user;  // EVFILT_USER: one for each kqueue
  uintptr_t user_ident;
  atomic_bool triggered;
  int first;  // the filter that is checked first; it alternates between calls
};

// Indexed by descriptor number. kqueue sets an entry, close takes it.
static _Atomic(struct queue *) queues[QUEUES_MAX];

int __real_close(int descriptor);
int __wrap_close(int descriptor);

static void queue_free(struct queue *queue) {
  for (int filter = 0; filter < FILTERS; filter++) {
    if (queue->epolls[filter] >= 0) (void)__real_close(queue->epolls[filter]);
  }
  if (queue->wake >= 0) (void)__real_close(queue->wake);
  free(queue->knotes[READ]);
  free(queue->knotes[WRITE]);
  free(queue);
}

// The linker (--wrap) directs every close(2) of the program here. Closing a kqueue frees its state.
int __wrap_close(int descriptor) {
  if (descriptor >= 0 && descriptor < QUEUES_MAX) {
    struct queue *queue = atomic_exchange(&queues[descriptor], NULL);
    if (queue != NULL) queue_free(queue);
  }
  evnet_test_socket_closed(descriptor);
  return __real_close(descriptor);
}

// Makes poll(2) of the kqueue's descriptor report events of each of its parts.
static bool hold(int descriptor, const struct queue *queue) {
  const int parts[] = {queue->epolls[READ], queue->epolls[WRITE], queue->wake};
  for (int i = 0; i < 3; i++) {
    struct epoll_event event = {.events = EPOLLIN};
    if (parts[i] < 0 || epoll_ctl(descriptor, EPOLL_CTL_ADD, parts[i], &event) != 0) return false;
  }
  return true;
}

int kqueue(void) {
  struct queue *queue = calloc(1, sizeof *queue);
  if (queue == NULL) {
    errno = ENOMEM;
    return -1;
  }
  // Not close-on-exec, as on a real system: kqueue.c has to set it.
  int descriptor = epoll_create1(0);
  queue->epolls[READ] = epoll_create1(EPOLL_CLOEXEC);
  queue->epolls[WRITE] = epoll_create1(EPOLL_CLOEXEC);
  queue->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (descriptor < 0 || descriptor >= QUEUES_MAX || !hold(descriptor, queue)) {
    if (descriptor >= 0) (void)__real_close(descriptor);
    queue_free(queue);
    errno = EMFILE;
    return -1;
  }
  atomic_store(&queues[descriptor], queue);
  return descriptor;
}

// Changes

static bool grow(struct queue *queue, size_t descriptor) {
  if (descriptor < queue->knote_count) return true;
  size_t count = (descriptor + 1) * 2;
  for (int filter = 0; filter < FILTERS; filter++) {
    struct knote *knotes = realloc(queue->knotes[filter], count * sizeof *knotes);
    if (knotes == NULL) return false;
    memset(knotes + queue->knote_count, 0, (count - queue->knote_count) * sizeof *knotes);
    queue->knotes[filter] = knotes;
  }
  queue->knote_count = count;
  return true;
}

// This and the other functions for changes return 0 or an errno.
static int change_user(struct queue *queue, const struct kevent *change) {
  bool exists = queue->user.flags & EV_ADD;
  if ((change->fflags & ~(uint32_t)NOTE_TRIGGER) != 0) return EINVAL;
  if (change->flags & EV_ADD) {
    if (!(change->flags & EV_CLEAR) || (exists && queue->user_ident != change->ident))
      return EINVAL;
    queue->user = (struct knote){.flags = change->flags, .udata = change->udata};
    queue->user_ident = change->ident;
  } else if (!exists || queue->user_ident != change->ident) {
    return ENOENT;
  }
  if (change->flags & EV_DELETE) queue->user.flags = 0;
  if (change->fflags & NOTE_TRIGGER) {
    const uint64_t one = 1;
    atomic_store(&queue->triggered, true);
    ssize_t written = write(queue->wake, &one, sizeof one);
    (void)written;  // fails only if the counter is full; then the wait ends anyway
  }
  return 0;
}

static int change_add(struct queue *queue, int filter, const struct kevent *change) {
  int descriptor = (int)change->ident;
  bool has_low_water = change->fflags & NOTE_LOWAT;
  if ((change->fflags & ~(uint32_t)NOTE_LOWAT) != 0) return EINVAL;
  if (has_low_water && (filter != WRITE || !(change->flags & EV_CLEAR))) return EINVAL;
  if (!grow(queue, (size_t)descriptor)) return ENOMEM;
  struct epoll_event event = {.events = filter == READ ? read_mask : EPOLLOUT,
                              .data = {.fd = descriptor}};
  if (change->flags & EV_CLEAR) event.events |= EPOLLET;
  // EPOLL_CTL_ADD comes first, because the knote of an earlier descriptor with this number proves
  // nothing.
  int epoll = queue->epolls[filter];
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) != 0 &&
      (errno != EEXIST || epoll_ctl(epoll, EPOLL_CTL_MOD, descriptor, &event) != 0)) {
    return errno;
  }
  queue->knotes[filter][descriptor] = (struct knote){.flags = change->flags,
                                                     .has_low_water = has_low_water,
                                                     .low_water = change->data,
                                                     .udata = change->udata};
  return 0;
}

static int change_delete(struct queue *queue, int filter, const struct kevent *change) {
  if (change->ident < queue->knote_count) queue->knotes[filter][change->ident].flags = 0;
  return epoll_ctl(queue->epolls[filter], EPOLL_CTL_DEL, (int)change->ident, NULL) == 0 ? 0 : errno;
}

static int change_one(struct queue *queue, const struct kevent *change) {
  if ((change->flags & ~(EV_ADD | EV_DELETE | EV_CLEAR)) != 0) return EINVAL;
  if (change->filter == EVFILT_USER) return change_user(queue, change);
  if (change->filter != EVFILT_READ && change->filter != EVFILT_WRITE) return EINVAL;
  if (change->ident > INT_MAX) return EBADF;
  int filter = change->filter == EVFILT_READ ? READ : WRITE;
  if (change->flags & EV_ADD) return change_add(queue, filter, change);
  if (change->flags & EV_DELETE) return change_delete(queue, filter, change);
  return EINVAL;
}

// Events

static int option(int descriptor, int level, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  return getsockopt(descriptor, level, name, &value, &size) == 0 ? value : 0;
}

static bool tcp_info(int descriptor, struct tcp_info *out_info) {
  socklen_t size = sizeof *out_info;
  memset(out_info, 0, sizeof *out_info);
  return getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, out_info, &size) == 0;
}

// Returns "the size of the listen backlog", or the number of bytes that can be read.
static intptr_t readable(int descriptor) {
  if (option(descriptor, SOL_SOCKET, SO_ACCEPTCONN)) {
    struct tcp_info info;
    // For a listener, tcpi_unacked is the length of its accept queue (tcp_get_info in
    // net/ipv4/tcp.c).
    return tcp_info(descriptor, &info) ? (intptr_t)info.tcpi_unacked : 1;
  }
  int bytes = 0;
  (void)ioctl(descriptor, FIONREAD, &bytes);
  return bytes;
}

static intptr_t writable(int descriptor) {
  int queued = 0;
  (void)ioctl(descriptor, TIOCOUTQ, &queued);
  int room = option(descriptor, SOL_SOCKET, SO_SNDBUF) - queued;
  return room > 0 ? room : 0;
}

// Whether the socket's own shutdown(2) has ended the outgoing direction.
static bool cannot_send(int descriptor) {
  struct tcp_info info;
  if (tcp_info(descriptor, &info)) {
    switch (info.tcpi_state) {
      case TCP_FIN_WAIT1:
      case TCP_FIN_WAIT2:
      case TCP_TIME_WAIT:
      case TCP_CLOSING:
      case TCP_LAST_ACK:
        return true;
      default:
        return false;
    }
  }
  // An empty send on a Unix stream sends nothing, but fails after shutdown(2).
  return option(descriptor, SOL_SOCKET, SO_DOMAIN) == AF_UNIX &&
         option(descriptor, SOL_SOCKET, SO_TYPE) == SOCK_STREAM &&
         send(descriptor, "", 0, MSG_NOSIGNAL | MSG_DONTWAIT) != 0 && errno == EPIPE;
}

static bool knote_event(const struct queue *queue, int filter, const struct epoll_event *ready,
                        struct kevent *out) {
  int descriptor = ready->data.fd;
  const struct knote *knote = &queue->knotes[filter][descriptor];
  bool end = ready->events & (EPOLLHUP | EPOLLERR);
  *out = (struct kevent){.ident = (uintptr_t)descriptor,
                         .filter = filter == READ ? EVFILT_READ : EVFILT_WRITE,
                         .flags = knote->flags & EV_CLEAR,
                         .udata = knote->udata};
  if (filter == READ) {
    out->data = readable(descriptor);
    if (ready->events & EPOLLRDHUP) end = true;
  } else {
    out->data = writable(descriptor);
    if (!end) end = cannot_send(descriptor);
    if (!end && knote->has_low_water && out->data < knote->low_water) return false;
  }
  if (end) out->flags |= EV_EOF;
  if (ready->events & EPOLLERR) out->fflags = ECONNRESET;
  return true;
}

static int collect(struct queue *queue, struct kevent *out_events, int count) {
  int written = 0;
  uint64_t wakes;
  // The read comes before the exchange of the flag, because a trigger in between writes again.
  ssize_t drained = read(queue->wake, &wakes, sizeof wakes);
  (void)drained;
  if (atomic_exchange(&queue->triggered, false) && (queue->user.flags & EV_ADD)) {
    out_events[written++] = (struct kevent){.ident = queue->user_ident,
                                            .filter = EVFILT_USER,
                                            .flags = EV_CLEAR,
                                            .udata = queue->user.udata};
  }
  queue->first = !queue->first;
  for (int i = 0; i < FILTERS && written < count; i++) {
    int filter = i == 0 ? queue->first : !queue->first;
    struct epoll_event ready[BATCH_MAX];
    int room = count - written;
    int found = epoll_wait(queue->epolls[filter], ready, room < BATCH_MAX ? room : BATCH_MAX, 0);
    for (int at = 0; at < found; at++) {
      if (knote_event(queue, filter, &ready[at], &out_events[written])) written++;
    }
  }
  return written;
}

static int64_t now_ns(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int wait_events(struct queue *queue, struct kevent *out_events, int count,
                       const struct timespec *timeout) {
  int64_t deadline = 0;
  if (timeout != NULL) {
    if (timeout->tv_sec < 0 || timeout->tv_sec > WAIT_SECONDS_MAX || timeout->tv_nsec < 0 ||
        timeout->tv_nsec >= 1000000000) {
      errno = EINVAL;
      return -1;
    }
    deadline = now_ns() + (int64_t)timeout->tv_sec * 1000000000 + timeout->tv_nsec;
  }
  for (;;) {
    int written = collect(queue, out_events, count);
    if (written > 0) return written;
    struct timespec left = {0};
    if (timeout != NULL) {
      int64_t left_ns = deadline - now_ns();
      if (left_ns <= 0) return 0;
      left.tv_sec = left_ns / 1000000000;
      left.tv_nsec = left_ns % 1000000000;
    }
    struct pollfd sources[] = {{queue->epolls[READ], POLLIN, 0},
                               {queue->epolls[WRITE], POLLIN, 0},
                               {queue->wake, POLLIN, 0}};
    if (ppoll(sources, 3, timeout != NULL ? &left : NULL, NULL) < 0) return -1;
  }
}

int kevent(int descriptor, const struct kevent *changes, int change_count,
           struct kevent *out_events, int event_count, const struct timespec *timeout) {
  struct queue *queue = NULL;
  if (descriptor >= 0 && descriptor < QUEUES_MAX) queue = atomic_load(&queues[descriptor]);
  if (queue == NULL) {
    errno = EBADF;
    return -1;
  }
  // "If an error occurs while processing an element of the changelist and there is enough room in
  // the eventlist, then the event will be placed in the eventlist with EV_ERROR set in flags and
  // the system error in data. Otherwise, -1 will be returned, and errno will be set."
  int errors = 0;
  for (int i = 0; i < change_count; i++) {
    int error = change_one(queue, &changes[i]);
    if (error == 0) continue;
    if (errors == event_count) {
      errno = error;
      return -1;
    }
    out_events[errors] = changes[i];
    out_events[errors].flags |= EV_ERROR;
    out_events[errors++].data = error;
  }
  if (errors > 0 || event_count == 0) return errors;
  return wait_events(queue, out_events, event_count, timeout);
}
