// The outbound queue: bytes that a connection has accepted and the kernel has not. A list of blocks
// that never move, so that a send in flight may point into them while more is appended behind.
//
//   first -> [consumed|bytes......] -> [bytes.................] -> [bytes...|free...] <- last
//
// Ranges of files stand in the same order, each in a block of its own. The queue does not read
// them: it names the one in front, and what was sent of it is consumed like bytes. So do bytes that
// were lent: they are not copied, and their owner learns when the last of them has gone.
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

// The queue's own.
struct evnet_outbound_block {
  struct evnet_outbound_block *next;
  uint8_t *data;    // NULL: it is a file's
  size_t capacity;  // bytes at data
  size_t consumed;  // the first of them, no longer queued
  size_t used;      // <= capacity
  bool lent;        // the head of a struct evnet_outbound_lent
};

enum {
  // One block with its header, for a little; each further block is twice the last, or larger if
  // more is appended at once.
  EVNET_OUTBOUND_BLOCK_BYTES_MIN = 4096,
  EVNET_OUTBOUND_BLOCK_BYTES_MAX = 65536,  // and for much: what is consumed is freed in these steps
  EVNET_OUTBOUND_FILES_MAX = 64,  // ranges of files at once, as each has a descriptor of its own
};

// A range of a file.
struct evnet_outbound_file {
  int64_t offset;  // of its first byte
  int64_t size;    // more than 0
  // The queue's: closed by the last byte's evnet_outbound_consume_file, or by _deinit, through
  // close.
  int descriptor;
  void (*close)(int descriptor);
};

// Bytes that stay where they are. Embedded by their owner, and in place until `done`.
struct evnet_outbound_lent {
  struct evnet_outbound_block block;  // the queue's
  // Called once: `taken` when the last byte was consumed, else by _deinit. The queue is in the
  // middle of its work then: it must not be touched.
  void (*done)(struct evnet_outbound_lent *lent, bool taken);
};

struct evnet_outbound {
  struct evnet_outbound_block *first;
  struct evnet_outbound_block *last;
  size_t bytes;      // queued in all, but for those of files
  size_t bytes_max;  // the bound on bytes; 0: none. The owner may change it at any time
  const struct evnet_allocator *allocator;  // borrowed; NULL: malloc
  uint32_t files;                           // queued, at most EVNET_OUTBOUND_FILES_MAX
};

// evnet_outbound_init makes an empty queue, which allocates nothing yet.
EVNET_API void evnet_outbound_init(struct evnet_outbound *queue,
                                   const struct evnet_allocator *allocator, size_t bytes_max);

// evnet_outbound_deinit frees what is queued and leaves an empty queue with the same bound and
// allocator.
EVNET_API void evnet_outbound_deinit(struct evnet_outbound *queue);

static inline size_t evnet_outbound_bytes(const struct evnet_outbound *queue) {
  return queue->bytes;
}

// evnet_outbound_is_empty tells that there are neither bytes nor files.
static inline bool evnet_outbound_is_empty(const struct evnet_outbound *queue) {
  return queue->first == NULL;
}

// evnet_outbound_append copies the bytes of `count` pieces, but for the first `skip` of them,
// behind what is queued: all or nothing. What was queued does not move. Empty pieces are allowed;
// to queue nothing always succeeds.
//
//   skip  bytes that need not be queued, because the kernel took them; at most the pieces' sum
//         (asserted).
//
// Returns: 0.
// Errors:  -ENOBUFS when more than the bound would be queued; -ENOMEM. Nothing is changed then.
EVNET_API EVNET_WARN_UNUSED int evnet_outbound_append(struct evnet_outbound *queue,
                                                      const struct iovec *pieces, size_t count,
                                                      size_t skip);

// evnet_outbound_prepend copies `size` bytes in front of what is queued, for bytes that were on
// their way already and came back. The bound is not asked: they were accepted once.
//
// Returns: 0.
// Errors:  -ENOMEM, nothing changed.
EVNET_API EVNET_WARN_UNUSED int evnet_outbound_prepend(struct evnet_outbound *queue,
                                                       const void *data, size_t size);

// evnet_outbound_append_file puts a range of a file behind what is queued. It counts no bytes.
//
// Returns: 0; the descriptor is the queue's.
// Errors:  -ENOBUFS at EVNET_OUTBOUND_FILES_MAX; -ENOMEM. Nothing is changed then.
EVNET_API EVNET_WARN_UNUSED int evnet_outbound_append_file(struct evnet_outbound *queue,
                                                           const struct evnet_outbound_file *file);

// evnet_outbound_append_lent puts bytes behind what is queued without a copy, and allocates
// nothing.
//
//   lent  `done` set by the caller; the queue's, with the bytes, until it is called.
//   size  0 is allowed: `done` is called when everything in front has gone. The queue must not be
//         empty then (asserted).
//
// Returns: 0.
// Errors:  -ENOBUFS when more than the bound would be queued: nothing is changed, and `done` is not
//          called.
EVNET_API EVNET_WARN_UNUSED int evnet_outbound_append_lent(struct evnet_outbound *queue,
                                                           struct evnet_outbound_lent *lent,
                                                           const void *data, size_t size);

// evnet_outbound_first_file gives the range that comes next, without what was consumed of it; NULL
// when bytes come next or the queue is empty. Valid until the next call that consumes, and _deinit.
EVNET_API const struct evnet_outbound_file *evnet_outbound_first_file(
    const struct evnet_outbound *queue);

// evnet_outbound_gather describes the first bytes queued as at most `count` pieces for sendmsg(2):
// those in front of the first file. They stay queued and in place until evnet_outbound_consume or
// _deinit.
//
// Returns: the number of pieces written, 0 when the queue is empty or a file comes next.
EVNET_API size_t evnet_outbound_gather(const struct evnet_outbound *queue, struct iovec *out_pieces,
                                       size_t count);

// evnet_outbound_consume drops the first `size` bytes, which are queued in front of the first file
// (asserted), and frees the blocks they filled; the last block is freed with its last byte.
EVNET_API void evnet_outbound_consume(struct evnet_outbound *queue, size_t size);

// evnet_outbound_consume_file drops the first `size` bytes of the range that comes next: there is
// one, and it has so many (asserted).
EVNET_API void evnet_outbound_consume_file(struct evnet_outbound *queue, int64_t size);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_BUFFER_OUTBOUND_H_
