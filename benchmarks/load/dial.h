// Client sockets of the load generator.

#ifndef EVNET_BENCHMARKS_LOAD_DIAL_H_
#define EVNET_BENCHMARKS_LOAD_DIAL_H_

#include <stdint.h>

#include "benchmarks/address/address.h"

enum {
  // So many connections may share one source address: fewer than the ephemeral ports (28,232 by
  // default), because closed ones keep theirs for a while (TIME_WAIT).
  DIAL_PER_SOURCE_MAX = 16384,
};

// dial_begin makes a non-blocking socket and starts to connect it.
//
//   source    0: the kernel chooses; n: from 127.0.0.n, if the target is IPv4 loopback over TCP
//             (ignored otherwise).
//
// Returns: the descriptor. Over loopback TCP it is usually connected; otherwise sends fail with
//          EAGAIN until it is.
// Errors:  -errno; -EAGAIN, a Unix listener's backlog is full: try again later.
int dial_begin(const struct bench_address *address, uint32_t source);

// dial_all connects count sockets one after another and waits for each, 30 s for all of them.
//
//   out_fds   count descriptors.
//
// Errors: -1 after a line on stderr; all that was opened is closed by the process's end.
int dial_all(const struct bench_address *address, uint32_t count, int *out_fds);

#endif  // EVNET_BENCHMARKS_LOAD_DIAL_H_
