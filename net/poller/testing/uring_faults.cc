#include "net/poller/testing/uring_faults.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <string.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

namespace evnet_testing {
namespace {

// The user_data of cancels, whose results the backend ignores (TAG_CANCEL of
// internal/uring_state.h).
constexpr uint64_t kIgnored = uint64_t{7} << 56;
// The tag of a listener's poll (TAG_ACCEPT).
constexpr uint64_t kAcceptTag = 3;

struct Armed {
  UringOp op;
  int descriptor;
};

struct Ring {
  unsigned sqes_seen = 0;             // entries of the submission queue already checked
  unsigned cqes_seen = 0;             // entries of the completion queue already checked
  std::map<uint64_t, Armed> armed;    // by user_data
  std::map<uint64_t, int> first;      // no-ops: their completion's result
  std::map<uint64_t, int> cancelled;  // their last completion's result
};

struct State {
  std::mutex mutex;
  std::map<io_uring *, Ring> rings;
  std::vector<UringFault> submitted;
  std::vector<UringFault> ending;
  CallFault submit = {0, 0, 0};
  CallFault wait = {0, 0, 0};
  UringCounts counts = {};
};

State &TheState() {
  static State *const state = new State;
  return *state;
}

std::optional<UringOp> OpOf(const io_uring_sqe &sqe) {
  switch (sqe.opcode) {
    case IORING_OP_RECV:
      return UringOp::kRecv;
    case IORING_OP_SEND:
      return UringOp::kSend;
    case IORING_OP_ASYNC_CANCEL:
      return UringOp::kCancel;
    case IORING_OP_POLL_ADD:
      if (sqe.poll32_events & POLLOUT) return UringOp::kOut;
      if (!(sqe.poll32_events & POLLIN)) return UringOp::kHangup;
      if (sqe.user_data >> 56 == kAcceptTag) return UringOp::kAccept;
      return sqe.len & IORING_POLL_ADD_MULTI ? UringOp::kWake : UringOp::kReady;
    default:
      return std::nullopt;
  }
}

bool Strikes(int *after, int *count) {
  if (*count == 0) return false;
  if (*after > 0) {
    --*after;
    return false;
  }
  --*count;
  return true;
}

bool Concerns(const UringFault &fault, UringOp op, int descriptor) {
  return fault.op == op && (!fault.of || fault.of(descriptor));
}

void Strike(Ring *ring, io_uring_sqe *sqe, UringOp op, int result) {
  if (op == UringOp::kCancel) {
    ring->first[sqe->user_data] = result;
  } else if (op == UringOp::kSend && result > 0) {
    sqe->len = std::min<unsigned>(sqe->len, static_cast<unsigned>(result));
    sqe->flags &= static_cast<uint8_t>(~IOSQE_CQE_SKIP_SUCCESS);
  } else {
    const uint64_t user_data = sqe->user_data;
    memset(sqe, 0, sizeof *sqe);
    sqe->opcode = IORING_OP_NOP;
    sqe->fd = -1;
    sqe->user_data = user_data;
    ring->first[user_data] = result;
  }
}

// Called before the kernel sees the submissions.
void LookAtSubmissions(State *state, io_uring *uring, Ring *ring) {
  for (; ring->sqes_seen != uring->sq.sqe_tail; ring->sqes_seen++) {
    io_uring_sqe *sqe = &uring->sq.sqes[ring->sqes_seen & uring->sq.ring_mask];
    const std::optional<UringOp> op = OpOf(*sqe);
    if (!op) continue;
    const int descriptor = sqe->fd;
    if (*op == UringOp::kRecv) state->counts.recvs++;
    if (*op == UringOp::kAccept) state->counts.accepts++;
    if (*op != UringOp::kCancel && *op != UringOp::kSend) {
      ring->armed[sqe->user_data] = {*op, descriptor};
    }
    for (UringFault &fault : state->submitted) {
      if (!Concerns(fault, *op, descriptor) || !Strikes(&fault.after, &fault.count)) continue;
      Strike(ring, sqe, *op, fault.result);
      break;
    }
  }
}

int RealSubmit(io_uring *uring);

void CancelWhatEnds(State *state, io_uring *uring, Ring *ring) {
  for (const UringFault &fault : state->ending) {
    for (const auto &[user_data, armed] : ring->armed) {
      if (!Concerns(fault, armed.op, armed.descriptor)) continue;
      io_uring_sqe *sqe = io_uring_get_sqe(uring);
      if (sqe == nullptr) {
        (void)RealSubmit(uring);
        sqe = io_uring_get_sqe(uring);
      }
      io_uring_prep_cancel64(sqe, user_data, 0);
      io_uring_sqe_set_data64(sqe, kIgnored);
      ring->cancelled[user_data] = fault.result;
    }
  }
  state->ending.clear();
  ring->sqes_seen = uring->sq.sqe_tail;
}

void Replace(std::map<uint64_t, int> *results, io_uring_cqe *cqe) {
  const auto found = results->find(cqe->user_data);
  if (found == results->end()) return;
  cqe->res = found->second;
  results->erase(found);
}

// Called before the backend sees the completions.
void LookAtCompletions(State *state, io_uring *uring, Ring *ring) {
  const unsigned head = *uring->cq.khead;
  const unsigned tail = io_uring_smp_load_acquire(uring->cq.ktail);
  if (static_cast<int>(ring->cqes_seen - head) < 0) ring->cqes_seen = head;
  for (; ring->cqes_seen != tail; ring->cqes_seen++) {
    io_uring_cqe *cqe = &uring->cq.cqes[ring->cqes_seen & uring->cq.ring_mask];
    if (cqe->res == -ENOBUFS) state->counts.no_buffers++;
    if (cqe->flags & IORING_CQE_F_MORE) continue;
    if (cqe->res == -ECANCELED) {
      Replace(&ring->cancelled, cqe);
    } else {
      ring->cancelled.erase(cqe->user_data);  // it ended without the cancel
      Replace(&ring->first, cqe);
    }
    ring->armed.erase(cqe->user_data);
  }
  state->counts.most_queued = std::max<uint64_t>(state->counts.most_queued, tail - head);
}

int Call(io_uring *uring, bool waits, const std::function<int()> &real) {
  State &state = TheState();
  {
    const std::lock_guard<std::mutex> lock(state.mutex);
    (waits ? state.counts.waits : state.counts.submits)++;
    CallFault &fault = waits ? state.wait : state.submit;
    if (Strikes(&fault.after, &fault.count)) return fault.status;
    Ring *ring = &state.rings[uring];
    LookAtSubmissions(&state, uring, ring);
    if (waits) CancelWhatEnds(&state, uring, ring);
  }
  const int status = real();
  const std::lock_guard<std::mutex> lock(state.mutex);
  LookAtCompletions(&state, uring, &state.rings[uring]);
  if (waits && io_uring_cq_has_overflow(uring)) state.counts.overflows++;
  return status;
}

}  // namespace
}  // namespace evnet_testing

