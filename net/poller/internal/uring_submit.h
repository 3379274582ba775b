// Puts operations on io_uring's queue. If the queue has no free entry, the slot is put on
// `starved`, and uring_retry arms the operation before the next wait.
#ifndef EVNET_NET_POLLER_INTERNAL_URING_SUBMIT_H_
#define EVNET_NET_POLLER_INTERNAL_URING_SUBMIT_H_

#include "net/poller/internal/names.h"
#include "net/poller/internal/uring_state.h"

struct io_uring_sqe *uring_get_sqe(struct uring *uring);  // NULL: the queue is full
void uring_arm_accept(struct uring *uring, struct slot *slot);
void uring_arm_recv(struct uring *uring, struct slot *slot);
void uring_arm_hangup(struct uring *uring, struct slot *slot);
void uring_arm_out(struct uring *uring, struct slot *slot);
void uring_arm_wake(struct uring *uring);
void uring_arm_watches(struct uring *uring);
bool uring_arm_send(struct uring *uring, struct slot *slot, const struct iovec *piece,
                    lender_t lender);
bool uring_cancel(struct uring *uring, const struct slot *slot, enum tag tag);  // false: queue full

// Cancels the operations of a slot that are in flight but no longer wanted after a stop or a
// detach.
void uring_cancel_unwanted(struct uring *uring, struct slot *slot);

// Arms the operations of the slots on `starved`. Called before each wait.
void uring_retry(struct uring *uring);

#endif  // EVNET_NET_POLLER_INTERNAL_URING_SUBMIT_H_
