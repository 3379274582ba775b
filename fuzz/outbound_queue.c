// Drives an evnet_outbound by a sequence of steps, compares it with a model, which is a list of the
// queued pieces in order, and aborts on any difference.
//
// Input: steps of three bytes: the kind (enum world_step), and a number n of 16 bits, low byte
// first. One or two trailing bytes are ignored. outbound_queue_seeds.py writes inputs by name.
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/buffer/outbound.h"

enum world_step {
  APPEND = 0,       // n bytes in one piece
  PIECES = 1,       // n % 1024 bytes in three pieces, one of them empty; skips the first n / 1024
  PREPEND = 2,      // n % 4096 bytes
  FILE_RANGE = 3,   // n + 1 bytes of a file
  LEND = 4,         // n bytes
  LEND_NONE = 5,    // 0 bytes, unless the queue is empty
  CONSUME = 6,      // up to n of the bytes in front of the first file, or up to n of the file
  CONSUME_ALL = 7,  // the first n % 16 + 1 pieces
  BOUND = 8,        // n; 0: none
  FAIL = 9,         // the (n % 8 + 1)-th allocation from now; if n > 7, all later ones too
  FAIL_NEVER = 10,
  DEINIT = 11,
  STEPS = 12,  // the number of kinds
};

enum {
  PIECES_MAX = 256,
  LENT_MAX = 32,
  BYTES_MAX = 1 << 19,
  NOISE_BYTES = 1 << 16,
  GATHER_MAX = 512,
};

enum kind { BYTES, OF_FILE, LENT, LENT_NONE };

// The output of one step; its bytes begin at `noise + at`.
struct piece {
  enum kind kind;
  size_t size;
  size_t at;  // OF_FILE: the offset
  int index;  // of the lent record, or the descriptor
};

struct lent {
  struct evnet_outbound_lent lent;
  bool in_use;
  bool expected;  // the value of `taken` with which it must be returned
};

struct state {
  struct evnet_outbound queue;
  struct evnet_allocator allocator;
  size_t live_blocks;
  size_t fail_countdown;
  bool fail_forever;
  bool failed;
  size_t count;
  struct piece pieces[PIECES_MAX];
  struct lent lent[LENT_MAX];
  int descriptors;         // number handed out
  int closed;              // the last one that was closed; they close in order
  size_t bytes, files;     // queued
  size_t ends, ends_seen;  // of lent records: expected and seen
  size_t written;          // position of the next bytes in the noise
};

static struct state state;
static uint8_t noise[2 * NOISE_BYTES];

#define CHECK(expression) ((expression) ? (void)0 : check_failed(#expression, __LINE__))

static void check_failed(const char *expression, int line) {
  fprintf(stderr, "outbound_queue.c:%d: not true: %s\n", line, expression);
  abort();
}

static void *allocate(size_t size, void *user) {
  struct state *s = user;
  if (s->fail_countdown > 0 && --s->fail_countdown == 0) {
    if (s->fail_forever) s->fail_countdown = 1;
    s->failed = true;
    return NULL;
  }
  s->live_blocks++;
  return malloc(size);
}

static void release(void *pointer, void *user) {
  struct state *s = user;
  if (pointer != NULL) s->live_blocks--;
  free(pointer);
}

static void close_file(int descriptor) {
  CHECK(descriptor == state.closed + 1);
  state.closed = descriptor;
}

static void lent_done(struct evnet_outbound_lent *lent, bool taken) {
  struct lent *record = (struct lent *)lent;
  CHECK(record->in_use && taken == record->expected);
  record->in_use = false;
  // The lender may reuse the record immediately.
  memset(&record->lent, 0xa5, sizeof record->lent);
  state.ends_seen++;
}

// The model

static struct piece *model_insert(struct state *s, size_t at, struct piece piece) {
  CHECK(s->count < PIECES_MAX);
  memmove(&s->pieces[at + 1], &s->pieces[at], (s->count - at) * sizeof piece);
  s->count++;
  s->pieces[at] = piece;
  if (piece.kind == OF_FILE) {
    s->files++;
  } else {
    s->bytes += piece.size;
  }
  return &s->pieces[at];
}

static bool is_lent(const struct piece *piece) {
  return piece->kind == LENT || piece->kind == LENT_NONE;
}

static void model_drop(struct state *s) {
  if (s->pieces[0].kind == OF_FILE) s->files--;
  memmove(&s->pieces[0], &s->pieces[1], --s->count * sizeof s->pieces[0]);
}

