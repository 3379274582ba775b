// The ring. One comparison and one subtraction keep each index below the capacity, so there is no
// division, and the capacity need not be a power of two (the bound is not). Growing, linearizing
// and trimming are the same operation: they copy all unread bytes to the start of another block.
#include "net/buffer/ring.h"

#include <errno.h>
#include <string.h>

#include "net/base/assert.h"

static size_t bound(const struct evnet_ring *ring) {
  return ring->bytes_max != 0 ? ring->bytes_max : EVNET_RING_BYTES_MAX_DEFAULT;
}

// Copies the unread bytes to the start of a new block of `capacity` bytes, which must be above 0 and
// not below the ring's size. The caller frees the old block, whose bytes are unchanged.
static int move(struct evnet_ring *ring, size_t capacity, void **out_old) {
  uint8_t *data = evnet_block_allocate(ring->allocator, capacity);
  if (data == NULL) return -ENOMEM;
  struct evnet_bytes spans[2];
  evnet_ring_peek_pair(ring, spans);
  if (spans[0].size > 0) memcpy(data, spans[0].data, spans[0].size);
  if (spans[1].size > 0) memcpy(data + spans[0].size, spans[1].data, spans[1].size);
  *out_old = ring->data;
  ring->data = data;
  ring->head = 0;
  ring->capacity = capacity;
  return 0;
}

// Doubles the capacity, up to the bound, until `size` bytes fit; size is at most the bound.
static int grow(struct evnet_ring *ring, size_t size) {
  const size_t capacity_max = bound(ring);
  size_t capacity = ring->capacity > 0 ? ring->capacity : EVNET_RING_BYTES_MIN / 2;
  do {
    capacity = capacity > capacity_max / 2 ? capacity_max : capacity * 2;
  } while (capacity < size);
  void *old;
  int status = move(ring, capacity, &old);
  if (status < 0) return status;
  evnet_block_release(ring->allocator, old);
  return 0;
}

void evnet_ring_init(struct evnet_ring *ring, const struct evnet_allocator *allocator,
                     size_t bytes_max) {
  *ring = (struct evnet_ring){.bytes_max = bytes_max, .allocator = allocator};
}

void evnet_ring_deinit(struct evnet_ring *ring) {
  evnet_block_release(ring->allocator, ring->data);
  evnet_ring_init(ring, ring->allocator, ring->bytes_max);
}

int evnet_ring_append(struct evnet_ring *ring, const void *data, size_t size) {
  if (size == 0) return 0;
  // Written so that nothing overflows, even if the bound was lowered below the current size.
  const size_t size_max = bound(ring);
  if (ring->size > size_max || size > size_max - ring->size) return -ENOBUFS;
  if (size > ring->capacity - ring->size) {
    int status = grow(ring, ring->size + size);
    if (status < 0) return status;
  }
  size_t tail = ring->head + ring->size;
  if (tail >= ring->capacity) tail -= ring->capacity;
  const size_t to_end = ring->capacity - tail;
  if (size <= to_end) {
    memcpy(ring->data + tail, data, size);
  } else {
    memcpy(ring->data + tail, data, to_end);
    memcpy(ring->data, (const uint8_t *)data + to_end, size - to_end);
  }
  ring->size += size;
  return 0;
}

void evnet_ring_peek_pair(const struct evnet_ring *ring, struct evnet_bytes out_spans[2]) {
  out_spans[0] = (struct evnet_bytes){0};
  out_spans[1] = (struct evnet_bytes){0};
  if (ring->size == 0) return;
  const size_t to_end = ring->capacity - ring->head;
  if (ring->size <= to_end) {
    out_spans[0] = (struct evnet_bytes){.data = ring->data + ring->head, .size = ring->size};
  } else {
    out_spans[0] = (struct evnet_bytes){.data = ring->data + ring->head, .size = to_end};
    out_spans[1] = (struct evnet_bytes){.data = ring->data, .size = ring->size - to_end};
  }
}

int evnet_ring_linearize(struct evnet_ring *ring, void **out_retired) {
  *out_retired = NULL;
  if (ring->size <= ring->capacity - ring->head) return 0;
  return move(ring, ring->capacity, out_retired);
}

void evnet_ring_discard(struct evnet_ring *ring, size_t size) {
  EVNET_ASSERT(size <= ring->size);
  ring->size -= size;
  ring->head += size;
  if (ring->head >= ring->capacity) ring->head -= ring->capacity;
  if (ring->size == 0) ring->head = 0;  // so the next bytes are contiguous
}

size_t evnet_ring_read(struct evnet_ring *ring, void *out, size_t size) {
  if (size > ring->size) size = ring->size;
  if (size == 0) return 0;
  const size_t to_end = ring->capacity - ring->head;
  if (size <= to_end) {
    memcpy(out, ring->data + ring->head, size);
  } else {
    memcpy(out, ring->data + ring->head, to_end);
    memcpy((uint8_t *)out + to_end, ring->data, size - to_end);
  }
  evnet_ring_discard(ring, size);
  return size;
}

void evnet_ring_trim(struct evnet_ring *ring) {
  if (ring->size == 0) {
    evnet_ring_deinit(ring);
    return;
  }
  size_t capacity = ring->capacity;
  while (capacity / 2 >= EVNET_RING_BYTES_MIN && ring->size <= capacity / 4) capacity /= 2;
  if (capacity == ring->capacity) return;
  void *old;
  if (move(ring, capacity, &old) == 0) evnet_block_release(ring->allocator, old);
}
