// HTTP/1.1: GET of one target. All responses must have status 200 and the same size; see
// exchange.h.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "benchmarks/load/exchange.h"
#include "benchmarks/load/run.h"

enum {
  REQUEST_BYTES_MAX = 512,
  HEAD_BYTES_MAX = 8192,
  PIECE_BYTES = 64 * 1024,
};

static const char good_start[] = "HTTP/1.1 200";

// Reads one response. Returns its size; -1 after a line on stderr.
static int64_t probe(int fd) {
  static char piece[PIECE_BYTES];
  char head[HEAD_BYTES_MAX + 1];
  size_t used = 0;
  const char *end = NULL;
  while (end == NULL) {
    if (used == HEAD_BYTES_MAX) return run_fail("the response has more than 8 KiB of fields");
    const ssize_t got = exchange_receive(fd, head + used, HEAD_BYTES_MAX - used);
    if (got < 0) return -1;
    used += (size_t)got;
    head[used] = '\0';
    end = strstr(head, "\r\n\r\n");
  }
  if (strncmp(head, good_start, sizeof(good_start) - 1) != 0)
    return run_fail("connection 0: a reply does not begin with %s", good_start);
  const char *length = strcasestr(head, "\r\ncontent-length:");
  if (length == NULL || length > end) return run_fail("the response has no Content-Length");
  const int64_t size = end + 4 - head + strtoll(length + 17, NULL, 10);
  for (int64_t left = size - (int64_t)used; left > 0;) {
    const size_t most = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
    const ssize_t got = exchange_receive(fd, piece, most);
    if (got < 0) return -1;
    left -= got;
  }
  return size;
}

int exchange_http(const struct load_options *options, int fd, struct exchange *out) {
  *out = (struct exchange){.request = malloc(REQUEST_BYTES_MAX)};
  if (out->request == NULL) return run_fail("out of memory");
  // The options limit the size of the target.
  out->request_bytes =
      (size_t)snprintf(out->request, REQUEST_BYTES_MAX,
                       "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", options->target);
  memcpy(out->start, good_start, sizeof(good_start));
  if (exchange_send(fd, out->request, out->request_bytes) < 0) return -1;
  const int64_t size = probe(fd);
  out->reply_bytes = (uint64_t)size;
  return size < 0 ? -1 : 0;
}
