// Drives an evnet_ring by a sequence of operations, compares it with a model, which is an array of
// the unread bytes, and aborts on any difference.
//
// Input: operations of three bytes: the kind, and a number n of 16 bits, low byte first. One or two
// trailing bytes are ignored. After each operation the whole visible state of the ring is compared.
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/buffer/ring.h"

enum {
  APPEND,      // n % 8192 bytes
  APPEND_FEW,  // n % 16 bytes
  DISCARD,     // n % (size + 1) bytes
  READ,        // up to n bytes
  LINEARIZE,
  TRIM,
  BOUND,         // bytes_max = n; 0 is the default
  FAIL_ONCE,     // the (n % 8 + 1)-th allocation from now fails
  FAIL_FOREVER,  // that one and all later ones fail
  FAIL_NEVER,
  REFILL,  // discards half, then appends as much: wraps without growing
  DEINIT,
  OPERATIONS,            // the number of kinds
  MODEL_BYTES = 1 << 15  // the largest ring; larger appends are skipped
};

struct state {
  struct evnet_ring ring;
  struct evnet_allocator allocator;
  size_t live_blocks;
  size_t fail_countdown;  // counts down to the allocation that fails; 0: none
  bool fail_forever;
  bool failed;           // an allocation has failed in this operation
  size_t bound_highest;  // the highest bound since the ring last had no memory
  uint32_t written;      // seed of the next bytes
  size_t size;
  uint8_t model[MODEL_BYTES];
};

static struct state state;
static uint8_t scratch[MODEL_BYTES];

#define CHECK(expression) ((expression) ? (void)0 : check_failed(#expression, __LINE__))

static void check_failed(const char *expression, int line) {
  fprintf(stderr, "ring_buffer.c:%d: not true: %s\n", line, expression);
  abort();
}

static void *allocate(size_t size, void *user) {
  struct state *s = user;
  if (s->fail_countdown > 0 && --s->fail_countdown == 0) {
    if (s->fail_forever) s->fail_countdown = 1;
    s->failed = true;
    return NULL;
  }
  // A block may have spare bytes for its alignment.
  CHECK(size > 0 && size <= s->bound_highest + EVNET_BLOCK_SPARE_BYTES);
  s->live_blocks++;
  return malloc(size);
}

static void release(void *pointer, void *user) {
  struct state *s = user;
  s->live_blocks--;
  free(pointer);
}

static size_t bound(const struct state *s) {
  return s->ring.bytes_max != 0 ? s->ring.bytes_max : EVNET_RING_BYTES_MAX_DEFAULT;
}

static void model_drop(struct state *s, size_t size) {
  memmove(s->model, s->model + size, s->size - size);
  s->size -= size;
}

static void append(struct state *s, size_t size) {
  if (s->size + size > MODEL_BYTES) return;
  for (size_t i = 0; i < size; i++) scratch[i] = (uint8_t)(s->written++ * 2654435761u >> 24);
  const bool fits = s->size + size <= bound(s) || size == 0;
  const bool grows = fits && s->size + size > s->ring.capacity;
  int status = evnet_ring_append(&s->ring, scratch, size);
  CHECK(!s->failed || grows);
  CHECK(status == (!fits ? -ENOBUFS : s->failed ? -ENOMEM : 0));
  if (status < 0) return;
  memcpy(s->model + s->size, scratch, size);
  s->size += size;
}

static void discard(struct state *s, size_t size) {
  evnet_ring_discard(&s->ring, size);
  model_drop(s, size);
}

static void read_some(struct state *s, size_t size) {
  const size_t expected = size < s->size ? size : s->size;
  CHECK(evnet_ring_read(&s->ring, scratch, size) == expected);
  CHECK(memcmp(scratch, s->model, expected) == 0);
  model_drop(s, expected);
}

// Checks that the two spans have the model's bytes.
static void spans_check(const struct state *s, const struct evnet_bytes spans[2]) {
  CHECK(spans[0].size + spans[1].size == s->size);
  if (spans[0].size > 0) CHECK(memcmp(spans[0].data, s->model, spans[0].size) == 0);
  if (spans[1].size > 0) {
    CHECK(memcmp(spans[1].data, s->model + spans[0].size, spans[1].size) == 0);
  }
}

