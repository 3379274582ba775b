// The addresses that the benchmark programs take on their command lines:
//
//   tcp://127.0.0.1:9000   tcp://[::1]:9000   udp://127.0.0.1:9000   unix:///path unix://@abstract
//
// Hosts are numeric: a benchmark that waits for a name server measures the name server. Used by the
// floor and the load generator alike; evnet itself has its own, richer parser and shares nothing
// with this one, so that a mistake in one cannot hide in the other.

#ifndef EVNET_BENCHMARKS_ADDRESS_ADDRESS_H_
#define EVNET_BENCHMARKS_ADDRESS_ADDRESS_H_

#include <stddef.h>

#include <sys/socket.h>

enum {
  // Room for any formatted address: "unix://@" and a full sun_path, or a bracketed IPv6 address.
  BENCH_ADDRESS_TEXT_BYTES = 160,
};

enum bench_address_kind {
  BENCH_ADDRESS_TCP,
  BENCH_ADDRESS_UDP,
  BENCH_ADDRESS_UNIX,
};

struct bench_address {
  enum bench_address_kind kind;
  socklen_t size_bytes;  // of storage, as bind and connect want it
  struct sockaddr_storage storage;
};

// bench_address_parse reads an address.
//
//   text      a string in one of the forms above.
//   out       written only on success.
//
// Returns: 0.
// Errors:  -EINVAL, text is none of these forms; -ENAMETOOLONG, a Unix path beyond sun_path.
int bench_address_parse(const char *text, struct bench_address *out);

// bench_address_socket_type returns SOCK_STREAM or SOCK_DGRAM, what socket() wants for the address.
int bench_address_socket_type(const struct bench_address *address);

// bench_address_format writes the address in the form that bench_address_parse reads.
//
//   out       BENCH_ADDRESS_TEXT_BYTES bytes; always ends with a zero byte.
void bench_address_format(const struct bench_address *address, char *out);

#endif  // EVNET_BENCHMARKS_ADDRESS_ADDRESS_H_
