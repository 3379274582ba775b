// Parsing of the command line; see options.h.

#include "benchmarks/load/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char kHelp[] =
    "usage: load [OPTION...] ADDRESS\n"
    "\n"
    "Sends requests to a server from one thread and checks the replies: every byte of an echo,\n"
    "the first bytes and the size of other replies.\n"
    "ADDRESS is tcp://HOST:PORT, udp://HOST:PORT, unix://PATH or unix://@NAME; HOST is numeric.\n"
    "\n"
    "  --mode=echo        each connection keeps --depth requests in flight (default)\n"
    "  --mode=churn       connect, one request, close, repeat; TCP and Unix\n"
    "  --mode=idle        open all connections, send one request on each, print `holding N`, and\n"
    "                     hold them until the end of stdin, or for --seconds (here default 600);\n"
    "                     TCP and Unix\n"
    "  --mode=http        each connection keeps --depth requests in flight: GET of --target; all\n"
    "                     responses must have status 200 and the same size; TCP and Unix\n"
    "  --mode=get, set    the same with the Redis protocol (RESP2): GET or SET of one key, whose\n"
    "                     value has --payload bytes; TCP and Unix\n"
    "  --target=PATH      of HTTP requests, default /\n"
    "  --connections=N    default 50\n"
    "  --payload=BYTES    of a request, default 64; UDP: at least 8\n"
    "  --depth=N          requests in flight on each connection, default 1\n"
    "  --rate=N           echo, http, get and set over TCP and Unix sockets: N requests a second\n"
    "                     in total, at equal intervals, whether or not earlier ones were answered\n"
    "                     (open loop). Latency counts from when a request was due. --depth is\n"
    "                     the most in flight on each connection; further requests wait, and the\n"
    "                     wait counts\n"
    "  --seconds=S        length of the measured window, default 5; may be a fraction\n"
    "  --warmup=S         time before the window, default 0.5\n"
    "  --requests=N       end the window with the N-th request; it is an error if that takes\n"
    "                     longer than --seconds (here default 60)\n"
    "  --joined           UDP: pass the datagrams of a connection to the kernel in one call\n"
    "                     (UDP_SEGMENT); a server with --udp-gro receives them in one call\n"
    "  --server-pid=PID   also report the CPU time of that process in the window\n"
    "  --on-demand        connect, then run once for each line of stdin, until it ends\n"
    "  --json             print one line of JSON instead of text\n"
    "\n"
    "Exit code: 0; 1 if a byte is wrong, or the server closes, refuses or stalls; 2 for an\n"
    "invalid argument.\n";

enum {
  CONNECTIONS_MAX = 60000,
  DEPTH_MAX = 1024,
  TARGET_BYTES_MAX = 400,
  PAYLOAD_MAX = 16 * 1024 * 1024,
  DATAGRAM_MIN = 8,  // the header: connection and sequence
  DATAGRAM_MAX = 65507,
  // Bytes that one datagram socket may have in flight. More than its send buffer (208 KiB by
  // net.core.wmem_default) can never be sent.
  DATAGRAMS_IN_FLIGHT_BYTES_MAX = 128 * 1024,
};

static bool parse_count(const char *text, uint64_t min, uint64_t max, uint64_t *out) {
  if (*text < '0' || *text > '9') return false;
  char *end = NULL;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  if (errno != 0 || *end != '\0' || value < min || value > max) return false;
  *out = value;
  return true;
}

static bool parse_count32(const char *text, uint32_t min, uint32_t max, uint32_t *out) {
  uint64_t value = 0;
  if (!parse_count(text, min, max, &value)) return false;
  *out = (uint32_t)value;
  return true;
}

static bool parse_seconds(const char *text, double min, uint64_t *out_ns) {
  char *end = NULL;
  double seconds = strtod(text, &end);
  // Negated, so that it also rejects "nan".
  if (end == text || *end != '\0' || !(seconds >= min && seconds <= 3600.0)) return false;
  *out_ns = (uint64_t)(seconds * 1e9);
  return true;
}

static bool parse_rate(const char *text, double *out) {
  char *end = NULL;
  double rate = strtod(text, &end);
  if (end == text || *end != '\0' || !(rate >= 1.0 && rate <= 1e7)) return false;
  *out = rate;
  return true;
}

static bool parse_mode(const char *text, enum load_mode *out) {
  static const char *const kNames[] = {"echo", "churn", "idle", "http", "get", "set"};
  static const enum load_mode kModes[] = {LOAD_ECHO, LOAD_CHURN,    LOAD_IDLE,
                                          LOAD_HTTP, LOAD_RESP_GET, LOAD_RESP_SET};
  for (size_t i = 0; i < sizeof(kModes) / sizeof(kModes[0]); i++) {
    if (strcmp(text, kNames[i]) == 0) {
      *out = kModes[i];
      return true;
    }
  }
  return false;
}

