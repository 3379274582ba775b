// A log-linear histogram: see histogram.h.

#include "benchmarks/load/histogram.h"

// Returns the largest value in a bucket.
static uint64_t bucket_top(uint32_t index) {
  uint32_t row = index / HISTOGRAM_STEPS;
  uint64_t step = index % HISTOGRAM_STEPS;
  if (row == 0) return step;
  uint32_t shift = row - 1;
  return ((HISTOGRAM_STEPS + step) << shift) + ((UINT64_C(1) << shift) - 1);
}

uint64_t histogram_quantile(const struct histogram *histogram, double part) {
  if (histogram->total == 0) return 0;
  uint64_t rank = (uint64_t)(part * (double)histogram->total);
  if (rank >= histogram->total) rank = histogram->total - 1;
  uint64_t seen = 0;
  for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
    seen += histogram->counts[i];
    if (seen > rank) {
      uint64_t top = bucket_top(i);
      return top < histogram->max ? top : histogram->max;
    }
  }
  return histogram->max;
}
