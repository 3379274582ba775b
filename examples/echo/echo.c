// An echo server: what a client sends comes back.
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/server/server.h"

// Of the values that --help and the table of options name.
_Static_assert(EVNET_REACTORS_MAX == 1024 && EVNET_BUSY_POLL_US_MAX == 1000000, "as is said below");

enum {
  DRAIN_MS = 5000,
  ADDRESSES_MAX = 64,
  EXIT_USAGE = 2,
};

struct arguments {
  struct evnet_options options;
  const char *addresses[ADDRESSES_MAX];
  size_t address_count;
};

static const char usage[] =
    "usage: echo [OPTION...] [ADDRESS...]\n"
    "\n"
    "Sends every byte back to the client that sent it, over UDP every datagram.\n"
    "\n"
    "  ADDRESS            [tcp://|tcp4://|tcp6://|udp://|udp4://|udp6://]HOST:PORT; an empty HOST "
    "is\n"
    "                     every address of the machine, PORT 0 a free port. Or unix://PATH, or\n"
    "                     unix://@NAME for a name without a file (Linux). Default:\n"
    "                     tcp://127.0.0.1:9000\n"
    "  --reactors=N       event loops, one thread each; \"cpu\" for one per available CPU.\n"
    "                     Default: 1\n"
    "  --balancer=NAME    which of them gets a connection: round-robin, least-connections or\n"
    "                     source-hash, by the client's address. Default: round-robin\n"
    "  --reuse-port       a listener for each of them, among which the kernel chooses; another\n"
    "                     echo that says so, too, may have the same port. Not for unix://\n"
    "  --backend=NAME     the kernel's interface: auto, epoll, io_uring or kqueue. Default: auto\n"
    "  --busy-poll-us=N   so long after a request it looks for the next one instead of sleeping.\n"
    "                     Default: 0\n"
    "\n"
    "SIGINT and SIGTERM stop it: no new connections, and what is queued is delivered within 5\n"
    "seconds. A second signal ends it at once.\n";

static enum evnet_action on_boot(struct evnet_server *server, void *user) {
  const struct arguments *arguments = user;
  for (size_t i = 0; i < arguments->address_count; i++) {
    struct evnet_address address;
    char text[EVNET_ADDRESS_TEXT_BYTES];
    if (evnet_server_address(server, i, &address) < 0) continue;
    evnet_address_format(&address, text, sizeof text);
    printf("listening on %s\n", text);
  }
  fflush(stdout);
  return EVNET_NONE;
}

static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  (void)user;
  struct evnet_bytes in = evnet_conn_peek(conn);
  evnet_conn_write(conn, in.data, in.size);
  evnet_conn_discard(conn, in.size);
  return EVNET_NONE;
}

static void log_line(enum evnet_log_level level, const char *message, void *user) {
  (void)level;
  (void)user;
  fprintf(stderr, "echo: %s\n", message);
}

// Arguments

struct name {
  const char *text;
  int value;
};

// The value of a name; false: none of the `count` names is that.
static bool parse_name(const char *text, const struct name *names, size_t count, int *out) {
  for (size_t i = 0; i < count; i++) {
    if (strcmp(text, names[i].text) != 0) continue;
    *out = names[i].value;
    return true;
  }
  return false;
}

static bool parse_number(const char *text, long min, long max, long *out) {
  char *end = NULL;
  *out = strtol(text, &end, 10);
  return end != text && *end == '\0' && *out >= min && *out <= max;
}

static bool take_reactors(const char *text, struct evnet_options *options) {
  long count = EVNET_REACTOR_PER_CPU;
  if (strcmp(text, "cpu") != 0 && !parse_number(text, 1, EVNET_REACTORS_MAX, &count)) return false;
  options->reactors = (int)count;
  return true;
}

static bool take_balancer(const char *text, struct evnet_options *options) {
  static const struct name names[] = {
      {"round-robin", EVNET_ROUND_ROBIN},
      {"least-connections", EVNET_LEAST_CONNECTIONS},
      {"source-hash", EVNET_SOURCE_HASH},
  };
  int value;
  if (!parse_name(text, names, sizeof names / sizeof names[0], &value)) return false;
  options->balancer = (enum evnet_balancing)value;
  return true;
}

