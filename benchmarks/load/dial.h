// Client sockets of the load generator.

#ifndef EVNET_BENCHMARKS_LOAD_DIAL_H_
#define EVNET_BENCHMARKS_LOAD_DIAL_H_

#include <stdint.h>

#include "benchmarks/address/address.h"

enum {
  // The most connections with one source address. It is below the number of ephemeral ports (28,232
  // by default), because closed connections keep their ports for a while (TIME_WAIT).
  DIAL_PER_SOURCE_MAX = 16384,
};

// dial_begin creates a non-blocking socket and starts to connect it.
//
//   source    0: the kernel chooses; n: 127.0.0.n, if the target is a TCP address on IPv4 loopback
//             (otherwise ignored).
//
// Returns: the descriptor. Over loopback TCP it is usually connected; until it is, sends fail with
//          EAGAIN.
// Errors:  -EAGAIN if the backlog of a Unix listener is full: retry later.
//          -errno otherwise.
int dial_begin(const struct bench_address *address, uint32_t source);

// dial_all connects count sockets one after another and waits for each, at most 30 s for all.
//
//   out_fds   count descriptors.
//
// Errors:  -1 after a line on stderr. Open sockets are closed when the process exits.
int dial_all(const struct bench_address *address, uint32_t count, int *out_fds);

#endif  // EVNET_BENCHMARKS_LOAD_DIAL_H_