extern "C" {
void __real_io_uring_queue_exit(io_uring *ring);
int __real_io_uring_submit(io_uring *ring);
int __real_io_uring_submit_and_get_events(io_uring *ring);
int __real_io_uring_submit_and_wait_timeout(io_uring *ring, io_uring_cqe **cqe, unsigned count,
                                            __kernel_timespec *limit, sigset_t *mask);
void __wrap_io_uring_queue_exit(io_uring *ring);
int __wrap_io_uring_submit(io_uring *ring);
int __wrap_io_uring_submit_and_get_events(io_uring *ring);
int __wrap_io_uring_submit_and_wait_timeout(io_uring *ring, io_uring_cqe **cqe, unsigned count,
                                            __kernel_timespec *limit, sigset_t *mask);

void __wrap_io_uring_queue_exit(io_uring *ring) {
  evnet_testing::State &state = evnet_testing::TheState();
  {
    const std::lock_guard<std::mutex> lock(state.mutex);
    state.rings.erase(ring);
  }
  __real_io_uring_queue_exit(ring);
}

int __wrap_io_uring_submit(io_uring *ring) {
  return evnet_testing::Call(ring, false, [=] { return __real_io_uring_submit(ring); });
}

int __wrap_io_uring_submit_and_get_events(io_uring *ring) {
  return evnet_testing::Call(ring, true,
                             [=] { return __real_io_uring_submit_and_get_events(ring); });
}

int __wrap_io_uring_submit_and_wait_timeout(io_uring *ring, io_uring_cqe **cqe, unsigned count,
                                            __kernel_timespec *limit, sigset_t *mask) {
  return evnet_testing::Call(ring, true, [=] {
    return __real_io_uring_submit_and_wait_timeout(ring, cqe, count, limit, mask);
  });
}
}

namespace evnet_testing {
namespace {

int RealSubmit(io_uring *uring) { return __real_io_uring_submit(uring); }

}  // namespace

void FailSubmitted(const UringFault &fault) {
  const std::lock_guard<std::mutex> lock(TheState().mutex);
  TheState().submitted.push_back(fault);
}

void EndArmed(const UringFault &fault) {
  const std::lock_guard<std::mutex> lock(TheState().mutex);
  TheState().ending.push_back(fault);
}

void FailSubmits(const CallFault &fault) {
  const std::lock_guard<std::mutex> lock(TheState().mutex);
  TheState().submit = fault;
}

void FailWaits(const CallFault &fault) {
  const std::lock_guard<std::mutex> lock(TheState().mutex);
  TheState().wait = fault;
}

UringCounts CountUring() {
  const std::lock_guard<std::mutex> lock(TheState().mutex);
  return TheState().counts;
}

void ResetUring() {
  State &state = TheState();
  const std::lock_guard<std::mutex> lock(state.mutex);
  state.submitted.clear();
  state.ending.clear();
  state.submit = state.wait = {0, 0, 0};
  state.counts = {};
}

}  // namespace evnet_testing