// Called before the queue consumes `size` bytes, to determine which lent records end.
static void model_consume(struct state *s, size_t size) {
  while (s->count > 0) {
    struct piece *first = &s->pieces[0];
    const size_t part = size < first->size ? size : first->size;
    first->size -= part;
    first->at += part;
    size -= part;
    if (first->kind != OF_FILE) s->bytes -= part;
    if (first->size > 0) return;
    if (is_lent(first)) {
      s->lent[first->index].expected = true;
      s->ends++;
    }
    model_drop(s);
  }
}

static bool fits(const struct state *s, size_t size) {
  return s->queue.bytes_max == 0 || s->bytes + size <= s->queue.bytes_max;
}

// Steps

static size_t next_bytes(struct state *s, size_t size) {
  const size_t at = s->written % NOISE_BYTES;
  s->written += size + 1;
  return at;
}

static void append(struct state *s, const struct iovec *pieces, size_t count, size_t skip,
                   size_t size, size_t at) {
  const int status = evnet_outbound_append(&s->queue, pieces, count, skip);
  if (size == 0) {
    CHECK(status == 0);
    return;
  }
  CHECK(status == (!fits(s, size) ? -ENOBUFS : s->failed ? -ENOMEM : 0));
  if (status == 0) model_insert(s, s->count, (struct piece){BYTES, size, at, 0});
}

static void append_pieces(struct state *s, size_t n) {
  const size_t total = n % 1024;
  const size_t skip = n / 1024 < total ? n / 1024 : total;
  const size_t at = next_bytes(s, total);
  const struct iovec pieces[] = {
      {noise + at, total / 3}, {NULL, 0}, {noise + at + total / 3, total - total / 3}};
  append(s, pieces, 3, skip, total - skip, at + skip);
}

static void prepend(struct state *s, size_t size) {
  const size_t at = next_bytes(s, size);
  const int status = evnet_outbound_prepend(&s->queue, noise + at, size);
  CHECK(status == (s->failed ? -ENOMEM : 0));
  if (status == 0 && size > 0) model_insert(s, 0, (struct piece){BYTES, size, at, 0});
}

static void append_file(struct state *s, size_t size) {
  const struct evnet_outbound_file file = {.offset = (int64_t)s->written,
                                           .size = (int64_t)size,
                                           .descriptor = s->descriptors + 1,
                                           .close = close_file};
  const int status = evnet_outbound_append_file(&s->queue, &file);
  CHECK(status == (s->files == EVNET_OUTBOUND_FILES_MAX ? -ENOBUFS : s->failed ? -ENOMEM : 0));
  if (status < 0) return;
  s->descriptors++;
  model_insert(s, s->count, (struct piece){OF_FILE, size, s->written, s->descriptors});
}

static void lend(struct state *s, size_t size) {
  int index = 0;
  while (index < LENT_MAX && s->lent[index].in_use) index++;
  if (index == LENT_MAX || (size == 0 && s->count == 0)) return;
  struct lent *record = &s->lent[index];
  record->lent.done = lent_done;
  const size_t at = next_bytes(s, size);
  const int status =
      evnet_outbound_append_lent(&s->queue, &record->lent, size > 0 ? noise + at : NULL, size);
  CHECK(status == (fits(s, size) ? 0 : -ENOBUFS));
  if (status < 0) return;
  record->in_use = true;
  record->expected = false;
  model_insert(s, s->count, (struct piece){size > 0 ? LENT : LENT_NONE, size, at, index});
}

// Returns the number of bytes before the first file, in at most `count` pieces.
static size_t bytes_in_front(const struct state *s, size_t count) {
  size_t size = 0;
  for (size_t i = 0; i < s->count && i < count && s->pieces[i].kind != OF_FILE; i++)
    size += s->pieces[i].size;
  return size;
}

static void consume(struct state *s, size_t n, size_t count) {
  if (s->count > 0 && s->pieces[0].kind == OF_FILE) {
    const size_t size = n < s->pieces[0].size ? n : s->pieces[0].size;
    model_consume(s, size);
    evnet_outbound_consume_file(&s->queue, (int64_t)size);
    return;
  }
  const size_t front = bytes_in_front(s, count);
  const size_t size = n < front ? n : front;
  if (size > 0) model_consume(s, size);
  evnet_outbound_consume(&s->queue, size);
}

