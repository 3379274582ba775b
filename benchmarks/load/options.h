// The load generator's command line.

#ifndef EVNET_BENCHMARKS_LOAD_OPTIONS_H_
#define EVNET_BENCHMARKS_LOAD_OPTIONS_H_

#include <stdbool.h>
#include <stdint.h>

#include <sys/types.h>

#include "benchmarks/address/address.h"

enum load_mode {
  LOAD_ECHO,      // each connection keeps `depth` requests in flight
  LOAD_CHURN,     // connect, one request, close, again
  LOAD_IDLE,      // open all, one request on each, then hold them
  LOAD_HTTP,      // as LOAD_ECHO, with HTTP requests
  LOAD_RESP_GET,  // as LOAD_ECHO, with GET of one key of a Redis server
  LOAD_RESP_SET,  // the same with SET
};

struct load_options {
  enum load_mode mode;
  struct bench_address address;
  const char *target;  // http: the path to get
  uint32_t connections;
  uint32_t payload_bytes;
  uint32_t depth;
  uint64_t warmup_ns;
  uint64_t window_ns;     // idle: the longest time to hold
  uint64_t requests_max;  // 0: only the window's time ends the run
  double rate;            // requests a second of all connections; 0: as many as `depth` allows
  pid_t server_pid;       // 0: do not measure the server's CPU time
  bool joined;            // udp: sends the datagrams of a connection in one message
  bool on_demand;         // one run for each line of stdin
  bool json;
};

enum load_parse {
  LOAD_PARSE_OK,
  LOAD_PARSE_HELP,  // the help was requested and has been printed
  LOAD_PARSE_BAD,   // an argument is invalid; a line on stderr has named it
};

// load_options_parse parses the command line. The text of --help describes the options.
enum load_parse load_options_parse(int argc, char **argv, struct load_options *out);

#endif  // EVNET_BENCHMARKS_LOAD_OPTIONS_H_
