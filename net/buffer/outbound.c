// The outbound queue: a list of blocks. Only the first block can be partly consumed, and only the
// last one accepts more bytes. Every other block is full, except one that is followed by a file or
// by lent bytes.
//
// The size of a block, header included, is a power of two, twice the size of the previous one. A
// queue that stays short thus costs little, and a long one has few blocks. A block of a file or of
// lent bytes has no room, so the bytes after it begin a new block. After lent bytes that block is
// small, because a queue may hold any number of lent blocks.
#include "net/buffer/outbound.h"

#include <errno.h>
#include <string.h>

#include "net/base/assert.h"

enum { BEHIND_LENT_BYTES_MIN = 512 };

// A block that the queue allocates, together with its bytes.
struct own_block {
  struct evnet_outbound_block block;
  uint8_t data[];  // the bytes begin at its first multiple of EVNET_BLOCK_ALIGNMENT
};

// The memory of a block in addition to its bytes.
enum { OWN_HEADER_BYTES = sizeof(struct own_block) + EVNET_BLOCK_SPARE_BYTES };

struct file_block {
  struct evnet_outbound_block block;
  struct evnet_outbound_file file;
};

// Returns the file of a block; NULL for a block of bytes.
static struct evnet_outbound_file *block_file(struct evnet_outbound_block *block) {
  return block->data == NULL && !block->lent ? &((struct file_block *)block)->file : NULL;
}

static bool block_grows(const struct evnet_outbound_block *block) {
  return block != NULL && block->data != NULL && !block->lent;
}

// Returns the size, header included, that the next block is to be twice of; 0: start at the
// minimum.
static size_t last_bytes_of(const struct evnet_outbound *queue) {
  const struct evnet_outbound_block *last = queue->last;
  if (block_grows(last)) return OWN_HEADER_BYTES + last->capacity;
  return last != NULL && last->lent ? BEHIND_LENT_BYTES_MIN / 2 : 0;
}

static size_t block_room(const struct evnet_outbound_block *block) {
  return block != NULL ? block->capacity - block->used : 0;
}

static void block_release(const struct evnet_allocator *allocator,
                          struct evnet_outbound_block *block, bool taken) {
  if (block->lent) {
    struct evnet_outbound_lent *lent = (struct evnet_outbound_lent *)block;
    lent->done(lent, taken);
    return;
  }
  const struct evnet_outbound_file *file = block_file(block);
  if (file != NULL) file->close(file->descriptor);
  evnet_release(allocator, block);
}

static void blocks_release(const struct evnet_allocator *allocator,
                           struct evnet_outbound_block *block) {
  while (block != NULL) {
    struct evnet_outbound_block *next = block->next;
    block_release(allocator, block, false);
    block = next;
  }
}

// Appends blocks to the list. The current last block remains `last` until it is full.
static void push(struct evnet_outbound *queue, struct evnet_outbound_block *blocks) {
  if (queue->last != NULL) {
    queue->last->next = blocks;
  } else {
    queue->first = queue->last = blocks;
  }
}

// Frees the first block, which is consumed, and empty lent blocks after it.
static void pop(struct evnet_outbound *queue) {
  struct evnet_outbound_block *block;
  do {
    block = queue->first;
    queue->first = block->next;
    if (queue->first == NULL) queue->last = NULL;
    block_release(queue->allocator, block, true);
    block = queue->first;
  } while (block != NULL && block->lent && block->used == 0);
}

// Allocates a block with room for `capacity` bytes. Returns NULL if memory runs out.
static struct evnet_outbound_block *block_create(const struct evnet_allocator *allocator,
                                                 size_t capacity) {
  struct own_block *own = evnet_allocate(allocator, OWN_HEADER_BYTES + capacity);
  if (own == NULL) return NULL;
  own->block =
      (struct evnet_outbound_block){.data = evnet_block_align(own->data), .capacity = capacity};
  return &own->block;
}

// Allocates a chain of blocks for `size` bytes that follows a block of `previous_bytes` bytes,
// header included; 0: no block. Returns NULL if memory runs out.
static struct evnet_outbound_block *blocks_create(const struct evnet_allocator *allocator,
                                                  size_t previous_bytes, size_t size) {
  size_t block_bytes = previous_bytes;
  struct evnet_outbound_block *first = NULL;
  struct evnet_outbound_block **link = &first;
  while (size > 0) {
    block_bytes = block_bytes == 0 ? EVNET_OUTBOUND_BLOCK_BYTES_MIN : block_bytes * 2;
    while (block_bytes - OWN_HEADER_BYTES < size && block_bytes < EVNET_OUTBOUND_BLOCK_BYTES_MAX) {
      block_bytes *= 2;
    }
    if (block_bytes > EVNET_OUTBOUND_BLOCK_BYTES_MAX) block_bytes = EVNET_OUTBOUND_BLOCK_BYTES_MAX;
    struct evnet_outbound_block *block = block_create(allocator, block_bytes - OWN_HEADER_BYTES);
    if (block == NULL) {
      blocks_release(allocator, first);
      return NULL;
    }
    *link = block;
    link = &block->next;
    size -= size < block->capacity ? size : block->capacity;
  }
  return first;
}

// Copies `size` bytes to the last block and to the blocks chained after it, advancing `last`.
static void fill(struct evnet_outbound *queue, const uint8_t *data, size_t size) {
  while (size > 0) {
    struct evnet_outbound_block *block = queue->last;
    if (block->used == block->capacity) {
      block = block->next;
      queue->last = block;
    }
    const size_t part = size < block_room(block) ? size : block_room(block);
    memcpy(block->data + block->used, data, part);
    block->used += part;
    data += part;
    size -= part;
  }
}

