// What io_uring receives into and sends from: two groups of provided buffers, and blocks of
// scratch. Both are lent to the poller's user, who may have them sent; then each is kept until the
// last send from it has completed.
#include <errno.h>
#include <sys/mman.h>
#include <time.h>

#include "net/poller/internal/uring_state.h"

enum { BLOCKS_BYTES = BLOCKS * BLOCK_BYTES + EVNET_POLLER_SCRATCH_BYTES };

// Buffers

void uring_buffer_provide(struct group *group, uint32_t buffer) {
  io_uring_buf_ring_add(group->ring, group->memory + (size_t)buffer * group->bytes, group->bytes,
                        (unsigned short)buffer, io_uring_buf_ring_mask(group->count), 0);
  io_uring_buf_ring_advance(group->ring, 1);
}

static void buffer_drop(struct group *group, uint32_t buffer) {
  EVNET_ASSERT(group->users[buffer] > 0);
  if (--group->users[buffer] == 0) uring_buffer_provide(group, buffer);
}

void uring_buffer_lend(struct uring *uring, struct group *group, uint32_t buffer) {
  group->users[buffer]++;
  uring->lease_group = group;
  uring->lease_buffer = buffer;
}

void uring_end_leases(struct uring *uring) {
  if (uring->lease_group != NULL) {
    buffer_drop(uring->lease_group, uring->lease_buffer);
    uring->lease_group = NULL;
  }
  if (uring->landed != NULL) {
    uring_flight_land(uring, uring->landed);
    uring->landed = NULL;
  }
}

// Flights

// Finds out whether bytes are lent, and from where.
static bool find_lender(const struct uring *uring, const struct iovec *piece,
                        struct group **out_group, uint32_t *out_index) {
  const uint8_t *data = piece->iov_base;
  if (data >= uring->blocks && data < uring->blocks + (size_t)BLOCKS * BLOCK_BYTES) {
    *out_group = NULL;
    *out_index = (uint32_t)((size_t)(data - uring->blocks) / BLOCK_BYTES);
    return true;
  }
  struct group *group = uring->lease_group;
  if (group == NULL) return false;
  const uint8_t *start = group->memory + (size_t)uring->lease_buffer * group->bytes;
  *out_group = group;
  *out_index = uring->lease_buffer;
  return data >= start && data < start + group->bytes;
}

struct flight *uring_flight_take(struct uring *uring, const struct iovec *piece) {
  struct flight *flight = uring->flight_free;
  if (flight == NULL || !find_lender(uring, piece, &flight->group, &flight->index)) return NULL;
  uring->flight_free = flight->next_free;
  flight->data = piece->iov_base;
  flight->size = piece->iov_len;
  if (flight->group != NULL) {
    flight->group->users[flight->index]++;
    return flight;
  }
  uring->block_users[flight->index]++;
  // The next scratch begins behind these bytes, on a cache line of its own.
  const uint8_t *block = uring->blocks + (size_t)flight->index * BLOCK_BYTES;
  size_t end = (size_t)(flight->data + flight->size - block);
  uring->block_offset = (uint32_t)((end + 63) & ~(size_t)63);
  return flight;
}

void uring_flight_land(struct uring *uring, struct flight *flight) {
  if (flight->group != NULL) {
    buffer_drop(flight->group, flight->index);
  } else if (--uring->block_users[flight->index] == 0 && flight->index == uring->block) {
    uring->block_offset = 0;
  }
  flight->next_free = uring->flight_free;
  uring->flight_free = flight;
}

uint8_t *uring_block(struct uring *uring) {
  if (uring->block_offset + EVNET_POLLER_SCRATCH_BYTES <= BLOCK_BYTES) {
    return uring->blocks + (size_t)uring->block * BLOCK_BYTES + uring->block_offset;
  }
  for (uint32_t i = 0; i < BLOCKS; i++) {
    if (uring->block_users[i] > 0) continue;
    uring->block = i;
    uring->block_offset = 0;
    return uring->blocks + (size_t)i * BLOCK_BYTES;
  }
  // All in flight: one behind the blocks, which counts as not lent, so its bytes are sent at once.
  return uring->blocks + (size_t)BLOCKS * BLOCK_BYTES;
}

// Opening and closing

bool uring_wait_for_memory(int status, int *tries) {
  if (status != -ENOMEM || ++*tries > 50) return false;
  const struct timespec nap = {.tv_nsec = 10000000};
  (void)nanosleep(&nap, NULL);
  return true;
}

static int open_group(struct uring *uring, uint16_t id, uint32_t count, uint32_t bytes) {
  struct group *group = &uring->groups[id];
  group->id = id;
  group->count = count;
  group->bytes = bytes;
  slot_list_init(&group->starved);
  group->users = evnet_allocate_zeroed(uring->allocator, count * sizeof *group->users);
  group->memory = evnet_pages_reserve((size_t)count * bytes);
  group->ring_bytes = count * sizeof(struct io_uring_buf);
  // liburing 2.3 has no io_uring_setup_buf_ring in its library: mapped and registered by hand.
  void *ring =
      mmap(NULL, group->ring_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  group->ring = ring == MAP_FAILED ? NULL : ring;
  if (group->users == NULL || group->memory == NULL || group->ring == NULL) return -ENOMEM;
  io_uring_buf_ring_init(group->ring);
  struct io_uring_buf_reg reg = {
      .ring_addr = (uint64_t)(uintptr_t)group->ring, .ring_entries = count, .bgid = id};
  int status;
  int tries = 0;
  do {
    status = io_uring_register_buf_ring(&uring->ring, &reg, 0);
  } while (uring_wait_for_memory(status, &tries));
  if (status < 0) return status == -EINVAL ? -ENOSYS : status;
  for (uint32_t i = 0; i < count; i++) uring_buffer_provide(group, i);
  return 0;
}

static void close_group(struct uring *uring, struct group *group) {
  if (group->ring != NULL) (void)munmap(group->ring, group->ring_bytes);
  evnet_pages_release(group->memory, (size_t)group->count * group->bytes);
  evnet_release(uring->allocator, group->users);
}

static uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }

int uring_memory_open(struct uring *uring, uint32_t recv_bytes_max) {
  for (uint32_t i = 0; i < FLIGHTS; i++) {
    uring->flights[i].next_free = i + 1 < FLIGHTS ? &uring->flights[i + 1] : NULL;
  }
  uring->flight_free = &uring->flights[0];
  uring->blocks = evnet_pages_reserve(BLOCKS_BYTES);
  if (uring->blocks == NULL) return -ENOMEM;
  int status = open_group(uring, 0, SMALL_COUNT, smaller(SMALL_BYTES, recv_bytes_max));
  if (status < 0) return status;
  return open_group(uring, 1, LARGE_COUNT, smaller(LARGE_BYTES, recv_bytes_max));
}

void uring_memory_close(struct uring *uring) {
  close_group(uring, &uring->groups[0]);
  close_group(uring, &uring->groups[1]);
  evnet_pages_release(uring->blocks, BLOCKS_BYTES);
}
