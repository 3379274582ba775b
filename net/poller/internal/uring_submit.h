// Putting operations on io_uring's queue. One that finds no place there has its slot put on
// `starved`, which uring_retry takes up before the next wait.
#ifndef EVNET_NET_POLLER_INTERNAL_URING_SUBMIT_H_
#define EVNET_NET_POLLER_INTERNAL_URING_SUBMIT_H_

#include "net/poller/internal/uring_state.h"

struct io_uring_sqe *uring_get_sqe(struct uring *uring);  // NULL: the kernel takes none now
void uring_arm_accept(struct uring *uring, struct slot *slot);
void uring_arm_recv(struct uring *uring, struct slot *slot);
void uring_arm_hangup(struct uring *uring, struct slot *slot);
void uring_arm_out(struct uring *uring, struct slot *slot);
void uring_arm_wake(struct uring *uring);
bool uring_arm_send(struct uring *uring, struct slot *slot, const struct iovec *piece,
                    lender_t lender);
bool uring_cancel(struct uring *uring, const struct slot *slot, enum tag tag);  // false: no place

// Cancels the operations of a slot that are in flight and, after a stop or a detach, should not be.
void uring_cancel_unwanted(struct uring *uring, struct slot *slot);

// Takes up `starved`, before each wait.
void uring_retry(struct uring *uring);

#endif  // EVNET_NET_POLLER_INTERNAL_URING_SUBMIT_H_