static void linearize(struct state *s) {
  struct evnet_bytes before[2];
  struct evnet_bytes after[2];
  evnet_ring_peek_pair(&s->ring, before);
  const bool wrapped = before[1].size > 0;
  void *retired = &state;
  int status = evnet_ring_linearize(&s->ring, &retired);
  CHECK(status == (s->failed ? -ENOMEM : 0));
  CHECK((retired != NULL) == (wrapped && !s->failed));
  evnet_ring_peek_pair(&s->ring, after);
  CHECK((after[1].size > 0) == (wrapped && s->failed));
  spans_check(s, before);
  evnet_block_release(s->ring.allocator, retired);
}

static void trim(struct state *s) {
  const size_t before = s->ring.capacity;
  evnet_ring_trim(&s->ring);
  if (s->failed) {
    CHECK(s->size > 0 && s->ring.capacity == before);
  } else if (s->size == 0) {
    CHECK(s->ring.capacity == 0);
  } else {
    CHECK(s->size > s->ring.capacity / 4 || s->ring.capacity < 2 * EVNET_RING_BYTES_MIN);
    CHECK(s->ring.capacity >= EVNET_RING_BYTES_MIN || s->ring.capacity == before);
  }
}

static void refill(struct state *s) {
  const size_t half = s->size / 2;
  discard(s, half);
  append(s, half);
}

static void fail_at(struct state *s, size_t countdown, bool forever) {
  s->fail_countdown = countdown;
  s->fail_forever = forever;
}

static void deinit(struct state *s) {
  const size_t bytes_max = s->ring.bytes_max;
  evnet_ring_deinit(&s->ring);
  CHECK(s->ring.bytes_max == bytes_max && s->ring.allocator == &s->allocator);
  s->size = 0;
}

static void operate(struct state *s, unsigned operation, size_t n) {
  s->failed = false;
  switch (operation) {
    case APPEND:
      append(s, n % 8192);
      break;
    case APPEND_FEW:
      append(s, n % 16);
      break;
    case DISCARD:
      discard(s, n % (s->size + 1));
      break;
    case READ:
      read_some(s, n);
      break;
    case LINEARIZE:
      linearize(s);
      break;
    case TRIM:
      trim(s);
      break;
    case BOUND:
      s->ring.bytes_max = n;
      break;
    case FAIL_ONCE:
      fail_at(s, n % 8 + 1, false);
      break;
    case FAIL_FOREVER:
      fail_at(s, n % 8 + 1, true);
      break;
    case FAIL_NEVER:
      fail_at(s, 0, false);
      break;
    case REFILL:
      refill(s);
      break;
    default:
      deinit(s);
      break;
  }
}

static void state_check(struct state *s) {
  struct evnet_bytes spans[2];
  evnet_ring_peek_pair(&s->ring, spans);
  spans_check(s, spans);
  CHECK(evnet_ring_size(&s->ring) == s->size);
  CHECK(s->ring.size <= s->ring.capacity);
  CHECK(s->ring.head < s->ring.capacity || s->ring.head == 0);
  CHECK((s->ring.data != NULL) == (s->ring.capacity != 0));
  CHECK(s->live_blocks == (s->ring.capacity != 0 ? 1 : 0));
  if (bound(s) > s->bound_highest || s->ring.capacity == 0) s->bound_highest = bound(s);
  CHECK(s->ring.capacity <= s->bound_highest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct state *s = &state;
  s->allocator = (struct evnet_allocator){.allocate = allocate, .release = release, .user = s};
  s->size = 0;
  s->written = 0;
  s->fail_countdown = 0;
  s->fail_forever = false;
  evnet_ring_init(&s->ring, &s->allocator, 0);
  state_check(s);
  for (size_t i = 0; i + 3 <= size; i += 3) {
    operate(s, data[i] % OPERATIONS, (size_t)data[i + 1] | (size_t)data[i + 2] << 8);
    state_check(s);
  }
  deinit(s);
  CHECK(s->live_blocks == 0);
  return 0;
}
