#include "net/reactor/testing/kernel.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <atomic>

namespace evnet_testing {
namespace {

std::atomic<uint64_t> virtual_ns{0};  // 0 means the real clock

}  // namespace
}  // namespace evnet_testing

using evnet_testing::TheKernel;

extern "C" {

ssize_t __real_send(int descriptor, const void *data, size_t size, int flags);
ssize_t __real_sendmsg(int descriptor, const struct msghdr *message, int flags);
ssize_t __real_sendfile(int descriptor, int file, off_t *offset, size_t size);
ssize_t __real_recv(int descriptor, void *data, size_t size, int flags);
int __real_accept4(int descriptor, struct sockaddr *address, socklen_t *size, int flags);
int __real_getsockname(int descriptor, struct sockaddr *address, socklen_t *size);
int __real_epoll_wait(int descriptor, struct epoll_event *events, int count, int timeout_ms);
uint64_t __real_evnet_clock_now_ns(void);
// Weak, because some builds do not have liburing. Its structs are not used here.
int __real_io_uring_submit_and_get_events(void *ring) __attribute__((weak));
int __real_io_uring_submit_and_wait_timeout(void *ring, void *cqe, unsigned count, void *limit,
                                            void *mask) __attribute__((weak));

ssize_t __wrap_send(int descriptor, const void *data, size_t size, int flags);
ssize_t __wrap_sendmsg(int descriptor, const struct msghdr *message, int flags);
ssize_t __wrap_sendfile(int descriptor, int file, off_t *offset, size_t size);
int __real_sendmmsg(int descriptor, struct mmsghdr *messages, unsigned count, int flags);
int __wrap_sendmmsg(int descriptor, struct mmsghdr *messages, unsigned count, int flags);
ssize_t __wrap_recv(int descriptor, void *data, size_t size, int flags);
int __wrap_accept4(int descriptor, struct sockaddr *address, socklen_t *size, int flags);
int __wrap_getsockname(int descriptor, struct sockaddr *address, socklen_t *size);
int __wrap_epoll_wait(int descriptor, struct epoll_event *events, int count, int timeout_ms);
uint64_t __wrap_evnet_clock_now_ns(void);
int __wrap_io_uring_submit_and_get_events(void *ring);
int __wrap_io_uring_submit_and_wait_timeout(void *ring, void *cqe, unsigned count, void *limit,
                                            void *mask);

static ssize_t Limit(const std::function<ssize_t(int, size_t)> &fault, int descriptor,
                     size_t size) {
  return fault ? fault(descriptor, size) : evnet_testing::kPass;
}

static ssize_t Fail(ssize_t status) {
  errno = static_cast<int>(-status);
  return -1;
}

static ssize_t CountSend(ssize_t sent) {
  if (sent > 0) TheKernel().sends.push_back(static_cast<size_t>(sent));
  return sent;
}

ssize_t __wrap_send(int descriptor, const void *data, size_t size, int flags) {
  TheKernel().sources.push_back(data);
  const ssize_t limit = Limit(TheKernel().on_send, descriptor, size);
  if (limit < 0) return Fail(limit);
  if (static_cast<size_t>(limit) < size) size = static_cast<size_t>(limit);
  return CountSend(__real_send(descriptor, data, size, flags));
}

ssize_t __wrap_sendmsg(int descriptor, const struct msghdr *message, int flags) {
  std::vector<iovec> pieces(message->msg_iov, message->msg_iov + message->msg_iovlen);
  size_t size = 0;
  for (const iovec &piece : pieces) {
    size += piece.iov_len;
    TheKernel().sources.push_back(piece.iov_base);
  }
  const ssize_t limit = Limit(TheKernel().on_send, descriptor, size);
  if (limit < 0) return Fail(limit);
  size_t left = static_cast<size_t>(limit);
  for (iovec &piece : pieces) {
    if (piece.iov_len > left) piece.iov_len = left;
    left -= piece.iov_len;
  }
  msghdr shortened = *message;
  shortened.msg_iov = pieces.data();
  return CountSend(__real_sendmsg(descriptor, &shortened, flags));
}

ssize_t __wrap_sendfile(int descriptor, int file, off_t *offset, size_t size) {
  const ssize_t limit = Limit(TheKernel().on_sendfile, file, size);
  if (limit < 0) return Fail(limit);
  if (static_cast<size_t>(limit) < size) size = static_cast<size_t>(limit);
  const ssize_t sent = __real_sendfile(descriptor, file, offset, size);
  if (sent > 0) TheKernel().files.push_back(static_cast<size_t>(sent));
  return sent;
}

ssize_t __wrap_recv(int descriptor, void *data, size_t size, int flags) {
  if (flags & MSG_PEEK) return __real_recv(descriptor, data, size, flags);
  const ssize_t limit = Limit(TheKernel().on_recv, descriptor, size);
  ssize_t got = limit;
  if (limit >= 0) {
    if (static_cast<size_t>(limit) < size) size = static_cast<size_t>(limit);
    got = __real_recv(descriptor, data, size, flags);
    if (got < 0) got = -errno;
  }
  TheKernel().recvs.push_back(got);
  return got < 0 ? Fail(got) : got;
}

int __wrap_sendmmsg(int descriptor, struct mmsghdr *messages, unsigned count, int flags) {
  const int status = TheKernel().on_sendmmsg ? TheKernel().on_sendmmsg(descriptor, count) : 0;
  if (status < 0) return static_cast<int>(Fail(status));
  return __real_sendmmsg(descriptor, messages, count, flags);
}

int __wrap_accept4(int descriptor, struct sockaddr *address, socklen_t *size, int flags) {
  TheKernel().accepts++;
  const int status = TheKernel().on_accept ? TheKernel().on_accept() : 0;
  if (status < 0) return static_cast<int>(Fail(status));
  const int accepted = __real_accept4(descriptor, address, size, flags);
  if (accepted >= 0) TheKernel().accepted.push_back(accepted);
  return accepted;
}

int __wrap_getsockname(int descriptor, struct sockaddr *address, socklen_t *size) {
  const int status = TheKernel().on_getsockname ? TheKernel().on_getsockname() : 0;
  if (status < 0) return static_cast<int>(Fail(status));
  return __real_getsockname(descriptor, address, size);
}

int __wrap_epoll_wait(int descriptor, struct epoll_event *events, int count, int timeout_ms) {
  TheKernel().waits++;
  const int status = TheKernel().on_wait ? TheKernel().on_wait() : 0;
  if (status < 0) return static_cast<int>(Fail(status));
  return __real_epoll_wait(descriptor, events, count, timeout_ms);
}

int __wrap_io_uring_submit_and_get_events(void *ring) {
  TheKernel().waits++;
  const int status = TheKernel().on_wait ? TheKernel().on_wait() : 0;
  return status < 0 ? status : __real_io_uring_submit_and_get_events(ring);
}

int __wrap_io_uring_submit_and_wait_timeout(void *ring, void *cqe, unsigned count, void *limit,
                                            void *mask) {
  TheKernel().waits++;
  const int status = TheKernel().on_wait ? TheKernel().on_wait() : 0;
  if (status < 0) return status;
  return __real_io_uring_submit_and_wait_timeout(ring, cqe, count, limit, mask);
}

uint64_t __wrap_evnet_clock_now_ns(void) {
  const uint64_t now = evnet_testing::virtual_ns.load();
  return now != 0 ? now : __real_evnet_clock_now_ns();
}

}  // extern "C"

namespace evnet_testing {

Kernel &TheKernel() {
  static Kernel *const kernel = new Kernel;
  return *kernel;
}

void ResetKernel() {
  TheKernel() = Kernel();
  virtual_ns = 0;
}

void Kernel::StopClock() { virtual_ns = __real_evnet_clock_now_ns(); }

bool Kernel::clock_is_stopped() const { return virtual_ns != 0; }

void Kernel::Advance(uint64_t ms) { virtual_ns += ms * 1000000; }

}  // namespace evnet_testing
