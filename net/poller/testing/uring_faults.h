// Faults in io_uring, put in by the linker around liburing's calls (--wrap): an operation ends with
// an error as the kernel would end it, so that what the kernel has in flight is what its
// completions say. One for the process; any thread.
//
//   first   the operation is made a no-op before it is submitted, and its completion the error
//   later   the operation is cancelled, and the last completion that this brings becomes the error:
//           what came before it stands in front of it
#ifndef EVNET_NET_POLLER_TESTING_URING_FAULTS_H_
#define EVNET_NET_POLLER_TESTING_URING_FAULTS_H_

#include <stdint.h>

#include <functional>

namespace evnet_testing {

enum class UringOp { kRecv, kReady, kAccept, kSend, kOut, kHangup, kCancel, kWake };

struct UringFault {
  UringOp op;
  int result;     // what the completion says: -errno, or for a poll its events
  int after = 0;  // operations that go well before
  int count = 1;
  std::function<bool(int descriptor)> of = {};  // whose operations; unset: anyone's
};

// Of what is submitted from now on. A send with a positive result takes so many bytes. Of a cancel
// only the completion says so; it cancels all the same.
void FailSubmitted(const UringFault &fault);
// Of what is in flight when the ring is next entered; `after` and `count` mean nothing.
void EndArmed(const UringFault &fault);

// What one of liburing's calls answers, instead of entering the kernel.
struct CallFault {
  int status;
  int after = 0;
  int count = 1;
};
void FailSubmits(const CallFault &fault);  // io_uring_submit: only a full queue makes us call it
void FailWaits(const CallFault &fault);    // the two that wait calls

struct UringCounts {
  uint64_t submits;      // calls of io_uring_submit
  uint64_t waits;        // calls of the two that wait calls
  uint64_t recvs;        // recvs submitted
  uint64_t accepts;      // likewise
  uint64_t overflows;    // waits after which the kernel still kept completions back
  uint64_t no_buffers;   // completions with -ENOBUFS
  uint64_t most_queued;  // completions in the ring at once
};
UringCounts CountUring();

// Forgets all faults and counts.
void ResetUring();

}  // namespace evnet_testing

#endif  // EVNET_NET_POLLER_TESTING_URING_FAULTS_H_
