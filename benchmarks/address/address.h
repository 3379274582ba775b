// The addresses that the benchmark programs accept on their command lines:
//
//   tcp://127.0.0.1:9000   tcp://[::1]:9000   udp://127.0.0.1:9000   unix:///path unix://@abstract
//
// Hosts are numeric, so that a benchmark does not measure a name server. The floor and the load
// generator share this parser. evnet has its own, larger parser, and shares no code with this one,
// so a mistake in one cannot hide a mistake in the other.

#ifndef EVNET_BENCHMARKS_ADDRESS_ADDRESS_H_
#define EVNET_BENCHMARKS_ADDRESS_ADDRESS_H_

#include <stddef.h>

#include <sys/socket.h>

enum {
  // Fits any formatted address: "unix://@" and a full sun_path, or a bracketed IPv6 address.
  BENCH_ADDRESS_TEXT_BYTES = 160,
};

enum bench_address_kind {
  BENCH_ADDRESS_TCP,
  BENCH_ADDRESS_UDP,
  BENCH_ADDRESS_UNIX,
};

struct bench_address {
  enum bench_address_kind kind;
  socklen_t size_bytes;  // of the address in storage, for bind and connect
  struct sockaddr_storage storage;
};

// bench_address_parse parses an address.
//
//   text      a string in one of the forms above.
//   out       written only on success.
//
// Returns: 0.
// Errors:  -EINVAL if text has none of these forms.
//          -ENAMETOOLONG if a Unix path does not fit in sun_path.
int bench_address_parse(const char *text, struct bench_address *out);

// bench_address_socket_type returns the type for socket(): SOCK_STREAM or SOCK_DGRAM.
int bench_address_socket_type(const struct bench_address *address);

// bench_address_format formats an address as bench_address_parse accepts it.
//
//   out       BENCH_ADDRESS_TEXT_BYTES bytes; always ends with a zero byte.
void bench_address_format(const struct bench_address *address, char *out);

#endif  // EVNET_BENCHMARKS_ADDRESS_ADDRESS_H_
