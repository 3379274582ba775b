// The bytes that are sent: see pattern.h.

#include "benchmarks/load/pattern.h"

#include <string.h>

static uint8_t table[PATTERN_PERIOD + PATTERN_CHUNK_MAX];

void pattern_init(void) {
  uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
  for (size_t i = 0; i < PATTERN_PERIOD; i++) {
    // xorshift64 (Marsaglia, 2003), which produces the same bytes in every run.
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    table[i] = (uint8_t)(state >> 56);
  }
  for (size_t i = PATTERN_PERIOD; i < sizeof(table); i++) table[i] = table[i - PATTERN_PERIOD];
}

uint32_t pattern_start(uint64_t index) {
  return (uint32_t)(index % PATTERN_PERIOD * 7919 % PATTERN_PERIOD);
}

const uint8_t *pattern_at(uint32_t place) { return table + place; }

ptrdiff_t pattern_mismatch(uint32_t place, const uint8_t *data, size_t bytes) {
  if (memcmp(table + place, data, bytes) == 0) return -1;
  size_t i = 0;
  while (data[i] == table[place + i]) i++;
  return (ptrdiff_t)i;
}