// Returns the value if the argument is `--name=value`, else NULL.
static const char *value_of(const char *argument, const char *name) {
  size_t name_bytes = strlen(name);
  if (strncmp(argument, name, name_bytes) != 0 || argument[name_bytes] != '=') return NULL;
  return argument + name_bytes + 1;
}

static bool parse_option(const char *argument, struct load_options *o) {
  const char *value = NULL;
  if (strcmp(argument, "--json") == 0) {
    o->json = true;
    return true;
  }
  if (strcmp(argument, "--joined") == 0) {
    o->joined = true;
    return true;
  }
  if (strcmp(argument, "--on-demand") == 0) {
    o->on_demand = true;
    return true;
  }
  if ((value = value_of(argument, "--mode"))) return parse_mode(value, &o->mode);
  if ((value = value_of(argument, "--target"))) {
    o->target = value;
    return *value == '/' && strlen(value) <= TARGET_BYTES_MAX;
  }
  if ((value = value_of(argument, "--connections"))) {
    return parse_count32(value, 1, CONNECTIONS_MAX, &o->connections);
  }
  if ((value = value_of(argument, "--payload"))) {
    return parse_count32(value, 1, PAYLOAD_MAX, &o->payload_bytes);
  }
  if ((value = value_of(argument, "--depth"))) {
    return parse_count32(value, 1, DEPTH_MAX, &o->depth);
  }
  if ((value = value_of(argument, "--seconds"))) return parse_seconds(value, 0.001, &o->window_ns);
  if ((value = value_of(argument, "--warmup"))) return parse_seconds(value, 0.0, &o->warmup_ns);
  if ((value = value_of(argument, "--rate"))) return parse_rate(value, &o->rate);
  if ((value = value_of(argument, "--requests"))) {
    return parse_count(value, 1, UINT64_MAX, &o->requests_max);
  }
  if ((value = value_of(argument, "--server-pid"))) {
    uint64_t pid = 0;
    if (!parse_count(value, 1, INT32_MAX, &pid)) return false;
    o->server_pid = (pid_t)pid;
    return true;
  }
  return false;
}

// Checks combinations of options. Returns an error message, or NULL.
static const char *contradiction(const struct load_options *o) {
  const bool has_open_loop = o->mode != LOAD_CHURN && o->mode != LOAD_IDLE;
  if (o->rate != 0 && (!has_open_loop || o->address.kind == BENCH_ADDRESS_UDP)) {
    return "--rate is for echo, http, get and set over TCP and Unix sockets only";
  }
  if (o->address.kind != BENCH_ADDRESS_UDP) return o->joined ? "--joined is for UDP only" : NULL;
  if (o->mode != LOAD_ECHO) return "UDP supports --mode=echo only";
  if (o->payload_bytes < DATAGRAM_MIN) return "--payload must be at least 8 for UDP";
  if (o->payload_bytes > DATAGRAM_MAX) return "--payload must be at most 65507 for UDP";
  if ((uint64_t)o->payload_bytes * o->depth > DATAGRAMS_IN_FLIGHT_BYTES_MAX) {
    return "--payload times --depth must be at most 131072 for UDP";
  }
  return NULL;
}

static void fill_defaults(struct load_options *o) {
  const uint64_t second_ns = 1000000000;
  if (o->window_ns != 0) return;
  if (o->mode == LOAD_IDLE) {
    o->window_ns = 600 * second_ns;
  } else {
    o->window_ns = (o->requests_max != 0 ? 60 : 5) * second_ns;
  }
}

enum load_parse load_options_parse(int argc, char **argv, struct load_options *out) {
  struct load_options o = {
      .target = "/", .connections = 50, .payload_bytes = 64, .depth = 1, .warmup_ns = 500000000};
  const char *address = NULL;
  for (int i = 1; i < argc; i++) {
    const char *argument = argv[i];
    if (strcmp(argument, "--help") == 0) {
      fputs(kHelp, stdout);
      return LOAD_PARSE_HELP;
    }
    bool good = argument[0] == '-'
                    ? parse_option(argument, &o)
                    : address == NULL && bench_address_parse(argument, &o.address) == 0;
    if (!good) {
      fprintf(stderr, "load: invalid argument '%s'; --help lists the options\n", argument);
      return LOAD_PARSE_BAD;
    }
    if (argument[0] != '-') address = argument;
  }
  const char *why = address == NULL ? "ADDRESS is missing; see --help" : contradiction(&o);
  if (why != NULL) {
    fprintf(stderr, "load: %s\n", why);
    return LOAD_PARSE_BAD;
  }
  fill_defaults(&o);
  *out = o;
  return LOAD_PARSE_OK;
}
