// Faults between evnet and the kernel, put in by the linker (-Wl,--wrap=...): short and failing
// calls, counted calls, and a clock that stands still until it is told otherwise. One for the
// process; a Harness resets it.
#ifndef EVNET_NET_REACTOR_TESTING_KERNEL_H_
#define EVNET_NET_REACTOR_TESTING_KERNEL_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <functional>
#include <vector>

namespace evnet_testing {

// What a fault answers: at most so many bytes pass, or a negative errno.
constexpr ssize_t kPass = INT32_MAX;

struct Kernel {
  // Asked before each call; unset: all pass. Of send and sendmsg alike, with the bytes asked for.
  std::function<ssize_t(int descriptor, size_t size)> on_send;
  std::function<ssize_t(int descriptor, size_t size)> on_recv;
  std::function<ssize_t(int file, size_t size)> on_sendfile;
  std::function<int(int descriptor, unsigned count)> on_sendmmsg;  // 0 or -errno
  std::function<int()> on_accept;                                  // likewise
  std::function<int()> on_getsockname;                             // likewise
  std::function<int()> on_wait;  // epoll_wait or io_uring_enter, likewise

  // Of each send that took bytes, and of each sendfile, how many; of each recv, what it returned or
  // -errno.
  std::vector<size_t> sends;
  std::vector<const void *> sources;  // where the pieces of each send lay
  std::vector<size_t> files;
  std::vector<ssize_t> recvs;
  std::vector<int> accepted;  // what accept4 returned
  size_t accepts = 0;         // calls
  size_t waits = 0;           // calls

  // From here on evnet's clock is virtual: it starts where the real one is.
  void StopClock();
  void Advance(uint64_t ms);
};

Kernel &TheKernel();
// Forgets all faults and counts; the clock is real again.
void ResetKernel();

}  // namespace evnet_testing

#endif  // EVNET_NET_REACTOR_TESTING_KERNEL_H_
