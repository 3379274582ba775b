// The limit of memory that a ring may lock, RLIMIT_MEMLOCK.
#ifndef EVNET_NET_POLLER_INTERNAL_URING_LIMIT_H_
#define EVNET_NET_POLLER_INTERNAL_URING_LIMIT_H_

#include <stdbool.h>

#include "net/poller/internal/names.h"

// Sleeps and returns true if a call that returned `status` should be retried.
bool uring_wait_for_memory(int status, int *tries);
void uring_note_closed_ring(void);

#endif  // EVNET_NET_POLLER_INTERNAL_URING_LIMIT_H_
