// RESP2, the protocol of Redis: GET or SET of one key of 16 bytes, with a value of --payload bytes;
// see exchange.h. The key is set first, so that GET finds it.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "benchmarks/load/exchange.h"
#include "benchmarks/load/run.h"

#define KEY "load:key:0000000"

enum {
  COMMAND_BYTES_MAX = 128,  // without the value
  REPLY_BYTES_MAX = 32,     // without the value
};

static const char done[] = "+OK\r\n";

// Returns a SET from malloc, or NULL.
static char *make_set(uint32_t value_bytes, size_t *out_bytes) {
  char *request = malloc(COMMAND_BYTES_MAX + (size_t)value_bytes);
  if (request == NULL) return NULL;
  const int head = snprintf(request, COMMAND_BYTES_MAX,
                            "*3\r\n$3\r\nSET\r\n$16\r\n" KEY "\r\n$%u\r\n", value_bytes);
  memset(request + head, 'v', value_bytes);
  memcpy(request + head + value_bytes, "\r\n", 2);
  *out_bytes = (size_t)head + value_bytes + 2;
  return request;
}

static int set_key(int fd, const char *set, size_t size) {
  char reply[sizeof(done)];
  if (exchange_send(fd, set, size) < 0) return -1;
  return exchange_expect(fd, reply, sizeof(done) - 1, done);
}

// Replaces the SET by a GET, and reads the value once.
static int make_get(const struct load_options *options, int fd, struct exchange *out) {
  static const char get[] = "*2\r\n$3\r\nGET\r\n$16\r\n" KEY "\r\n";
  out->request_bytes = sizeof(get) - 1;
  memcpy(out->request, get, sizeof(get));
  const int head = snprintf(out->start, sizeof(out->start), "$%u\r\n", options->payload_bytes);
  out->reply_bytes = (uint64_t)head + options->payload_bytes + 2;
  char *reply = malloc((size_t)options->payload_bytes + REPLY_BYTES_MAX);
  if (reply == NULL) return run_fail("out of memory");
  int status = exchange_send(fd, out->request, out->request_bytes);
  if (status == 0) status = exchange_expect(fd, reply, (size_t)out->reply_bytes, out->start);
  free(reply);
  return status;
}

int exchange_resp(const struct load_options *options, int fd, struct exchange *out) {
  *out = (struct exchange){.reply_bytes = sizeof(done) - 1};
  memcpy(out->start, done, sizeof(done));
  out->request = make_set(options->payload_bytes, &out->request_bytes);
  if (out->request == NULL) return run_fail("out of memory");
  int status = set_key(fd, out->request, out->request_bytes);
  if (status == 0 && options->mode == LOAD_RESP_GET) status = make_get(options, fd, out);
  return status;
}
