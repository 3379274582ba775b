// The code that fuzz targets with a simulated environment share.
#include "fuzz/harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *allocate(size_t size, void *user) {
  struct harness *harness = user;
  if (harness->fail_countdown > 0 && --harness->fail_countdown == 0) {
    harness->failed = true;
    return NULL;
  }
  harness->live_blocks++;
  return malloc(size);
}

static void release(void *pointer, void *user) {
  struct harness *harness = user;
  harness->live_blocks--;
  free(pointer);
}

// Returns bytes that are the same in each run, so that an input always has the same effect.
static const uint8_t *make_noise(void) {
  static uint8_t bytes[NOISE_BYTES + 2 * STEP_BYTES_MAX];
  static bool made;
  uint64_t state = 1;
  for (size_t i = 0; !made && i < sizeof bytes; i++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    bytes[i] = (uint8_t)(state >> 56);
  }
  made = true;
  return bytes;
}

struct evnet_sim_options harness_kernel(const uint8_t *header) {
  const uint32_t buffer_bytes = (header[2] + 1u) * (header[2] + 1u);
  return (struct evnet_sim_options){
      .seed = header[0],
      .buffer_bytes_min = buffer_bytes,
      .buffer_bytes_max = buffer_bytes,
      .faults =
          {
              .short_recv = header[1] & 1 ? OFTEN : 0,
              .short_send = header[1] & 2 ? OFTEN : 0,
              .refused_send = header[1] & 4 ? OFTEN : 0,
              .deferred = header[1] & 8 ? OFTEN : 0,
          },
  };
}

void harness_begin(struct harness *harness, const uint8_t *steps, size_t size) {
  harness->input = steps;
  harness->input_bytes = size;
  harness->noise = make_noise();
  harness->allocator =
      (struct evnet_allocator){.allocate = allocate, .release = release, .user = harness};
}

bool harness_step(struct harness *harness, struct step *out_step) {
  if (harness->input_bytes < 3) return false;
  const uint8_t *in = harness->input;
  *out_step = (struct step){
      .what = in[0] & 127u, .other = in[0] & 128, .n = (size_t)in[1] | (size_t)in[2] << 8};
  harness->input += 3;
  harness->input_bytes -= 3;
  return true;
}

void stream_read(struct stream *stream, const struct evnet_sim *sim, const uint8_t *outbound,
                 const uint8_t *bytes, int64_t result) {
  if (result == -EAGAIN || stream->saw_end || stream->saw_reset) return;
  if (result < 0) {
    stream->saw_reset = true;
  } else if (result == 0) {
    stream->saw_end = true;
    // End-of-stream means that all written bytes have arrived.
    CHECK_IN(sim, stream->received >= stream->written);
  } else {
    const size_t size = (size_t)result;
    CHECK_IN(sim, size <= stream->written + stream->perhaps - stream->received);
    CHECK_IN(sim, memcmp(bytes, outbound + stream->received, size) == 0);
    stream->received += size;
  }
}

void harness_check_failed(const struct evnet_sim *sim, const char *expression, const char *file,
                          int line) {
  if (sim != NULL) evnet_sim_print_trace(sim, stderr);
  fprintf(stderr, "%s:%d: not true: %s\n", file, line, expression);
  const char *failure = sim != NULL ? evnet_sim_failure(sim) : NULL;
  if (failure != NULL) fprintf(stderr, "%s\n", failure);
  abort();
}
