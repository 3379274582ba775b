// Puts operations on io_uring's queue, and cancels them.
//
// Receiving is a multishot recv into buffers. A socket that fills them changes to a poll and
// recv(2) into one large block. Large messages that are received and sent one after the other stay
// in the CPU cache, whereas one multishot recv can bring megabytes in one enter. A socket that was
// stopped also changes, because a stop is then exact. Both change back when they receive little.
//
// Cancels name an operation by its user_data, never by a descriptor, because the kernel would
// search all operations in flight for a descriptor.
#include "net/poller/internal/uring_submit.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "net/poller/internal/rights.h"
struct io_uring_sqe *uring_get_sqe(struct uring *uring) {
  struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);
  if (sqe != NULL) return sqe;
  // The queue is full. This call also runs sends; their completions wait until `next` takes them.
  int status = io_uring_submit(&uring->ring);
  if (status == -EBADR) uring->lost = true;
  return status < 0 ? NULL : io_uring_get_sqe(&uring->ring);
}

static struct io_uring_sqe *get_slot_sqe(struct uring *uring, struct slot *slot) {
  // Each tag has at most one operation, so in_flight does not overflow.
  struct io_uring_sqe *sqe = uring_get_sqe(uring);
  if (sqe != NULL) slot->in_flight++;
  return sqe;
}

static bool has_taken_rights(const struct uring *uring, const struct slot *slot) {
  return slot->transport == EVNET_TRANSPORT_UNIX &&
         evnet_rights_are_taken(&uring->poller, slot_handle(&uring->slots, slot));
}

static void arm_poll(struct uring *uring, struct slot *slot, enum tag tag, unsigned events,
                     uint16_t flag) {
  if (slot->flags & (flag | DETACHED)) return;
  struct io_uring_sqe *sqe = get_slot_sqe(uring, slot);
  if (sqe == NULL) {
    uring_list(uring, &uring->starved, slot);
    return;
  }
  io_uring_prep_poll_add(sqe, slot->descriptor, events);
  if (tag == TAG_HANGUP || (tag == TAG_OUT && (slot->flags & EDGE)) ||
      (tag == TAG_READY && (slot->flags & READY_EDGE)))
    sqe->len = IORING_POLL_ADD_MULTI;
  io_uring_sqe_set_data64(sqe, uring_token(uring, slot, tag));
  slot->flags |= flag;
}

void uring_arm_recv(struct uring *uring, struct slot *slot) {
  // Entries that are held back are reported first, and then this is called again.
  if (slot->held > 0 || (slot->flags & (ENDED | DETACHED))) return;
  if (slot->flags & RECV_ARMED) {
    // A poll that reports only changes does not report datagrams that were left. Its cancellation
    // does, because it is handled like a completed poll.
    if (slot->flags & READY_EDGE) (void)uring_cancel(uring, slot, TAG_READY);
    return;
  }
  // Only a poll lets the quota decide how much is received, and only recvmsg(2) receives descriptors.
  if (evnet_quota_limits(&uring->poller, slot_handle(&uring->slots, slot)) ||
      has_taken_rights(uring, slot))
    slot->flags |= POLLED;
  if (slot->flags & POLLED) {
    arm_poll(uring, slot, TAG_READY, POLLIN, RECV_ARMED);
    return;
  }
  struct io_uring_sqe *sqe = get_slot_sqe(uring, slot);
  if (sqe == NULL) {
    uring_list(uring, &uring->starved, slot);
    return;
  }
  // There is no room for control messages, so the kernel drops descriptors that come over a Unix
  // socket, as with recv(2).
  io_uring_prep_recv_multishot(sqe, slot->descriptor, NULL, 0, 0);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = BUFFER_GROUP;
  io_uring_sqe_set_data64(sqe, uring_token(uring, slot, TAG_RECV));
  slot->flags |= RECV_ARMED;
}

void uring_arm_accept(struct uring *uring, struct slot *slot) {
  arm_poll(uring, slot, TAG_ACCEPT, POLLIN, ACCEPT_ARMED);
}

// The event mask is empty, because POLLHUP and POLLERR are always reported (poll(2)). The poll is
// multishot, which reports each change once, so an event that was not a hang-up is not reported
// repeatedly.
void uring_arm_hangup(struct uring *uring, struct slot *slot) {
  if (slot->flags & HANGUP_TOLD) return;
  arm_poll(uring, slot, TAG_HANGUP, 0, WATCHED);
}

// A one-shot poll also completes if there is room already. But POLLRDHUP is always reported, too
// (Linux 6.18, IO_POLL_UNMASK). So once the peer has ended its side, a one-shot poll completes
// repeatedly although there is no room. Then the poll is multishot (EDGE), which reports each
// change once.
void uring_arm_out(struct uring *uring, struct slot *slot) {
  arm_poll(uring, slot, TAG_OUT, POLLOUT, OUT_ARMED);
}

void uring_arm_wake(struct uring *uring) {
  if (uring->wake_armed) return;
  struct io_uring_sqe *sqe = uring_get_sqe(uring);
  if (sqe == NULL) return;  // uring_wait retries
  // The counter is never read, because each write(2) makes a new event.
  io_uring_prep_poll_multishot(sqe, uring->wake_fd, POLLIN);
  io_uring_sqe_set_data64(sqe, (uint64_t)TAG_WAKE << 56);
  uring->wake_armed = true;
}

