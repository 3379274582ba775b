// The bytes that are sent. One memcmp checks them, without a copy.
//
// A table of random bytes with a prime period represents an endless stream. Each connection sends
// that stream from its own start position, directly from the table, and expects it back. A lost,
// repeated or swapped piece shifts the stream, and a shifted stream differs: no piece that a server
// handles is a multiple of the period, because the period does not divide any payload, buffer or
// page size.

#ifndef EVNET_BENCHMARKS_LOAD_PATTERN_H_
#define EVNET_BENCHMARKS_LOAD_PATTERN_H_

#include <stddef.h>
#include <stdint.h>

enum {
  PATTERN_PERIOD = 65521,
  PATTERN_CHUNK_MAX = 256 * 1024,  // the most bytes that can be read at one position
};

// pattern_init fills the table. Call it once, before any other function here.
void pattern_init(void);

// pattern_start returns the start position of the index-th stream. Positions differ for any two
// indexes that are less than PATTERN_PERIOD apart.
uint32_t pattern_start(uint64_t index);

// pattern_skip returns the position that is `bytes` further.
static inline uint32_t pattern_skip(uint32_t place, size_t bytes) {
  return (uint32_t)((place + bytes) % PATTERN_PERIOD);
}

// pattern_at returns the bytes at a position; PATTERN_CHUNK_MAX bytes can be read.
const uint8_t *pattern_at(uint32_t place);

// pattern_mismatch returns the index of the first byte of data that differs from the table, or -1.
//
//   bytes     at most PATTERN_CHUNK_MAX.
ptrdiff_t pattern_mismatch(uint32_t place, const uint8_t *data, size_t bytes);

#endif  // EVNET_BENCHMARKS_LOAD_PATTERN_H_
