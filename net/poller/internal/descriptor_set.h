// The set of a poller's descriptors, so that none is attached twice: the second close would close
// an unrelated file that got the same number. epoll would report the duplicate (EEXIST); io_uring
// and kqueue would not. The set has a bit for each number, which is small because the kernel
// assigns the lowest free number (open(2)).
#ifndef EVNET_NET_POLLER_INTERNAL_DESCRIPTOR_SET_H_
#define EVNET_NET_POLLER_INTERNAL_DESCRIPTOR_SET_H_

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "net/base/memory.h"

enum { EVNET_DESCRIPTOR_SET_BYTES_MIN = 128 };

// All zero: empty.
struct descriptor_set {
  uint8_t *bits;
  size_t bytes;
};

static inline void descriptor_set_deinit(struct descriptor_set *set,
                                         const struct evnet_allocator *allocator) {
  evnet_release(allocator, set->bits);
}

// Makes room for a byte index. Returns 0 or -ENOMEM.
static inline int descriptor_set_grow(struct descriptor_set *set,
                                      const struct evnet_allocator *allocator, size_t byte) {
  size_t bytes = set->bytes > 0 ? set->bytes : EVNET_DESCRIPTOR_SET_BYTES_MIN;
  while (bytes <= byte) bytes *= 2;
  uint8_t *bits = evnet_allocate_zeroed(allocator, bytes);
  if (bits == NULL) return -ENOMEM;
  if (set->bytes > 0) memcpy(bits, set->bits, set->bytes);
  evnet_release(allocator, set->bits);
  set->bits = bits;
  set->bytes = bytes;
  return 0;
}

// Makes room for the number of descriptors that most programs have, so that a poller's memory does
// not depend on the numbers of its own descriptors. Returns 0 or -ENOMEM.
static inline int descriptor_set_init(struct descriptor_set *set,
                                      const struct evnet_allocator *allocator) {
  return descriptor_set_grow(set, allocator, 0);
}

// Returns 0, -EEXIST if the descriptor is in the set, or -ENOMEM.
static inline int descriptor_set_add(struct descriptor_set *set,
                                     const struct evnet_allocator *allocator, int descriptor) {
  const size_t byte = (size_t)descriptor / 8;
  const uint8_t bit = (uint8_t)(1u << ((unsigned)descriptor % 8));
  if (byte >= set->bytes) {
    int status = descriptor_set_grow(set, allocator, byte);
    if (status < 0) return status;
  }
  if (set->bits[byte] & bit) return -EEXIST;
  set->bits[byte] |= bit;
  return 0;
}

// Does nothing if the descriptor is not in the set.
static inline void descriptor_set_remove(struct descriptor_set *set, int descriptor) {
  const size_t byte = (size_t)descriptor / 8;
  if (byte < set->bytes) set->bits[byte] &= (uint8_t) ~(1u << ((unsigned)descriptor % 8));
}

#endif  // EVNET_NET_POLLER_INTERNAL_DESCRIPTOR_SET_H_
