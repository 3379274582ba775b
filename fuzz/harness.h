// The part that fuzz targets with a world around them share: the steps of the input, memory that is
// counted and fails on demand, bytes to send, and CHECK.
//
// An input is a header of the target's own, then steps of three bytes each.
#ifndef EVNET_FUZZ_HARNESS_H_
#define EVNET_FUZZ_HARNESS_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/base/memory.h"
#include "net/poller/testing/sim.h"

enum {
  OFTEN = 300,               // in thousandths: the chance of a fault that an input asks for
  STEP_BYTES_MAX = 1 << 16,  // of one step: n has 16 bits
  NOISE_BYTES = 1 << 18,     // after it: two steps' more
};

struct harness {
  const uint8_t *input;  // the steps that are left
  size_t input_bytes;
  const uint8_t *noise;
  struct evnet_allocator allocator;  // counts, and fails as asked for
  size_t live_blocks;
  uint32_t fail_countdown;  // the allocation that fails, from now on; 0: none
  bool failed;              // an allocation has
};

// The kernel of an input whose header begins with three bytes:
//
//   0  the seed of its dice
//   1  bits 0 to 3: what it does now and then: short_recv, short_send, refused_send, deferred
//   2  the size of its buffers: (byte + 1)^2
struct evnet_sim_options harness_kernel(const uint8_t *header);

// One step of an input: a byte, then n, low byte first.
struct step {
  unsigned what;  // bits 0 to 6 of the byte
  bool other;     // bit 7
  size_t n;
};

// Begins a run on the steps of an input.
//
//   harness  filled with zeros; its address is kept until the run ends.
void harness_begin(struct harness *harness, const uint8_t *steps, size_t size);

// Takes the next step; false: the input is used up.
bool harness_step(struct harness *harness, struct step *out_step);

// The bytes that the server writes to one peer, whose reads are compared with them.
struct stream {
  size_t written;
  size_t perhaps;  // bytes after `written`, of a write that failed half-way
  size_t received;
  bool saw_end;
  bool saw_reset;
};

// Checks and notes the result of a peer's read.
//
//   outbound  the bytes written, and perhaps written, in order.
//   bytes     the bytes read; result of them, or 0 at the end, or -errno.
void stream_read(struct stream *stream, const struct evnet_sim *sim, const uint8_t *outbound,
                 const uint8_t *bytes, int64_t result);

// CHECK_IN prints the last events of the simulated kernel and the expression, and aborts, unless
// the expression is true.
//
//   sim  NULL: the target runs on the real kernel.
#define CHECK_IN(sim, expression) \
  ((expression) ? (void)0 : harness_check_failed(sim, #expression, __FILE__, __LINE__))
void harness_check_failed(const struct evnet_sim *sim, const char *expression, const char *file,
                          int line);

#endif  // EVNET_FUZZ_HARNESS_H_
