// A byte ring that grows by doubling up to a bound and gives memory back when it is drained. It
// holds what a connection has received and its handler has not yet consumed.
//
//   data:  [ . . . . x x x x x x x x . . . ]     the x's are held; they may wrap past the end
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
  EVNET_RING_BYTES_MIN = 1024,  // the smallest block that is allocated, or else the bound
  EVNET_RING_BYTES_MAX_DEFAULT = 16 << 20,  // the bound when bytes_max is 0
};

struct evnet_ring {
  uint8_t *data;     // capacity bytes; NULL when capacity is 0
  size_t head;       // index of the first byte; < capacity, or 0
  size_t size;       // bytes held; <= capacity
  size_t capacity;   // bytes at data; never more than the bound was when they were allocated
  size_t bytes_max;  // the bound on size; 0: EVNET_RING_BYTES_MAX_DEFAULT. The owner may change it
                     // at any time
  const struct evnet_allocator *allocator;  // borrowed; NULL: malloc
};

// evnet_ring_init makes an empty ring, which allocates nothing yet.
//
//   allocator  borrowed for the ring's life; NULL: malloc.
//   bytes_max  the most it holds; 0: EVNET_RING_BYTES_MAX_DEFAULT.
EVNET_API void evnet_ring_init(struct evnet_ring *ring, const struct evnet_allocator *allocator,
                               size_t bytes_max);

// evnet_ring_deinit frees the memory and leaves an empty ring with the same bound and allocator.
EVNET_API void evnet_ring_deinit(struct evnet_ring *ring);

static inline size_t evnet_ring_size(const struct evnet_ring *ring) { return ring->size; }

// evnet_ring_append copies `size` bytes behind those held: all or nothing. Spans got before become
// invalid when the ring has to grow; else only what was discarded of them may be overwritten.
//
//   data  must not point into the ring; may be NULL when size is 0, which always succeeds.
//
// Returns: 0.
// Errors:  -ENOBUFS when more than the bound would be held; -ENOMEM. Nothing is changed then.
EVNET_API EVNET_WARN_UNUSED int evnet_ring_append(struct evnet_ring *ring, const void *data,
                                                  size_t size);

// evnet_ring_peek_pair gives all bytes held as two spans, in order; the second is empty unless they
// wrap, and both when nothing is held. Nothing moves.
EVNET_API void evnet_ring_peek_pair(const struct evnet_ring *ring, struct evnet_bytes out_spans[2]);

// evnet_ring_linearize makes the bytes held contiguous. A ring that does not wrap is left as it is.
//
//   out_retired  receives the block that held them before, unchanged, so that spans got before
//                stay readable; NULL when nothing moved, also on error. The caller frees it with
//                evnet_block_release(ring->allocator, ...) once no span into it is in use.
//
// Returns: 0; evnet_ring_peek_pair then has an empty second span.
// Errors:  -ENOMEM, nothing changed.
EVNET_API EVNET_WARN_UNUSED int evnet_ring_linearize(struct evnet_ring *ring, void **out_retired);

// evnet_ring_discard drops the first `size` bytes; size must not exceed evnet_ring_size (asserted).
// Memory is neither moved nor freed: spans got before stay readable until the ring is changed
// otherwise.
EVNET_API void evnet_ring_discard(struct evnet_ring *ring, size_t size);

// evnet_ring_read copies up to `size` of the first bytes out and drops them.
//
// Returns: the number of bytes copied, 0 when the ring is empty.
EVNET_API size_t evnet_ring_read(struct evnet_ring *ring, void *out, size_t size);

// evnet_ring_trim gives memory back: all of it when the ring is empty; else half, repeatedly, while
// no more than a quarter is in use and EVNET_RING_BYTES_MIN remain. When no smaller block can be
// had the ring stays as it is. Spans become invalid.
EVNET_API void evnet_ring_trim(struct evnet_ring *ring);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_BUFFER_RING_H_