static bool take_reuse_port(const char *text, struct evnet_options *options) {
  (void)text;
  options->reuse_port = true;
  return true;
}

static bool take_backend(const char *text, struct evnet_options *options) {
  static const struct name names[] = {
      {"auto", EVNET_BACKEND_AUTO},
      {"epoll", EVNET_BACKEND_EPOLL},
      {"io_uring", EVNET_BACKEND_IO_URING},
      {"kqueue", EVNET_BACKEND_KQUEUE},
  };
  int value;
  if (!parse_name(text, names, sizeof names / sizeof names[0], &value)) return false;
  options->backend = (enum evnet_backend)value;
  return true;
}

static bool take_busy_poll(const char *text, struct evnet_options *options) {
  long us;
  if (!parse_number(text, 0, EVNET_BUSY_POLL_US_MAX, &us)) return false;
  options->busy_poll_us = us;
  return true;
}

// An option that ends in = has a value behind it.
static const struct option {
  const char *name;
  bool (*take)(const char *value, struct evnet_options *options);  // false: it is none of these:
  const char *values;
} known_options[] = {
    {"--reactors=", take_reactors, "must be 1 to 1024, or cpu"},
    {"--balancer=", take_balancer, "must be round-robin, least-connections or source-hash"},
    {"--reuse-port", take_reuse_port, NULL},
    {"--backend=", take_backend, "must be auto, epoll, io_uring or kqueue"},
    {"--busy-poll-us=", take_busy_poll, "must be 0 to 1000000"},
};

static const struct option *find_option(const char *argument) {
  for (size_t i = 0; i < sizeof known_options / sizeof known_options[0]; i++) {
    const struct option *option = &known_options[i];
    size_t size = strlen(option->name);
    bool has_value = option->name[size - 1] == '=';
    if (has_value ? strncmp(argument, option->name, size) == 0
                  : strcmp(argument, option->name) == 0) {
      return option;
    }
  }
  return NULL;
}

// Returns -1 when the argument is good, else the exit code.
static int parse_option(const char *argument, struct evnet_options *options) {
  const struct option *option = find_option(argument);
  if (option == NULL) {
    fprintf(stderr, "echo: unknown option '%s' (--help lists them)\n", argument);
    return EXIT_USAGE;
  }
  if (option->take(argument + strlen(option->name), options)) return -1;
  fprintf(stderr, "echo: '%s': %s\n", argument, option->values);
  return EXIT_USAGE;
}

// As parse_option.
static int parse(int argc, char **argv, struct arguments *out) {
  for (int i = 1; i < argc; i++) {
    const char *argument = argv[i];
    if (strcmp(argument, "--help") == 0) {
      fputs(usage, stdout);
      return EXIT_SUCCESS;
    }
    if (argument[0] == '-') {
      int exit_code = parse_option(argument, &out->options);
      if (exit_code >= 0) return exit_code;
    } else if (out->address_count == ADDRESSES_MAX) {
      fprintf(stderr, "echo: '%s': at most %d addresses\n", argument, ADDRESSES_MAX);
      return EXIT_USAGE;
    } else {
      out->addresses[out->address_count++] = argument;
    }
  }
  if (out->address_count == 0) out->addresses[out->address_count++] = "tcp://127.0.0.1:9000";
  return -1;
}

int main(int argc, char **argv) {
  struct arguments arguments = {.options = {.log = log_line}};
  int exit_code = parse(argc, argv, &arguments);
  if (exit_code >= 0) return exit_code;

  const struct evnet_handler handler = {.on_boot = on_boot, .on_data = on_data};
  struct evnet_server *server = NULL;
  int status = evnet_server_create(&handler, &arguments, arguments.addresses,
                                   arguments.address_count, &arguments.options, &server);
  // The log has said which argument it was.
  if (status == EVNET_STATUS_ADDRESS || status == EVNET_STATUS_OPTION) return EXIT_USAGE;
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGINT, DRAIN_MS);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGTERM, DRAIN_MS);
  if (status == 0) status = evnet_server_run(server);
  if (status < 0) fprintf(stderr, "echo: %s\n", evnet_status_message(status));
  evnet_server_destroy(server);
  return status < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
