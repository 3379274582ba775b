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

// CHECK_IN prints the last events of the simulated kernel and the expression, and aborts, unless the
// expression is true.
//
//   sim  NULL: the target runs on the real kernel.
#define CHECK_IN(sim, expression) \
  ((expression) ? (void)0 : harness_check_failed(sim, #expression, __FILE__, __LINE__))
void harness_check_failed(const struct evnet_sim *sim, const char *expression, const char *file,
                          int line);

#endif  // EVNET_FUZZ_HARNESS_H_
