// Faults between evnet and the kernel, which the linker inserts (-Wl,--wrap=...): calls that are
// short, fail or are counted, and a clock that only the test advances. There is one Kernel for the
// process; a Harness resets it.
#ifndef EVNET_NET_REACTOR_TESTING_KERNEL_H_
#define EVNET_NET_REACTOR_TESTING_KERNEL_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <functional>
#include <vector>

namespace evnet_testing {

// A fault returns the largest number of bytes that may pass, or a negative errno.
constexpr ssize_t kPass = INT32_MAX;

struct Kernel {
  // Called before each call of the kernel, with the number of bytes. If unset, all bytes pass.
  // on_send covers both send and sendmsg.
  std::function<ssize_t(int descriptor, size_t size)> on_send;
  std::function<ssize_t(int descriptor, size_t size)> on_recv;
  std::function<ssize_t(int file, size_t size)> on_sendfile;
  std::function<int(int descriptor, unsigned count)> on_sendmmsg;  // returns 0 or -errno
  std::function<int()> on_accept;                                  // likewise
  std::function<int()> on_getsockname;                             // likewise
  std::function<int()> on_wait;  // before epoll_wait or io_uring_enter, likewise

  // The number of bytes of each send and sendfile that took bytes, and the result of each recv:
  // bytes or -errno.
  std::vector<size_t> sends;
  std::vector<const void *> sources;  // the addresses of the pieces of each send
  std::vector<size_t> files;
  std::vector<ssize_t> recvs;
  std::vector<int> accepted;  // results of accept4
  size_t accepts = 0;         // calls of accept4
  size_t waits = 0;           // calls of the wait

  // Makes evnet's clock virtual. It starts at the time of the real clock.
  void StopClock();
  void Advance(uint64_t ms);
  bool clock_is_stopped() const;
};

Kernel &TheKernel();
// Removes all faults and counts, and restores the real clock.
void ResetKernel();

}  // namespace evnet_testing

#endif  // EVNET_NET_REACTOR_TESTING_KERNEL_H_
