// The memory that io_uring receives into and sends from: a ring of provided buffers, and arenas of
// scratch. Both are lent to the poller's user, who may send from them. Memory being sent is kept
// until the send has been reported.
#include "net/poller/internal/uring_memory.h"

#include <errno.h>
#include <sys/mman.h>

#include "net/poller/internal/uring_limit.h"

enum {
  ARENAS_BYTES = 2 * ARENA_BYTES + EVNET_POLLER_SCRATCH_BYTES,
  RING_BYTES = BUFFERS * sizeof(struct io_uring_buf),
};

// Buffers

// Returns the distance from one buffer to the next.
static size_t spacing(const struct buffers *buffers) {
  return ((size_t)buffers->bytes + EVNET_BLOCK_ALIGNMENT - 1) &
         ~(size_t)(EVNET_BLOCK_ALIGNMENT - 1);
}

static uint8_t *buffer_memory(const struct uring *uring, uint32_t buffer) {
  return uring->buffers.memory + buffer * spacing(&uring->buffers);
}

void uring_buffer_provide(struct uring *uring, uint32_t buffer) {
  struct buffers *buffers = &uring->buffers;
  io_uring_buf_ring_add(buffers->ring, buffer_memory(uring, buffer), buffers->bytes,
                        (unsigned short)buffer, io_uring_buf_ring_mask(BUFFERS), 0);
  io_uring_buf_ring_advance(buffers->ring, 1);
}

const uint8_t *uring_buffer_lend(struct uring *uring, uint32_t buffer) {
  uring->buffers.users[buffer]++;
  uring->lease = (lender_t)buffer;
  return buffer_memory(uring, buffer);
}

// Lending

static void give_back(struct uring *uring, lender_t lender) {
  if (lender == LENDER_NONE) return;
  if (lender >= BUFFERS) {
    uring->arena_users[lender - BUFFERS]--;
    return;
  }
  EVNET_ASSERT(uring->buffers.users[lender] > 0);  // it was counted when it was lent
  if (--uring->buffers.users[lender] == 0) uring_buffer_provide(uring, lender);
}

void uring_end_leases(struct uring *uring) {
  give_back(uring, uring->lease);
  give_back(uring, uring->landed);
  uring->lease = uring->landed = LENDER_NONE;
}

static bool lies_in(const uint8_t *data, const uint8_t *start, size_t size) {
  return data >= start && data < start + size;
}

lender_t uring_lender_of(const struct uring *uring, const struct iovec *piece) {
  const uint8_t *data = piece->iov_base;
  if (lies_in(data, uring->arenas + (size_t)uring->arena * ARENA_BYTES, ARENA_BYTES)) {
    return (lender_t)(BUFFERS + uring->arena);
  }
  if (uring->lease == LENDER_NONE) return LENDER_NONE;
  bool leased = lies_in(data, buffer_memory(uring, uring->lease), uring->buffers.bytes);
  return leased ? uring->lease : LENDER_NONE;
}

void uring_lend(struct uring *uring, const struct iovec *piece, lender_t lender) {
  if (lender < BUFFERS) {
    uring->buffers.users[lender]++;
    return;
  }
  uring->arena_users[lender - BUFFERS]++;
  // The next scratch begins after these bytes, on another cache line.
  const uint8_t *arena = uring->arenas + (size_t)(lender - BUFFERS) * ARENA_BYTES;
  size_t end = (size_t)((const uint8_t *)piece->iov_base + piece->iov_len - arena);
  uring->arena_offset = (uint32_t)((end + 63) & ~(size_t)63);
}

uint8_t *uring_scratch_block(struct uring *uring) {
  bool fits = uring->arena_offset + EVNET_POLLER_SCRATCH_BYTES <= ARENA_BYTES;
  // Otherwise the block after the arenas, which is never lent, so its bytes are sent immediately.
  return uring->arenas +
         (fits ? (size_t)uring->arena * ARENA_BYTES + uring->arena_offset : 2 * ARENA_BYTES);
}

void uring_change_arena(struct uring *uring) {
  uint32_t other = 1 - uring->arena;
  if (uring->arena_users[other] > 0) return;
  uring->arena = other;
  uring->arena_offset = 0;
}

// Opening and closing

static int open_buffers(struct uring *uring, uint32_t bytes) {
  struct buffers *buffers = &uring->buffers;
  buffers->bytes = bytes;
  buffers->memory = evnet_pages_reserve(BUFFERS * spacing(buffers));
  // The library of liburing 2.3 does not have io_uring_setup_buf_ring, so the ring is mapped and
  // registered here.
  void *ring = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  buffers->ring = ring == MAP_FAILED ? NULL : ring;
  if (buffers->memory == NULL || buffers->ring == NULL) return -ENOMEM;
  io_uring_buf_ring_init(buffers->ring);
  struct io_uring_buf_reg reg = {.ring_addr = (uint64_t)(uintptr_t)buffers->ring,
                                 .ring_entries = BUFFERS,
                                 .bgid = BUFFER_GROUP};
  int status;
  int tries = 0;
  do {
    status = io_uring_register_buf_ring(&uring->ring, &reg, 0);
  } while (uring_wait_for_memory(status, &tries));
  if (status < 0) return status == -EINVAL ? -ENOSYS : status;
  for (uint32_t i = 0; i < BUFFERS; i++) uring_buffer_provide(uring, i);
  return 0;
}

int uring_memory_open(struct uring *uring, uint32_t recv_bytes_max) {
  uring->arenas = evnet_pages_reserve(ARENAS_BYTES);
  uring->large = evnet_pages_reserve(recv_bytes_max);
  if (uring->arenas == NULL || uring->large == NULL) return -ENOMEM;
  return open_buffers(uring, recv_bytes_max < BUFFER_BYTES ? recv_bytes_max : BUFFER_BYTES);
}

void uring_memory_close(struct uring *uring) {
  if (uring->buffers.ring != NULL) (void)munmap(uring->buffers.ring, RING_BYTES);
  evnet_pages_release(uring->buffers.memory, BUFFERS * spacing(&uring->buffers));
  evnet_pages_release(uring->arenas, ARENAS_BYTES);
  evnet_pages_release(uring->large, uring->recv_bytes);
}
