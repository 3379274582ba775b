// The outbound queue. Every block but the last, and but those in front of a file, is full; only the
// first can be partly consumed, and only the last takes more. Blocks are powers of two with their
// header; each new one is twice the last, so that a queue that stays short costs little and one
// that grows long is not made of crumbs. A file's block and one of lent bytes have no room, so what
// follows begins a block of its own; behind lent bytes, which may stand any number of times, a
// small one.
#include "net/buffer/outbound.h"

#include <errno.h>
#include <string.h>

#include "net/base/assert.h"

enum { BEHIND_LENT_BYTES_MIN = 512 };

// A block of the queue's own, with its bytes behind it.
struct own_block {
  struct evnet_outbound_block block;
  uint8_t data[];  // the bytes begin at its first multiple of EVNET_BLOCK_ALIGNMENT
};

// What a block takes beyond its bytes.
enum { OWN_HEADER_BYTES = sizeof(struct own_block) + EVNET_BLOCK_SPARE_BYTES };

struct file_block {
  struct evnet_outbound_block block;
  struct evnet_outbound_file file;
};

// NULL for a block of bytes.
static struct evnet_outbound_file *block_file(struct evnet_outbound_block *block) {
  return block->data == NULL && !block->lent ? &((struct file_block *)block)->file : NULL;
}

static bool block_grows(const struct evnet_outbound_block *block) {
  return block != NULL && block->data != NULL && !block->lent;
}

// What the block behind the last one is to be twice of, header included; 0: of nothing.
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

// Chains blocks behind the last, which stays the last until it is full.
static void push(struct evnet_outbound *queue, struct evnet_outbound_block *blocks) {
  if (queue->last != NULL) {
    queue->last->next = blocks;
  } else {
    queue->first = queue->last = blocks;
  }
}

// Frees the first block, which is used up, and those behind it that have nothing to send.
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

// An own block with room for so many bytes; NULL when out of memory.
static struct evnet_outbound_block *block_create(const struct evnet_allocator *allocator,
                                                 size_t capacity) {
  struct own_block *own = evnet_allocate(allocator, OWN_HEADER_BYTES + capacity);
  if (own == NULL) return NULL;
  own->block =
      (struct evnet_outbound_block){.data = evnet_block_align(own->data), .capacity = capacity};
  return &own->block;
}

// Chains blocks for `size` bytes behind one of `previous_bytes` bytes, header included; 0: there is
// none. NULL when out of memory.
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

// Copies `size` bytes to the last block and on to those chained behind it, which become the last in
// turn.
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
    if (skip >= pieces[i].iov_len) {  // an empty piece, too: its base may be NULL
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
    // As large as its bytes: only the last block may have room.
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
    if (block->used == 0) continue;  // lent, and nothing
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
