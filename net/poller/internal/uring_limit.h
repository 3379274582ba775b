// The limit of memory that a ring may lock, RLIMIT_MEMLOCK.
#ifndef EVNET_NET_POLLER_INTERNAL_URING_LIMIT_H_
#define EVNET_NET_POLLER_INTERNAL_URING_LIMIT_H_

#include <stdbool.h>

// Naps and returns true where a call that gave `status` should be tried again.
bool uring_wait_for_memory(int status, int *tries);
void uring_note_closed_ring(void);

#endif  // EVNET_NET_POLLER_INTERNAL_URING_LIMIT_H_