static void deinit(struct state *s) {
  const size_t bytes_max = s->queue.bytes_max;
  for (size_t i = 0; i < s->count; i++) s->ends += is_lent(&s->pieces[i]);
  evnet_outbound_deinit(&s->queue);
  CHECK(s->queue.bytes_max == bytes_max && s->queue.allocator == &s->allocator);
  CHECK(s->closed == s->descriptors);
  s->count = s->bytes = s->files = 0;
}

static void operate(struct state *s, enum world_step step, size_t n) {
  s->failed = false;
  const bool full = s->count + 2 > PIECES_MAX || s->bytes + n > BYTES_MAX;
  switch (step) {
    case APPEND: {
      if (full) return;
      const size_t at = next_bytes(s, n);
      append(s, &(struct iovec){noise + at, n}, 1, 0, n, at);
      break;
    }
    case PIECES:
      if (!full) append_pieces(s, n);
      break;
    case PREPEND:
      if (!full) prepend(s, n % 4096);
      break;
    case FILE_RANGE:
      if (!full) append_file(s, n + 1);
      break;
    case LEND:
      if (!full) lend(s, n);
      break;
    case LEND_NONE:
      if (!full) lend(s, 0);
      break;
    case CONSUME:
      consume(s, n, PIECES_MAX);
      break;
    case CONSUME_ALL:
      consume(s, SIZE_MAX, n % 16 + 1);
      break;
    case BOUND:
      s->queue.bytes_max = n;
      break;
    case FAIL:
      s->fail_countdown = n % 8 + 1;
      s->fail_forever = n >= 8;
      break;
    case FAIL_NEVER:
      s->fail_countdown = 0;
      break;
    default:
      deinit(s);
      break;
  }
}

// Checks that the gathered bytes are those of the model, up to the first file.
static void gather_check(const struct state *s, size_t pieces_max) {
  static struct iovec pieces[GATHER_MAX];
  const size_t count = evnet_outbound_gather(&s->queue, pieces, pieces_max);
  CHECK(count <= pieces_max);
  size_t at = 0;    // index of the model's piece
  size_t done = 0;  // bytes of that piece that were compared
  for (size_t i = 0; i < count; i++) {
    CHECK(pieces[i].iov_len > 0);
    for (size_t seen = 0; seen < pieces[i].iov_len;) {
      while (at < s->count && done == s->pieces[at].size) {
        at++;
        done = 0;
      }
      CHECK(at < s->count && s->pieces[at].kind != OF_FILE);
      const size_t left = s->pieces[at].size - done;
      const size_t part = left < pieces[i].iov_len - seen ? left : pieces[i].iov_len - seen;
      CHECK(memcmp((uint8_t *)pieces[i].iov_base + seen, noise + s->pieces[at].at + done, part) ==
            0);
      seen += part;
      done += part;
    }
  }
  if (count == pieces_max) return;
  while (at < s->count && done == s->pieces[at].size) {
    at++;
    done = 0;
  }
  CHECK(at == s->count || s->pieces[at].kind == OF_FILE);
}

static void state_check(const struct state *s) {
  CHECK(evnet_outbound_bytes(&s->queue) == s->bytes);
  CHECK(evnet_outbound_is_empty(&s->queue) == (s->count == 0));
  CHECK(s->queue.files == s->files);
  CHECK(s->ends == s->ends_seen);
  if (s->count == 0) CHECK(s->live_blocks == 0);
  const struct evnet_outbound_file *file = evnet_outbound_first_file(&s->queue);
  CHECK((file != NULL) == (s->count > 0 && s->pieces[0].kind == OF_FILE));
  if (file != NULL) {
    CHECK(file->descriptor == s->pieces[0].index);
    CHECK(file->size == (int64_t)s->pieces[0].size);
    CHECK(file->offset == (int64_t)s->pieces[0].at);
  }
  gather_check(s, GATHER_MAX);
  gather_check(s, 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct state *s = &state;
  memset(s, 0, sizeof *s);
  uint32_t random = 1;
  for (size_t i = 0; noise[1] == 0 && i < sizeof noise; i++) {
    random = random * 1664525u + 1013904223u;
    noise[i] = (uint8_t)(random >> 24);
  }
  s->allocator = (struct evnet_allocator){.allocate = allocate, .release = release, .user = s};
  evnet_outbound_init(&s->queue, &s->allocator, 0);
  state_check(s);
  for (size_t i = 0; i + 3 <= size; i += 3) {
    operate(s, data[i] % STEPS, (size_t)data[i + 1] | (size_t)data[i + 2] << 8);
    state_check(s);
  }
  deinit(s);
  state_check(s);
  return 0;
}
