// The descriptor of an io_uring poller for another event loop: an epoll instance of three files.
//
//   an eventfd registered with the ring, which the kernel signals when an operation completes or
//     has work to do for that
//   the poller's wake descriptor
//   the epoll instance of the watches
//
// The ring's own descriptor would not do: with IORING_SETUP_DEFER_TASKRUN, completions are posted
// only in io_uring_enter(2), and only a posted completion wakes a poll(2) of the ring (Linux 6.18).
// The eventfd does not do alone: after the first time, Linux 6.18 does not signal it for an
// operation that completes because of a write to another eventfd (io_eventfd_signal()).
#include "net/poller/internal/uring_loop.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

static int add(const struct uring *uring, int descriptor, uint32_t events) {
  struct epoll_event event = {.events = events};
  return epoll_ctl(uring->loop.epoll_fd, EPOLL_CTL_ADD, descriptor, &event) == 0 ? 0 : -errno;
}

int uring_loop_add_watches(const struct uring *uring) {
  if (!uring->loop.is_open || !uring->watching.is_open) return 0;
  return add(uring, uring->watching.epoll_fd, EPOLLIN);
}

static int open_parts(struct uring *uring) {
  struct uring_loop *loop = &uring->loop;
  loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (loop->epoll_fd < 0) return -errno;
  // 1, because the kernel may have completed something already.
  loop->event_fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
  if (loop->event_fd < 0) return -errno;
  int status = add(uring, loop->event_fd, EPOLLIN);
  // The wake descriptor is never read, so each write is an edge.
  if (status == 0) status = add(uring, uring->wake_fd, EPOLLIN | EPOLLET);
  if (status == 0) status = uring_loop_add_watches(uring);
  if (status == 0) status = io_uring_register_eventfd(&uring->ring, loop->event_fd);
  return status;
}

int uring_loop_descriptor(struct evnet_poller *poller) {
  struct uring *uring = (struct uring *)poller;
  struct uring_loop *loop = &uring->loop;
  if (loop->is_open) return loop->epoll_fd;
  loop->event_fd = -1;
  loop->is_open = true;
  const int status = open_parts(uring);
  if (status == 0) return loop->epoll_fd;
  uring_loop_close(uring);
  return status;
}

// Everything that happened before is in the completion queue once the kernel was asked.
void uring_loop_reset(const struct uring *uring) {
  if (!uring->loop.is_open) return;
  uint64_t count;
  ssize_t taken = read(uring->loop.event_fd, &count, sizeof count);
  (void)taken;  // -EAGAIN if it was not signalled
  struct epoll_event events[3];
  (void)epoll_wait(uring->loop.epoll_fd, events, 3, 0);  // takes the edge of a wake
}

void uring_loop_close(struct uring *uring) {
  struct uring_loop *loop = &uring->loop;
  if (!loop->is_open) return;
  if (loop->event_fd >= 0) (void)close(loop->event_fd);
  if (loop->epoll_fd >= 0) (void)close(loop->epoll_fd);
  loop->is_open = false;
}
