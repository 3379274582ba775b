// Protocols whose requests are all the same, and whose replies have one size: HTTP and RESP. One
// request at the beginning shows the size, so the loop of exchange.c needs no parser.

#ifndef EVNET_BENCHMARKS_LOAD_EXCHANGE_H_
#define EVNET_BENCHMARKS_LOAD_EXCHANGE_H_

#include <stddef.h>
#include <stdint.h>

#include <sys/types.h>

#include "benchmarks/load/options.h"

struct exchange {
  char *request;  // from malloc
  size_t request_bytes;
  char start[32];  // the first bytes of every reply, as a string
  uint64_t reply_bytes;
};

// exchange_http and exchange_resp prepare the exchange that the options describe. They send
// requests on a connected socket and read all of their replies.
//
//   out   filled; the caller frees request.
//
// Errors:  -1 after a line on stderr.
int exchange_http(const struct load_options *options, int fd, struct exchange *out);
int exchange_resp(const struct load_options *options, int fd, struct exchange *out);

// exchange_send sends all bytes in one call.
//
// Errors:  -1 after a line on stderr.
int exchange_send(int fd, const char *data, size_t size);

// exchange_receive waits up to 10 s for bytes.
//
// Returns: the number of received bytes, at least 1.
// Errors:  -1 after a line on stderr.
ssize_t exchange_receive(int fd, char *out, size_t size);

// exchange_expect receives a whole reply and checks its first bytes.
//
//   reply   receives `size` bytes, the size of the reply.
//   start   the bytes that the reply must begin with.
//
// Errors:  -1 after a line on stderr.
int exchange_expect(int fd, char *reply, size_t size, const char *start);

#endif  // EVNET_BENCHMARKS_LOAD_EXCHANGE_H_