void evnet_outbound_init(struct evnet_outbound *queue, const struct evnet_allocator *allocator,
                         size_t bytes_max) {
  *queue = (struct evnet_outbound){.bytes_max = bytes_max, .allocator = allocator};
}

void evnet_outbound_deinit(struct evnet_outbound *queue) {
  blocks_release(queue->allocator, queue->first);
  evnet_outbound_init(queue, queue->allocator, queue->bytes_max);
}

static bool has_room(const struct evnet_outbound *queue, size_t size) {
  const size_t bytes_max = queue->bytes_max != 0 ? queue->bytes_max : SIZE_MAX;
  return queue->bytes <= bytes_max && size <= bytes_max - queue->bytes;
}

int evnet_outbound_append(struct evnet_outbound *queue, const struct iovec *pieces, size_t count,
                          size_t skip) {
  size_t total = 0;
  for (size_t i = 0; i < count; i++) {
    if (pieces[i].iov_len > SIZE_MAX - total) return -ENOBUFS;
    total += pieces[i].iov_len;
  }
  EVNET_ASSERT(skip <= total);
  const size_t size = total - skip;
  if (size == 0) return 0;
  if (!has_room(queue, size)) return -ENOBUFS;

  const size_t room = block_room(queue->last);
  if (size > room) {
    struct evnet_outbound_block *blocks =
        blocks_create(queue->allocator, last_bytes_of(queue), size - room);
    if (blocks == NULL) return -ENOMEM;
    push(queue, blocks);
  }
  for (size_t i = 0; i < count; i++) {
    if (skip >= pieces[i].iov_len) {  // also skips an empty piece, whose base may be NULL
      skip -= pieces[i].iov_len;
      continue;
    }
    fill(queue, (const uint8_t *)pieces[i].iov_base + skip, pieces[i].iov_len - skip);
    skip = 0;
  }
  queue->bytes += size;
  return 0;
}

int evnet_outbound_prepend(struct evnet_outbound *queue, const void *data, size_t size) {
  if (size == 0) return 0;
  if (queue->first == NULL) {
    struct evnet_outbound_block *blocks = blocks_create(queue->allocator, 0, size);
    if (blocks == NULL) return -ENOMEM;
    queue->first = queue->last = blocks;
    fill(queue, data, size);
  } else {
    // Exactly as large as its bytes, because only the last block may have room.
    struct evnet_outbound_block *block = block_create(queue->allocator, size);
    if (block == NULL) return -ENOMEM;
    memcpy(block->data, data, size);
    block->used = size;
    block->next = queue->first;
    queue->first = block;
  }
  queue->bytes += size;
  return 0;
}

int evnet_outbound_append_file(struct evnet_outbound *queue,
                               const struct evnet_outbound_file *file) {
  if (queue->files == EVNET_OUTBOUND_FILES_MAX) return -ENOBUFS;
  struct file_block *block = evnet_allocate(queue->allocator, sizeof *block);
  if (block == NULL) return -ENOMEM;
  *block = (struct file_block){.file = *file};
  push(queue, &block->block);
  queue->last = &block->block;
  queue->files++;
  return 0;
}

int evnet_outbound_append_lent(struct evnet_outbound *queue, struct evnet_outbound_lent *lent,
                               const void *data, size_t size) {
  EVNET_ASSERT(size > 0 || queue->first != NULL);
  if (!has_room(queue, size)) return -ENOBUFS;
  lent->block = (struct evnet_outbound_block){
      .data = (uint8_t *)(uintptr_t)data, .capacity = size, .used = size, .lent = true};
  push(queue, &lent->block);
  queue->last = &lent->block;
  queue->bytes += size;
  return 0;
}

const struct evnet_outbound_file *evnet_outbound_first_file(const struct evnet_outbound *queue) {
  return queue->first != NULL ? block_file(queue->first) : NULL;
}

size_t evnet_outbound_gather(const struct evnet_outbound *queue, struct iovec *out_pieces,
                             size_t count) {
  size_t written = 0;
  for (struct evnet_outbound_block *block = queue->first;
       block != NULL && block_file(block) == NULL && written < count; block = block->next) {
    if (block->used == 0) continue;  // empty lent bytes
    out_pieces[written++] = (struct iovec){.iov_base = block->data + block->consumed,
                                           .iov_len = block->used - block->consumed};
  }
  return written;
}

void evnet_outbound_consume(struct evnet_outbound *queue, size_t size) {
  EVNET_ASSERT(size <= queue->bytes);
  queue->bytes -= size;
  while (size > 0) {
    struct evnet_outbound_block *block = queue->first;
    EVNET_ASSERT(block_file(block) == NULL);
    const size_t held = block->used - block->consumed;
    if (size < held) {
      block->consumed += size;
      return;
    }
    size -= held;
    pop(queue);
  }
}

void evnet_outbound_consume_file(struct evnet_outbound *queue, int64_t size) {
  struct evnet_outbound_file *file = queue->first != NULL ? block_file(queue->first) : NULL;
  EVNET_ASSERT(file != NULL && size >= 0 && size <= file->size);
  file->offset += size;
  file->size -= size;
  if (file->size > 0) return;
  queue->files--;
  pop(queue);
}
