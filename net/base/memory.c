#include "net/base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

void *evnet_allocate(const struct evnet_allocator *allocator, size_t size) {
  if (allocator == NULL || allocator->allocate == NULL) return malloc(size);
  return allocator->allocate(size, allocator->user);
}

void *evnet_allocate_zeroed(const struct evnet_allocator *allocator, size_t size) {
  if (allocator == NULL || allocator->allocate == NULL) return calloc(1, size);
  void *pointer = allocator->allocate(size, allocator->user);
  if (pointer != NULL) memset(pointer, 0, size);
  return pointer;
}

void evnet_release(const struct evnet_allocator *allocator, void *pointer) {
  if (pointer == NULL) return;
  if (allocator == NULL || allocator->allocate == NULL) {
    free(pointer);
  } else {
    allocator->release(pointer, allocator->user);
  }
}

// The allocator's pointer is stored in front of the block. There is room for it, because the
// allocator aligns memory for any type, and so the block begins at least that far after the start.
_Static_assert(_Alignof(max_align_t) >= sizeof(void *), "a block's start keeps the hook's pointer");
_Static_assert((int)EVNET_BLOCK_SPARE_BYTES == (int)EVNET_BLOCK_ALIGNMENT,
               "a block begins 1 to EVNET_BLOCK_ALIGNMENT bytes behind the hook's pointer");

void *evnet_block_allocate(const struct evnet_allocator *allocator, size_t size) {
  if (size > SIZE_MAX - EVNET_BLOCK_SPARE_BYTES) return NULL;
  uint8_t *start = evnet_allocate(allocator, size + EVNET_BLOCK_SPARE_BYTES);
  if (start == NULL) return NULL;
  void **block = (void **)(void *)evnet_block_align(start + 1);
  block[-1] = start;
  return block;
}

void evnet_block_release(const struct evnet_allocator *allocator, void *block) {
  if (block != NULL) evnet_release(allocator, ((void **)block)[-1]);
}

#ifndef MAP_NORESERVE  // not defined by FreeBSD, which never reserves anonymous mappings
#define MAP_NORESERVE 0
#endif

void *evnet_pages_reserve(size_t size) {
  void *pages =
      mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED) return NULL;
#ifdef MADV_NOHUGEPAGE
  // Fails on kernels without huge pages, where it is not needed.
  (void)madvise(pages, size, MADV_NOHUGEPAGE);
#endif
  return pages;
}

size_t evnet_address_space_max(void) {
#ifdef RLIMIT_AS  // not defined by OpenBSD
  struct rlimit limit;
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
      (uintmax_t)limit.rlim_cur < SIZE_MAX) {  // rlim_t is signed on FreeBSD
    return (size_t)limit.rlim_cur;
  }
#endif
  return SIZE_MAX;
}

void evnet_pages_release(void *pages, size_t size) {
  if (pages != NULL) (void)munmap(pages, size);
}