void uring_arm_watches(struct uring *uring) {
  if (uring->watching.armed || watches_is_empty(&uring->watching.watches)) return;
  struct io_uring_sqe *sqe = uring_get_sqe(uring);
  if (sqe == NULL) return;  // uring_wait retries
  io_uring_prep_poll_add(sqe, uring->watching.epoll_fd, POLLIN);
  io_uring_sqe_set_data64(sqe, (uint64_t)TAG_WATCH << 56);
  uring->watching.armed = true;
}

bool uring_arm_send(struct uring *uring, struct slot *slot, const struct iovec *piece,
                    lender_t lender) {
  if (uring->flight_count == FLIGHTS) return false;
  struct io_uring_sqe *sqe = get_slot_sqe(uring, slot);
  if (sqe == NULL) return false;
  struct flight *flight = &uring->flights[(uring->flight_first + uring->flight_count++) % FLIGHTS];
  *flight = (struct flight){.data = piece->iov_base,
                            .size = piece->iov_len,
                            .result = (int64_t)piece->iov_len,
                            .slot = slot_index(&uring->slots, slot),
                            .position = uring->ring.sq.sqe_tail,
                            .lender = lender};
  // With MSG_DONTWAIT the send never waits for room, so it has run when it is off the queue. With
  // MSG_WAITALL a partial send is a failure, which has a completion (io_uring_enter(2),
  // IOSQE_CQE_SKIP_SUCCESS).
  io_uring_prep_send(sqe, slot->descriptor, flight->data, flight->size,
                     MSG_NOSIGNAL | MSG_DONTWAIT | MSG_WAITALL);
  sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
  io_uring_sqe_set_data64(sqe, uring_token(uring, slot, TAG_SEND));
  slot->flags |= FLYING;
  slot->flight = flight;
  return true;
}

bool uring_cancel(struct uring *uring, const struct slot *slot, enum tag tag) {
  struct io_uring_sqe *sqe = uring_get_sqe(uring);
  if (sqe == NULL) return false;
  io_uring_prep_cancel64(sqe, uring_token(uring, slot, tag), 0);
  io_uring_sqe_set_data64(sqe, (uint64_t)TAG_CANCEL << 56);
  return true;
}

static bool cancel_recv(struct uring *uring, const struct slot *slot) {
  // One of the two is armed. A socket that is changing may have either.
  bool done = uring_cancel(uring, slot, TAG_RECV);
  if (slot->flags & POLLED) done = uring_cancel(uring, slot, TAG_READY) && done;
  return done;
}

void uring_cancel_unwanted(struct uring *uring, struct slot *slot) {
  bool gone = slot->flags & DETACHED;
  bool done = true;
  if ((slot->flags & RECV_ARMED) && (gone || !(slot->flags & RECV_ON))) {
    done = cancel_recv(uring, slot);
  }
  if ((slot->flags & LISTENER) && (slot->flags & ACCEPT_ARMED) &&
      (gone || !(slot->flags & ACCEPT_ON))) {
    done = uring_cancel(uring, slot, TAG_ACCEPT) && done;
  }
  if (gone && (slot->flags & WATCHED)) done = uring_cancel(uring, slot, TAG_HANGUP) && done;
  // Cancels the poll of a connect that was stopped, and a poll that outlived its send.
  bool out_unwanted = gone || slot->connect == SLOT_CONNECTING ||
                      (slot->connect == SLOT_PLAIN && slot->send == NULL);
  if (out_unwanted && (slot->flags & OUT_ARMED)) done = uring_cancel(uring, slot, TAG_OUT) && done;
  slot->flags &= (uint16_t)~CANCEL_OWED;
  if (done) return;
  // Until it can be cancelled, the operation continues. Its completions are handled as if they had
  // come earlier.
  slot->flags |= CANCEL_OWED;
  uring_list(uring, &uring->starved, slot);
}

// Arms every operation that the slot should have in flight but does not.
static void arm_all(struct uring *uring, struct slot *slot) {
  if (slot->flags & LISTENER) {
    if (slot->flags & ACCEPT_ON) uring_arm_accept(uring, slot);
    return;
  }
  if (slot->connect == SLOT_CONNECTING) uring_arm_out(uring, slot);
  if (slot->connect == SLOT_ANSWERED) uring_list(uring, &uring->finished, slot);
  if (slot->connect != SLOT_PLAIN) return;
  if (slot->send != NULL && !(slot->flags & FLYING)) uring_arm_out(uring, slot);
  if (uring_is_receiving(slot)) {
    uring_arm_recv(uring, slot);
  } else {
    uring_arm_hangup(uring, slot);
  }
}

void uring_retry(struct uring *uring) {
  struct slot_list list = uring->starved;
  slot_list_init(&uring->starved);
  struct slot *slot;
  while ((slot = slot_list_pop(&uring->slots, &list)) != NULL) {
    slot->flags &= (uint16_t)~LISTED;
    if (slot->flags & CANCEL_OWED) uring_cancel_unwanted(uring, slot);
    if (slot->flags & DETACHED) {
      uring_check_finished(uring, slot);
    } else {
      arm_all(uring, slot);
    }
  }
}
