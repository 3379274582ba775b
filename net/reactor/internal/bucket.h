// A token bucket, whose tokens are bytes. It needs no timer: it stores the time at which it will be
// full.
#ifndef EVNET_NET_REACTOR_INTERNAL_BUCKET_H_
#define EVNET_NET_REACTOR_INTERNAL_BUCKET_H_

#include <stdbool.h>
#include <stdint.h>

#include "net/reactor/internal/names.h"

#ifdef __cplusplus
extern "C" {
#endif

// All zero: no limit.
struct bucket {
  uint64_t bytes_per_s;  // 0: no limit
  uint64_t burst_bytes;
  uint64_t full_ns;  // when it is full again; until then it holds less
  bool is_low;       // the last take left less than a quarter of what bucket_wait_ns waits for
};

// bucket_set changes the limit. The bucket keeps its bytes up to the new burst; one without a limit
// was full.
void bucket_set(struct bucket *bucket, uint64_t bytes_per_s, uint64_t burst_bytes, uint64_t now_ns);

// bucket_bytes returns the bytes that the bucket holds; UINT64_MAX without a limit.
uint64_t bucket_bytes(const struct bucket *bucket, uint64_t now_ns);

// bucket_may_pass returns the bytes that may pass now: none while the bucket is low and still has to
// fill. Without that, each turn of the loop would pass the few bytes that came since the last one.
uint64_t bucket_may_pass(const struct bucket *bucket, uint64_t now_ns);

// bucket_take takes bytes out. If it holds fewer, it owes the rest.
void bucket_take(struct bucket *bucket, uint64_t bytes, uint64_t now_ns);

// bucket_wait_ns returns the time until an empty bucket may pass bytes again: until it holds 1/32 of
// a second's bytes, or is full. 0: it may now.
uint64_t bucket_wait_ns(const struct bucket *bucket, uint64_t now_ns);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_INTERNAL_BUCKET_H_
