// Where evnet's memory comes from: an allocator hook for what is made and freed while running, and
// reserved pages for the tables that have one entry per connection.
#ifndef EVNET_NET_BASE_MEMORY_H_
#define EVNET_NET_BASE_MEMORY_H_

#include <stddef.h>
#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

// The allocator hook. Both functions are called from any of evnet's threads at once and, for the
// any-thread functions, from the caller's: they must be as thread-safe as malloc(3). A NULL hook
// means malloc and free.
struct evnet_allocator {
  void *(*allocate)(size_t size, void *user);  // NULL when out of memory; aligned as malloc's
  void (*release)(void *pointer, void *user);  // never called with NULL
  void *user;
};

// evnet_allocate gives size bytes, size > 0, of the hook's memory, not cleared.
//
// Returns: the memory, or NULL when there is none.
EVNET_API void *evnet_allocate(const struct evnet_allocator *allocator, size_t size);

// evnet_allocate_zeroed is evnet_allocate with every byte 0.
EVNET_API void *evnet_allocate_zeroed(const struct evnet_allocator *allocator, size_t size);

// evnet_release gives memory back; NULL is accepted.
EVNET_API void evnet_release(const struct evnet_allocator *allocator, void *pointer);

// Blocks: memory that the kernel copies from or to. Each begins on a cache line of its own. malloc
// promises 16 bytes, and glibc gives no more for a large block: it begins at offset 16 of a page.
// On some processors the kernel's copy into such a block takes three times as long.
enum {
  EVNET_BLOCK_ALIGNMENT = 64,
  EVNET_BLOCK_SPARE_BYTES = 64,  // what a block takes beyond its size
};

// evnet_block_allocate gives a block of size bytes, size > 0, of the hook's memory, not cleared.
//
// Returns: the block, a multiple of EVNET_BLOCK_ALIGNMENT; NULL when out of memory.
EVNET_API void *evnet_block_allocate(const struct evnet_allocator *allocator, size_t size);

// evnet_block_release frees what evnet_block_allocate gave; NULL is accepted.
EVNET_API void evnet_block_release(const struct evnet_allocator *allocator, void *block);

// evnet_block_align gives the first multiple of EVNET_BLOCK_ALIGNMENT at or after `start`, for
// bytes that share an allocation with a header: its size is that of both and
// EVNET_BLOCK_SPARE_BYTES.
static inline uint8_t *evnet_block_align(uint8_t *start) {
  return start + (-(uintptr_t)start & (EVNET_BLOCK_ALIGNMENT - 1));
}

// evnet_pages_reserve reserves address space of `size` bytes that reads as zero and costs memory
// only page by page as it is touched. Transparent huge pages are switched off for it (madvise(2)
// MADV_NOHUGEPAGE), as one touched entry would otherwise cost 2 MiB.
//
// Returns: the start, or NULL when the address space is refused (RLIMIT_AS, strict overcommit).
EVNET_API void *evnet_pages_reserve(size_t size);

// evnet_address_space_max gives the bytes of address space that the process may have in all
// (RLIMIT_AS, the shell's ulimit -v).
//
// Returns: SIZE_MAX without a limit, and where the system has none of that kind.
EVNET_API size_t evnet_address_space_max(void);

// evnet_pages_release returns what evnet_pages_reserve gave; NULL is accepted.
EVNET_API void evnet_pages_release(void *pages, size_t size);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_BASE_MEMORY_H_
