// A byte ring that doubles its memory up to a bound and gives it back when it is drained. It holds
// the bytes that a connection has received and its handler has not consumed.
//
//   data:  [ . . . . x x x x x x x x . . . ]     x: held bytes; they may wrap around the end
//            0       head                  capacity
//
// Not thread-safe. All zero is a valid, empty ring with the default bound and allocator.
#ifndef EVNET_NET_BUFFER_RING_H_
#define EVNET_NET_BUFFER_RING_H_

#include <stddef.h>
#include <stdint.h>

#include "../base/bytes.h"
#include "../base/memory.h"
#include "../base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  EVNET_RING_BYTES_MIN = 1024,              // the smallest block, unless the bound is smaller
  EVNET_RING_BYTES_MAX_DEFAULT = 16 << 20,  // the bound if bytes_max is 0
};

// A ring.
struct evnet_ring {
  uint8_t *data;    // capacity bytes; NULL if capacity is 0
  size_t head;      // index of the first held byte; below capacity, or 0
  size_t size;      // held bytes; at most capacity
  size_t capacity;  // bytes at data; at most the bound at the time of the allocation

  // The bound on size; 0: EVNET_RING_BYTES_MAX_DEFAULT. The owner may change it at any time.
  size_t bytes_max;

  const struct evnet_allocator *allocator;  // borrowed; NULL: malloc
};

// evnet_ring_init creates an empty ring. It allocates nothing.
//
//   allocator  borrowed for the ring's life; NULL: malloc.
//   bytes_max  the bound on the held bytes; 0: EVNET_RING_BYTES_MAX_DEFAULT.
EVNET_API void evnet_ring_init(struct evnet_ring *ring, const struct evnet_allocator *allocator,
                               size_t bytes_max);

// evnet_ring_deinit frees the memory and leaves an empty ring with the same bound and allocator.
EVNET_API void evnet_ring_deinit(struct evnet_ring *ring);

// evnet_ring_size returns the number of held bytes.
static inline size_t evnet_ring_size(const struct evnet_ring *ring) { return ring->size; }

// evnet_ring_append copies `size` bytes to the end of the ring. Spans from earlier calls become
// invalid if the ring has to grow; otherwise only their discarded part may be overwritten.
//
//   data  must not point into the ring; may be NULL if size is 0, which always succeeds.
//
// Returns: 0, with all bytes appended.
// Errors:  -ENOBUFS if the bound would be exceeded.
//          -ENOMEM if memory runs out.
//          After an error nothing has changed.
EVNET_API EVNET_WARN_UNUSED int evnet_ring_append(struct evnet_ring *ring, const void *data,
                                                  size_t size);

// evnet_ring_peek_pair returns all held bytes as two spans, in order, without moving them. The
// second is empty unless they wrap.
EVNET_API void evnet_ring_peek_pair(const struct evnet_ring *ring, struct evnet_bytes out_spans[2]);

// evnet_ring_linearize makes the held bytes contiguous. It does not change a ring that does not
// wrap.
//
//   out_retired  receives the block that held the bytes before, unchanged, so that earlier spans
//                stay readable. NULL if nothing moved, also on error. The caller frees it with
//                evnet_block_release(ring->allocator, ...) when no span into it is used.
//
// Returns: 0; the second span of evnet_ring_peek_pair is empty afterwards.
// Errors:  -ENOMEM if memory runs out; nothing has changed.
EVNET_API EVNET_WARN_UNUSED int evnet_ring_linearize(struct evnet_ring *ring, void **out_retired);

// evnet_ring_discard removes the first `size` bytes. It neither moves nor frees memory, so earlier
// spans stay readable until another change of the ring.
//
//   size  at most evnet_ring_size (asserted).
EVNET_API void evnet_ring_discard(struct evnet_ring *ring, size_t size);

// evnet_ring_read copies up to `size` of the first bytes to `out` and removes them.
//
// Returns: the number of bytes copied, 0 if the ring is empty.
EVNET_API size_t evnet_ring_read(struct evnet_ring *ring, void *out, size_t size);

// evnet_ring_trim frees unused memory: all of it if the ring is empty. Otherwise it halves the
// memory while at most a quarter is in use and EVNET_RING_BYTES_MIN remain. If a smaller block
// cannot be allocated, the ring does not change. Spans become invalid.
EVNET_API void evnet_ring_trim(struct evnet_ring *ring);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_BUFFER_RING_H_
