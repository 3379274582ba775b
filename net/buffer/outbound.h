// The outbound queue: bytes that a connection has accepted and not yet sent. It is a list of
// blocks that never move, so that a send in flight can point into them while more is appended.
//
//   first -> [consumed|bytes......] -> [bytes.................] -> [bytes...|free...] <- last
//
// Ranges of files are queued in the same order, each in its own block. The queue does not read
// them: it returns the first one, and the caller consumes what it has sent, like bytes. Lent bytes
// are queued without a copy, and their owner is notified when the last of them has been consumed.
//
// Not thread-safe. All zero is a valid, empty queue without a bound.
#ifndef EVNET_NET_BUFFER_OUTBOUND_H_
#define EVNET_NET_BUFFER_OUTBOUND_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "../base/memory.h"
#include "../base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

// A block of the queue. Only the functions below use the fields.
struct evnet_outbound_block {
  struct evnet_outbound_block *next;  // towards the end of the queue
  uint8_t *data;                      // NULL for a range of a file
  size_t capacity;                    // bytes at data
  size_t consumed;                    // the first of them, no longer queued
  size_t used;                        // of them; at most capacity
  bool lent;                          // it is the head of a struct evnet_outbound_lent
};

enum {
  // The smallest block, including its header. Each further block is twice as large as the last one,
  // or larger if one call appends more.
  EVNET_OUTBOUND_BLOCK_BYTES_MIN = 4096,
  EVNET_OUTBOUND_BLOCK_BYTES_MAX = 65536,  // the largest: consumed bytes are freed in these steps
  EVNET_OUTBOUND_FILES_MAX = 64,           // queued ranges, because each holds a descriptor
};

// A range of a file.
struct evnet_outbound_file {
  int64_t offset;  // of its first byte
  int64_t size;    // above 0

  // The queue's. evnet_outbound_consume_file closes it after the last byte, or
  // evnet_outbound_deinit.
  int descriptor;
  void (*close)(int descriptor);  // called for that
};

// Bytes that are queued without a copy. Embedded in their owner; must not move until `done`.
struct evnet_outbound_lent {
  struct evnet_outbound_block block;  // the queue's
  // Called once: with `taken` true when the last byte was consumed, otherwise by
  // evnet_outbound_deinit. It must not use the queue, which is being changed.
  void (*done)(struct evnet_outbound_lent *lent, bool taken);
};

// A queue.
struct evnet_outbound {
  struct evnet_outbound_block *first;       // NULL: empty
  struct evnet_outbound_block *last;        // where bytes are appended
  size_t bytes;                             // queued, without those of files
  size_t bytes_max;                         // the bound on bytes; 0: none; the owner may change it
  const struct evnet_allocator *allocator;  // borrowed; NULL: malloc
  uint32_t files;                           // queued ranges, at most EVNET_OUTBOUND_FILES_MAX
};

// evnet_outbound_init creates an empty queue. It allocates nothing.
//
//   allocator  borrowed for the queue's life; NULL: malloc.
//   bytes_max  the bound on the queued bytes; 0: none.
EVNET_API void evnet_outbound_init(struct evnet_outbound *queue,
                                   const struct evnet_allocator *allocator, size_t bytes_max);

// evnet_outbound_deinit frees the queued bytes, closes the files, and leaves an empty queue with
// the same bound and allocator.
EVNET_API void evnet_outbound_deinit(struct evnet_outbound *queue);

// evnet_outbound_bytes returns the number of queued bytes, without those of files.
static inline size_t evnet_outbound_bytes(const struct evnet_outbound *queue) {
  return queue->bytes;
}

// evnet_outbound_is_empty returns whether neither bytes nor files are queued.
static inline bool evnet_outbound_is_empty(const struct evnet_outbound *queue) {
  return !queue->first;
}

// evnet_outbound_append copies the bytes of `count` pieces, except the first `skip` of them, to the
// end of the queue. Queued bytes do not move. Empty pieces are allowed, and appending nothing
// always succeeds.
//
//   skip  bytes that the kernel has already taken; at most the sum of the pieces (asserted).
//
// Returns: 0, with all bytes appended.
// Errors:  -ENOBUFS if the bound would be exceeded.
//          -ENOMEM if memory runs out.
//          After an error nothing has changed.
EVNET_API EVNET_WARN_UNUSED int evnet_outbound_append(struct evnet_outbound *queue,
                                                      const struct iovec *pieces, size_t count,
                                                      size_t skip);

// evnet_outbound_prepend copies `size` bytes to the front of the queue: bytes of a send that the
// kernel gave back. The bound does not apply, because they were accepted before.
//
// Returns: 0.
// Errors:  -ENOMEM if memory runs out; nothing has changed.
EVNET_API EVNET_WARN_UNUSED int evnet_outbound_prepend(struct evnet_outbound *queue,
                                                       const void *data, size_t size);

// evnet_outbound_append_file appends a range of a file. It does not count as bytes.
//
//   file  copied; on success its descriptor is the queue's.
//
// Returns: 0.
// Errors:  -ENOBUFS if EVNET_OUTBOUND_FILES_MAX ranges are queued.
//          -ENOMEM if memory runs out.
//          After an error nothing has changed.
EVNET_API EVNET_WARN_UNUSED int evnet_outbound_append_file(struct evnet_outbound *queue,
                                                           const struct evnet_outbound_file *file);

// evnet_outbound_append_lent appends bytes without a copy. It allocates nothing.
//
//   lent  with `done` set; the queue's, together with the bytes, until `done` is called.
//   data  size bytes.
//   size  may be 0 if the queue is not empty (asserted): `done` is called when everything before it
//         has been consumed.
//
// Returns: 0.
// Errors:  -ENOBUFS if the bound would be exceeded. Nothing has changed, and `done` is not called.
EVNET_API EVNET_WARN_UNUSED int evnet_outbound_append_lent(struct evnet_outbound *queue,
                                                           struct evnet_outbound_lent *lent,
                                                           const void *data, size_t size);

// evnet_outbound_first_file returns the range at the front of the queue, without its consumed part.
// It is valid until the next call that consumes, or evnet_outbound_deinit.
//
// Returns: the range; NULL if bytes are at the front, or the queue is empty.
EVNET_API const struct evnet_outbound_file *evnet_outbound_first_file(
    const struct evnet_outbound *queue);

// evnet_outbound_gather describes the first queued bytes, up to the first file, as at most `count`
// pieces for sendmsg(2). They stay queued and in place until evnet_outbound_consume or
// evnet_outbound_deinit.
//
// Returns: the number of pieces written; 0 if the queue is empty or a file is at its front.
EVNET_API size_t evnet_outbound_gather(const struct evnet_outbound *queue, struct iovec *out_pieces,
                                       size_t count);

// evnet_outbound_consume removes the first `size` bytes and frees the blocks that they filled.
//
//   size  at most the bytes before the first file (asserted).
EVNET_API void evnet_outbound_consume(struct evnet_outbound *queue, size_t size);

// evnet_outbound_consume_file removes the first `size` bytes of the range at the front.
//
//   size  at most the range's (asserted, as is that there is a range).
EVNET_API void evnet_outbound_consume_file(struct evnet_outbound *queue, int64_t size);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_BUFFER_OUTBOUND_H_
