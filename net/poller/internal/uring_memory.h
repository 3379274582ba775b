// The memory that io_uring receives into and sends from.
#ifndef EVNET_NET_POLLER_INTERNAL_URING_MEMORY_H_
#define EVNET_NET_POLLER_INTERNAL_URING_MEMORY_H_

#include "net/poller/internal/names.h"
#include "net/poller/internal/uring_state.h"

int uring_memory_open(struct uring *uring, uint32_t recv_bytes_max);
void uring_memory_close(struct uring *uring);
void uring_buffer_provide(struct uring *uring, uint32_t buffer);
const uint8_t *uring_buffer_lend(struct uring *uring, uint32_t buffer);
void uring_end_leases(struct uring *uring);
uint8_t *uring_scratch_block(struct uring *uring);
void uring_change_arena(struct uring *uring);
lender_t uring_lender_of(const struct uring *uring, const struct iovec *piece);
void uring_lend(struct uring *uring, const struct iovec *piece, lender_t lender);

#endif  // EVNET_NET_POLLER_INTERNAL_URING_MEMORY_H_
