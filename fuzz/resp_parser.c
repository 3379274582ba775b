// Parses a stream of requests of RESP2 in one piece and in parts, and aborts if the results differ, or if a result breaks
// the contract of examples/kv/resp.h.
//
// Input: a byte for each of the two limits (0: the default), a byte that seeds the sizes of the parts, then the stream.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "examples/kv/resp.h"

enum { HEADER_BYTES = 3 };

#define CHECK(expression) ((expression) ? (void)0 : check_failed(#expression, __LINE__))

static void check_failed(const char *expression, int line) {
  fprintf(stderr, "resp_parser.c:%d: not true: %s\n", line, expression);
  abort();
}

// Everything that a caller learns from a stream, as a hash.
struct reading {
  struct resp_limits limits;
  struct resp_request request;
  int error;
  size_t requests;
  uint64_t hash;
};

static void add(struct reading *reading, const void *data, size_t size) {
  const uint8_t *bytes = data;
  for (size_t i = 0; i < size; i++) reading->hash = (reading->hash ^ bytes[i]) * 0x100000001b3;
}

static void add_request(struct reading *reading) {
  const struct resp_request *request = &reading->request;
  for (size_t i = 0; i < request->args_count; i++) {
    CHECK(request->args[i].size <= (size_t)resp_limits_default.bulk_bytes_max);
    add(reading, &request->args[i].size, sizeof request->args[i].size);
    add(reading, request->args[i].data, request->args[i].size);
  }
  reading->requests++;
}

// Reads as far as it can. Returns the number of bytes consumed.
static size_t read_some(struct reading *reading, const uint8_t *data, size_t size) {
  size_t at = 0;
  while (reading->error == 0) {
    const ssize_t used = resp_parse(&reading->request, &reading->limits, data + at, size - at);
    if (used < 0) {
      char message[RESP_ERROR_BYTES_MAX];
      reading->error = (int)used;
      resp_error_message(&reading->request, (enum resp_error)used, message);
      CHECK(strncmp(message, "ERR ", 4) == 0 && strpbrk(message, "\r\n") == NULL);
    }
    if (used <= 0) break;
    CHECK((size_t)used <= size - at);
    add_request(reading);
    at += (size_t)used;
  }
  return at;
}

static void check_same(const struct reading *one, const struct reading *other) {
  CHECK(one->error == other->error);
  CHECK(one->requests == other->requests);
  CHECK(one->hash == other->hash);
}

// Reads the stream in parts, each time from memory that holds no byte more.
static void read_parts(struct reading *reading, const uint8_t *data, size_t size, uint32_t seed) {
  size_t begin = 0, end = 0;
  while (end < size) {
    seed = seed * 1664525 + 1013904223;
    const size_t step = 1 + (seed >> 24) % 16;
    end = size - end < step ? size : end + step;
    uint8_t *exact = malloc(end - begin);
    CHECK(exact != NULL);
    memcpy(exact, data + begin, end - begin);
    begin += read_some(reading, exact, end - begin);
    free(exact);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < HEADER_BYTES) return 0;
  struct resp_limits limits = resp_limits_default;
  if (data[0] != 0) limits.args_max = data[0];
  if (data[1] != 0) limits.bulk_bytes_max = data[1];
  struct reading whole = {.limits = limits}, parts = {.limits = limits};
  read_some(&whole, data + HEADER_BYTES, size - HEADER_BYTES);
  read_parts(&parts, data + HEADER_BYTES, size - HEADER_BYTES, data[2]);
  check_same(&whole, &parts);
  resp_deinit(&whole.request);
  resp_deinit(&parts.request);
  return 0;
}
