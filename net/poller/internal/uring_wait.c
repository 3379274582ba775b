// Entering the kernel: the wait of a turn, and the waits of a poller that is destroyed until
// nothing is in flight.
#include "net/poller/internal/uring_wait.h"

#include <errno.h>

#include "net/poller/internal/uring_complete.h"
#include "net/poller/internal/uring_loop.h"
#include "net/poller/internal/uring_memory.h"
#include "net/poller/internal/uring_receive.h"
#include "net/poller/internal/uring_submit.h"
#include "net/poller/internal/uring_watch.h"

static bool has_work(const struct uring *uring) {
  return uring->held_wanted || !slot_list_is_empty(&uring->finished) ||
         io_uring_cq_ready(&uring->ring) > 0 || !slot_list_is_empty(&uring->starved);
}

// EBUSY and EAGAIN mean that completions have to be taken first; they are in the queue.
static bool passes(int status) {
  return status == -ETIME || status == -EINTR || status == -EBUSY || status == -EAGAIN;
}

// Returns whether the kernel reported something other than watches that are ready, which is not
// internal: next reports it. The kernel reports about 20 at a time (Linux 6.18), and all of them may
// be of cancels.
static bool may_have_more(struct uring *uring) {
  const unsigned count = io_uring_cq_ready(&uring->ring);
  if (count != 1 || !uring->watching.armed) return count > 0;
  struct io_uring_cqe *cqe;
  return io_uring_peek_cqe(&uring->ring, &cqe) < 0 || uring_tag(cqe) != TAG_WATCH;
}

int uring_wait(struct evnet_poller *poller, int64_t timeout_ns) {
  struct uring *uring = (struct uring *)poller;
  EVNET_ASSERT(uring->held_left == 0 && uring->accepting == NULL);
  uring_end_leases(uring);
  uring_retry(uring);
  uring_arm_wake(uring);
  uring_arm_watches(uring);
  uring_loop_reset(uring);
  int status;
  if (timeout_ns == 0 || has_work(uring)) {
    status = io_uring_submit_and_get_events(&uring->ring);
  } else {
    struct io_uring_cqe *cqe;
    struct __kernel_timespec limit = {.tv_sec = timeout_ns / 1000000000,
                                      .tv_nsec = timeout_ns % 1000000000};
    status = io_uring_submit_and_wait_timeout(&uring->ring, &cqe, 1, timeout_ns < 0 ? NULL : &limit,
                                              NULL);
  }
  uring->turn++;
  uring_land_flights(uring);
  uring_change_arena(uring);
  uring->more = (status < 0 && status != -ETIME) || io_uring_cq_ready(&uring->ring) > 0;
  if (uring->lost) return -EBADR;
  if (status < 0 && !passes(status)) return status;
  // After an error the caller need not call next before the next wait.
  uring_begin_held(uring);
  return may_have_more(uring);
}

bool uring_settle(struct evnet_poller *poller) {
  struct uring *uring = (struct uring *)poller;
  // A flight needs a wait that reports its SEND, and that wait also submits it.
  if (uring->flight_count > 0) return false;
  uring_end_leases(uring);
  uring_retry(uring);
  uring_arm_wake(uring);
  uring_arm_watches(uring);
  uring_loop_reset(uring);
  // After an error the next wait reports it, or takes the completions that have to be taken first.
  return io_uring_submit_and_get_events(&uring->ring) >= 0 && !has_work(uring);
}

// The kernel reports first in, first out, about 20 operations per enter (io_run_local_work() of
// Linux). A slot has at most OPERATIONS_PER_SLOT_MAX. Three more waits are needed: one arms again
// the operations that the last completions left unarmed, one reports their results, and one reports
// entries that were held back.
uint32_t uring_unreported(const struct evnet_poller *poller) {
  enum { OPERATIONS_PER_ENTER = 20, OPERATIONS_PER_SLOT_MAX = 4 };
  const struct uring *uring = (const struct uring *)poller;
  if (!uring->more && !has_work(uring)) return 0;
  return uring->slots.used * OPERATIONS_PER_SLOT_MAX / OPERATIONS_PER_ENTER + 3 +
         uring->watching.watches.used / WATCH_EVENTS_MAX;
}

static bool is_anything_in_flight(const struct uring *uring) {
  if (uring->wake_armed || uring->watching.armed) return true;
  for (uint32_t i = 0; i < uring->slots.used; i++) {
    if (uring->slots.table[i].in_flight > 0) return true;
  }
  return false;
}

static void reap(struct uring *uring) {
  uring_land_flights(uring);
  struct evnet_completion ignored;
  while (uring->flights_landed > 0) (void)uring_step_flight(uring, &ignored);
  uring_end_leases(uring);
  struct io_uring_cqe *cqe;
  while (io_uring_peek_cqe(&uring->ring, &cqe) == 0) {
    enum tag tag = uring_tag(cqe);
    bool last = !(cqe->flags & IORING_CQE_F_MORE);
    if (last && tag == TAG_WAKE) uring->wake_armed = false;
    if (tag == TAG_WATCH) uring->watching.armed = false;
    const bool of_slot =
        tag != TAG_WAKE && tag != TAG_CANCEL && tag != TAG_SEND && tag != TAG_WATCH;
    if (last && of_slot) {
      uring->slots.table[cqe->user_data & 0xffffff].in_flight--;
    }
    io_uring_cq_advance(&uring->ring, 1);
  }
}

// On a thread other than the creator the ring fails with -EEXIST. The creator has ended by then,
// and the kernel cancels the operations of a thread that ends.
void uring_cancel_everything(struct uring *uring) {
  reap(uring);
  for (int tries = 0; tries < 100 && is_anything_in_flight(uring); tries++) {
    struct io_uring_sqe *sqe = uring_get_sqe(uring);
    if (sqe != NULL) {
      io_uring_prep_cancel64(sqe, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
      io_uring_sqe_set_data64(sqe, (uint64_t)TAG_CANCEL << 56);
    }
    struct io_uring_cqe *cqe;
    struct __kernel_timespec limit = {.tv_nsec = 10000000};
    int status = io_uring_submit_and_wait_timeout(&uring->ring, &cqe, 1, &limit, NULL);
    if (status < 0 && !passes(status)) return;
    reap(uring);
  }
}
