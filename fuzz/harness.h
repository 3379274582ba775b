// The code that fuzz targets with a simulated environment share: the steps of the input, memory
// that is counted and fails on demand, bytes to send, and CHECK.
//
// An input is a header that depends on the target, then steps of three bytes each.
#ifndef EVNET_FUZZ_HARNESS_H_
#define EVNET_FUZZ_HARNESS_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/base/memory.h"
#include "net/poller/testing/sim.h"

enum {
  OFTEN = 300,               // the chance of a fault that an input enables, in thousandths
  STEP_BYTES_MAX = 1 << 16,  // bytes of one step: n has 16 bits
  NOISE_BYTES = 1 << 18,     // the noise continues for two steps after it
};

struct harness {
  const uint8_t *input;  // the remaining steps
  size_t input_bytes;
  const uint8_t *noise;
  struct evnet_allocator allocator;  // counts blocks, and fails on demand
  size_t live_blocks;
  uint32_t fail_countdown;  // counts down to the allocation that fails; 0: none
  bool failed;              // an allocation has failed
};

// Returns the options of the kernel for an input whose header begins with three bytes:
//
//   0  the seed of the kernel's random numbers
//   1  bits 0 to 3: faults injected at random: short_recv, short_send, refused_send, deferred
//   2  the size of its buffers: (byte + 1)^2
struct evnet_sim_options harness_kernel(const uint8_t *header);

// A step of the input: a byte, then n, low byte first.
struct step {
  unsigned what;  // bits 0 to 6 of the byte
  bool other;     // bit 7
  size_t n;
};

// Begins a run with the steps of an input.
//
//   harness  zero-initialised; it must not move until the run ends.
void harness_begin(struct harness *harness, const uint8_t *steps, size_t size);

// Takes the next step. Returns false at the end of the input.
bool harness_step(struct harness *harness, struct step *out_step);

// The bytes that the server writes to one peer, whose reads are compared with them.
struct stream {
  size_t written;
  size_t perhaps;  // bytes after `written` that a failed write may have sent
  size_t received;
  bool saw_end;
  bool saw_reset;
};

// Checks the result of a peer's read and records it.
//
//   outbound  the bytes written, then those of `perhaps`.
//   bytes     the bytes read. result: their number; 0: end-of-stream; or -errno.
void stream_read(struct stream *stream, const struct evnet_sim *sim, const uint8_t *outbound,
                 const uint8_t *bytes, int64_t result);

// CHECK_IN aborts if the expression is false, after printing it and the last events of the
// simulated kernel.
//
//   sim  NULL: the target runs on the real kernel.
#define CHECK_IN(sim, expression) \
  ((expression) ? (void)0 : harness_check_failed(sim, #expression, __FILE__, __LINE__))
void harness_check_failed(const struct evnet_sim *sim, const char *expression, const char *file,
                          int line);

#endif  // EVNET_FUZZ_HARNESS_H_
