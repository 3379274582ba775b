// A log-linear histogram of nanoseconds, like HdrHistogram: 64 equal steps within each power of
// two. It stores values from 0 to 2^64 - 1 with an error of at most 1/64, in 30 KiB, without a
// branch on the range.

#ifndef EVNET_BENCHMARKS_LOAD_HISTOGRAM_H_
#define EVNET_BENCHMARKS_LOAD_HISTOGRAM_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  HISTOGRAM_STEP_BITS = 6,
  HISTOGRAM_STEPS = 1 << HISTOGRAM_STEP_BITS,
  HISTOGRAM_BUCKETS = (64 - HISTOGRAM_STEP_BITS + 1) * HISTOGRAM_STEPS,
};

// An all-zero histogram is empty.
struct histogram {
  uint64_t total;
  uint64_t max;
  uint64_t counts[HISTOGRAM_BUCKETS];
};

static inline void histogram_add(struct histogram *histogram, uint64_t value) {
  // Values below 64 have one bucket each. The OR makes clz defined and selects row 0 for them.
  uint32_t row =
      63u - (uint32_t)__builtin_clzll(value | (HISTOGRAM_STEPS - 1)) - (HISTOGRAM_STEP_BITS - 1);
  uint32_t shift = row == 0 ? 0 : row - 1;
  uint32_t base = row == 0 ? 0 : row * HISTOGRAM_STEPS;
  histogram->counts[base + ((value >> shift) & (HISTOGRAM_STEPS - 1))]++;
  histogram->total++;
  if (value > histogram->max) histogram->max = value;
}

// histogram_quantile returns a value that the given part of all values (0.99: 99 %) does not
// exceed, with the accuracy of a bucket. Returns 0 if the histogram is empty.
uint64_t histogram_quantile(const struct histogram *histogram, double part);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_BENCHMARKS_LOAD_HISTOGRAM_H_
