// Faults in io_uring. The linker wraps liburing's calls (--wrap), and an operation ends with an
// error as the kernel would end it. So the operations that the kernel has in flight match its
// completions.
// The faults apply to the whole process. Thread:  any.
//
//   FailSubmitted  the operation becomes a no-op before it is submitted, and the error its result
//   EndArmed       the operation is cancelled, and the error becomes the result of its last
//                  completion; earlier completions precede it
#ifndef EVNET_NET_POLLER_TESTING_URING_FAULTS_H_
#define EVNET_NET_POLLER_TESTING_URING_FAULTS_H_

#include <stdint.h>

#include <functional>

namespace evnet_testing {

enum class UringOp { kRecv, kReady, kAccept, kSend, kOut, kHangup, kCancel, kWake };

struct UringFault {
  UringOp op;
  int result;     // of the completion: -errno, or for a poll its events
  int after = 0;  // operations that succeed before
  int count = 1;
  std::function<bool(int descriptor)> of = {};  // filters by descriptor; unset: any
};

// Applies to operations that are submitted from now on. A send with a positive result takes that
// many bytes. For a cancel only the completion changes; it still cancels.
void FailSubmitted(const UringFault &fault);
// Applies to operations in flight when the ring is next entered; `after` and `count` are ignored.
void EndArmed(const UringFault &fault);

// The status that one of liburing's calls returns instead of entering the kernel.
struct CallFault {
  int status;
  int after = 0;
  int count = 1;
};
void FailSubmits(const CallFault &fault);  // io_uring_submit, called only if the queue is full
void FailWaits(const CallFault &fault);    // the two calls that wait

struct UringCounts {
  uint64_t submits;      // calls of io_uring_submit
  uint64_t waits;        // calls of the two functions that wait
  uint64_t recvs;        // recvs submitted
  uint64_t accepts;      // accepts submitted
  uint64_t overflows;    // waits after which the kernel still held completions back
  uint64_t no_buffers;   // completions with -ENOBUFS
  uint64_t most_queued;  // the most completions in the ring at one time
};
UringCounts CountUring();

// Forgets all faults and counts.
void ResetUring();

}  // namespace evnet_testing

#endif  // EVNET_NET_POLLER_TESTING_URING_FAULTS_H_
