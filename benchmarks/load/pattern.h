// The bytes that are sent, made so that a check costs one memcmp and no copy.
//
// One table of random bytes with a prime period stands for an endless stream. Each connection sends
// that stream from a place of its own on, straight out of the table, and expects it back. A lost,
// doubled or swapped piece shifts the stream, and the shifted bytes differ: the period divides no
// payload, buffer or page size, so no piece that a server handles is a whole number of periods.

#ifndef EVNET_BENCHMARKS_LOAD_PATTERN_H_
#define EVNET_BENCHMARKS_LOAD_PATTERN_H_

#include <stddef.h>
#include <stdint.h>

enum {
  PATTERN_PERIOD = 65521,
  PATTERN_CHUNK_MAX = 256 * 1024,  // so much can be taken at one place
};

// pattern_init fills the table. To be called once, before anything else here.
void pattern_init(void);

// pattern_start returns the place from which the index-th stream starts; places differ for any two
// indexes less than PATTERN_PERIOD apart.
uint32_t pattern_start(uint64_t index);

// pattern_skip returns the place bytes further on.
static inline uint32_t pattern_skip(uint32_t place, size_t bytes) {
  return (uint32_t)((place + bytes) % PATTERN_PERIOD);
}

// pattern_at returns the table at a place; PATTERN_CHUNK_MAX bytes may be read there.
const uint8_t *pattern_at(uint32_t place);

// pattern_mismatch returns the index of the first byte of data that is not the table's, or -1.
//
//   bytes     at most PATTERN_CHUNK_MAX.
ptrdiff_t pattern_mismatch(uint32_t place, const uint8_t *data, size_t bytes);

#endif  // EVNET_BENCHMARKS_LOAD_PATTERN_H_
