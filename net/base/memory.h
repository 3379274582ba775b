// Memory: an allocator hook for objects, and reserved pages for tables with one entry for each
// connection.
#ifndef EVNET_NET_BASE_MEMORY_H_
#define EVNET_NET_BASE_MEMORY_H_

#include <stddef.h>
#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

// The allocator hook; a NULL hook means malloc(3) and free(3). Any of evnet's threads may call both
// functions simultaneously, and so may callers of functions for any thread, so they must be as
// thread-safe as malloc.
struct evnet_allocator {
  void *(*allocate)(size_t size, void *user);  // returns NULL if out of memory; aligned as malloc's
  void (*release)(void *pointer, void *user);  // never called with NULL
  void *user EVNET_ZERO;                       // passed to both
};

// evnet_allocate returns size bytes of memory, not cleared, or NULL if memory runs out. size is
// above 0.
//
// Thread:  any, as for all functions here.
EVNET_API void *evnet_allocate(const struct evnet_allocator *allocator, size_t size);

// evnet_allocate_zeroed is evnet_allocate with all bytes 0.
EVNET_API void *evnet_allocate_zeroed(const struct evnet_allocator *allocator, size_t size);

// evnet_release frees memory of evnet_allocate; NULL is accepted.
EVNET_API void evnet_release(const struct evnet_allocator *allocator, void *pointer);

// Blocks: memory that the kernel copies from or to. Each begins on its own cache line. malloc
// guarantees 16 bytes of alignment, and glibc's large blocks begin at offset 16 of a page. On some
// processors the kernel's copy into such a block takes three times as long.
enum {
  EVNET_BLOCK_ALIGNMENT = 64,    // of a block, in bytes
  EVNET_BLOCK_SPARE_BYTES = 64,  // that a block takes beyond its size
};

// evnet_block_allocate returns a block of size bytes, not cleared, or NULL if memory runs out. size
// is above 0.
EVNET_API void *evnet_block_allocate(const struct evnet_allocator *allocator, size_t size);

// evnet_block_release frees a block of evnet_block_allocate; NULL is accepted.
EVNET_API void evnet_block_release(const struct evnet_allocator *allocator, void *block);

// evnet_block_align returns the first multiple of EVNET_BLOCK_ALIGNMENT at or after `start`, for
// bytes that share an allocation with a header. The allocation needs EVNET_BLOCK_SPARE_BYTES more
// than both.
static inline uint8_t *evnet_block_align(uint8_t *start) {
  return start + (-(uintptr_t)start & (EVNET_BLOCK_ALIGNMENT - 1));
}

// evnet_pages_reserve reserves `size` bytes of address space that read as zero. Memory is used page
// by page as it is touched. Transparent huge pages are disabled for it (MADV_NOHUGEPAGE,
// madvise(2)), because one touched entry would otherwise use 2 MiB.
//
// Returns: the start; NULL if address space is refused (RLIMIT_AS, strict overcommit).
EVNET_API void *evnet_pages_reserve(size_t size);

// evnet_address_space_max returns the bytes of address space that the process may have (RLIMIT_AS,
// the shell's ulimit -v).
//
// Returns: SIZE_MAX if there is no limit, or no such limit on this system.
EVNET_API size_t evnet_address_space_max(void);

// evnet_pages_release frees pages of evnet_pages_reserve; NULL is accepted.
//
//   size  as reserved.
EVNET_API void evnet_pages_release(void *pages, size_t size);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_BASE_MEMORY_H_
