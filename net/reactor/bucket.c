// A token bucket as a virtual clock: full_ns - now_ns is the time that the missing bytes take.
//
// Times are rounded up and bytes down, so that rounding never passes a byte too many. All products
// fit: a burst and a rate are at most EVNET_RATE_MAX, 2^33, and a second has less than 2^30 ns.
#include "net/reactor/internal/bucket.h"

enum { NS_PER_S = 1000000000, GRAINS_PER_S = 32 };

// Returns the time in which `bytes` bytes come, rounded up.
static uint64_t time_of(const struct bucket *bucket, uint64_t bytes) {
  const uint64_t rate = bucket->bytes_per_s;
  const uint64_t seconds = bytes / rate;
  if (seconds > UINT64_MAX / NS_PER_S / 2) return UINT64_MAX / 2;
  return seconds * NS_PER_S + (bytes % rate * NS_PER_S + rate - 1) / rate;
}

// Returns the bytes that come in a time, rounded up.
static uint64_t bytes_in(const struct bucket *bucket, uint64_t ns) {
  const uint64_t rate = bucket->bytes_per_s;
  const uint64_t seconds = ns / NS_PER_S;
  if (seconds > UINT64_MAX / 2 / rate) return UINT64_MAX / 2;
  return seconds * rate + (ns % NS_PER_S * rate + NS_PER_S - 1) / NS_PER_S;
}

void bucket_set(struct bucket *bucket, uint64_t bytes_per_s, uint64_t burst_bytes,
                uint64_t now_ns) {
  const uint64_t bytes = bucket_bytes(bucket, now_ns);
  bucket->bytes_per_s = bytes_per_s;
  bucket->burst_bytes = burst_bytes;
  bucket->full_ns = now_ns;
  if (bytes_per_s > 0 && bytes < burst_bytes)
    bucket->full_ns = now_ns + time_of(bucket, burst_bytes - bytes);
}

uint64_t bucket_bytes(const struct bucket *bucket, uint64_t now_ns) {
  if (bucket->bytes_per_s == 0) return UINT64_MAX;
  if (bucket->full_ns <= now_ns) return bucket->burst_bytes;
  const uint64_t missing = bytes_in(bucket, bucket->full_ns - now_ns);
  return missing < bucket->burst_bytes ? bucket->burst_bytes - missing : 0;
}

// Returns the bytes for which bucket_wait_ns waits.
static uint64_t grain_of(const struct bucket *bucket) {
  uint64_t grain = bucket->bytes_per_s / GRAINS_PER_S;
  if (grain == 0) grain = 1;
  return grain < bucket->burst_bytes ? grain : bucket->burst_bytes;
}

uint64_t bucket_may_pass(const struct bucket *bucket, uint64_t now_ns) {
  if (bucket->is_low && bucket_wait_ns(bucket, now_ns) > 0) return 0;
  return bucket_bytes(bucket, now_ns);
}

void bucket_take(struct bucket *bucket, uint64_t bytes, uint64_t now_ns) {
  if (bucket->bytes_per_s == 0) return;
  const uint64_t from_ns = bucket->full_ns > now_ns ? bucket->full_ns : now_ns;
  const uint64_t ns = time_of(bucket, bytes);
  bucket->full_ns = ns < UINT64_MAX - from_ns ? from_ns + ns : UINT64_MAX;
  bucket->is_low = bucket_bytes(bucket, now_ns) < (grain_of(bucket) + 3) / 4;
}

uint64_t bucket_wait_ns(const struct bucket *bucket, uint64_t now_ns) {
  if (bucket->bytes_per_s == 0 || bucket->full_ns <= now_ns) return 0;
  const uint64_t grain = grain_of(bucket);
  // The time at which only burst - grain bytes are missing.
  const uint64_t lead_ns = time_of(bucket, bucket->burst_bytes - grain);
  const uint64_t left_ns = bucket->full_ns - now_ns;
  // One more, because both roundings may hide a byte.
  return left_ns >= lead_ns ? left_ns - lead_ns + 1 : 0;
}
