// The load generator's command line.

#ifndef EVNET_BENCHMARKS_LOAD_OPTIONS_H_
#define EVNET_BENCHMARKS_LOAD_OPTIONS_H_

#include <stdbool.h>
#include <stdint.h>

#include <sys/types.h>

#include "benchmarks/address/address.h"

enum load_mode {
  LOAD_ECHO,   // each connection keeps `depth` requests in flight
  LOAD_CHURN,  // connect, one request, close, again
  LOAD_IDLE,   // open all, one request on each, then hold them
};

struct load_options {
  enum load_mode mode;
  struct bench_address address;
  uint32_t connections;
  uint32_t payload_bytes;
  uint32_t depth;
  uint64_t warmup_ns;
  uint64_t window_ns;     // idle: how long to hold at most
  uint64_t requests_max;  // 0: the window's time alone ends the run
  pid_t server_pid;       // 0: the server's CPU time is not wanted
  bool joined;            // udp: what a connection sends at once is one message
  bool on_demand;         // a run for each line of stdin
  bool json;
};

enum load_parse {
  LOAD_PARSE_OK,
  LOAD_PARSE_HELP,  // the help was asked for and has been printed
  LOAD_PARSE_BAD,   // a line on stderr has named what is wrong
};

// load_options_parse reads the command line; the options' meaning stands in the text of --help.
enum load_parse load_options_parse(int argc, char **argv, struct load_options *out);

#endif  // EVNET_BENCHMARKS_LOAD_OPTIONS_H_
