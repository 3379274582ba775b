#include "examples/command_line/command_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// --help and the table of options contain these values.
_Static_assert(EVNET_REACTORS_MAX == 1024 && EVNET_BUSY_POLL_US_MAX == 1000000 &&
                   COMMAND_LINE_DRAIN_MS == 5000,
               "update the texts below");

static const char usage[] =
    "\n"
    "  ADDRESS            [tcp://|tcp4://|tcp6://]HOST:PORT. An empty HOST means all addresses\n"
    "                     of the machine, PORT 0 a free port. udp://, udp4://, udp6:// likewise.\n"
    "                     Or unix://PATH, or unix://@NAME for a name without a file (Linux).\n"
    "                     Default: tcp://127.0.0.1:9000\n"
    "  --reactors=N       number of event loops, one thread each; \"cpu\" for one per available\n"
    "                     CPU\n"
    "  --balancer=NAME    how connections are distributed among them: round-robin,\n"
    "                     least-connections, or source-hash, by the client's address.\n"
    "                     Default: round-robin\n"
    "  --reuse-port       open a listener for each of them; the kernel chooses among these, and\n"
    "                     other programs that use this option can share the port. Not for\n"
    "                     unix://\n"
    "  --backend=NAME     kernel interface: auto, epoll, io_uring or kqueue. Default: auto\n"
    "  --busy-poll-us=N   busy-poll this many microseconds after each event before sleeping.\n"
    "                     Default: 0\n"
    "\n"
    "SIGINT or SIGTERM stops the program gracefully: it accepts no further connections and\n"
    "sends queued output for up to 5 seconds. A second signal stops it immediately.\n"
    "\n"
    "Exit code: 0; 1 if the start fails, for example because an address is in use; 2 for an\n"
    "invalid argument. A line on stderr explains the error.\n";

struct name {
  const char *text;
  int value;
};

// Looks up the value of a name. Returns false if none of the `count` names matches.
static bool parse_name(const char *text, const struct name *names, size_t count, int *out) {
  for (size_t i = 0; i < count; i++) {
    if (strcmp(text, names[i].text) != 0) continue;
    *out = names[i].value;
    return true;
  }
  return false;
}

bool command_line_parse_number(const char *text, long min, long max, long *out) {
  char *end = NULL;
  long value = strtol(text, &end, 10);
  if (end == text || *end != '\0' || value < min || value > max) return false;
  *out = value;
  return true;
}

static bool take_reactors(const char *text, void *user) {
  struct evnet_options *options = user;
  long count = EVNET_REACTOR_PER_CPU;
  if (strcmp(text, "cpu") != 0 && !command_line_parse_number(text, 1, EVNET_REACTORS_MAX, &count))
    return false;
  options->reactors = (int)count;
  return true;
}

static bool take_balancer(const char *text, void *user) {
  static const struct name names[] = {
      {"round-robin", EVNET_ROUND_ROBIN},
      {"least-connections", EVNET_LEAST_CONNECTIONS},
      {"source-hash", EVNET_SOURCE_HASH},
  };
  struct evnet_options *options = user;
  int value;
  if (!parse_name(text, names, sizeof names / sizeof names[0], &value)) return false;
  options->balancer = (enum evnet_balancing)value;
  return true;
}

static bool take_reuse_port(const char *text, void *user) {
  (void)text;
  struct evnet_options *options = user;
  options->reuse_port = true;
  return true;
}

bool command_line_parse_backend(const char *text, enum evnet_backend *out) {
  static const struct name names[] = {
      {"auto", EVNET_BACKEND_AUTO},
      {"epoll", EVNET_BACKEND_EPOLL},
      {"io_uring", EVNET_BACKEND_IO_URING},
      {"kqueue", EVNET_BACKEND_KQUEUE},
  };
  int value;
  if (!parse_name(text, names, sizeof names / sizeof names[0], &value)) return false;
  *out = (enum evnet_backend)value;
  return true;
}

static bool take_backend(const char *text, void *user) {
  struct evnet_options *options = user;
  return command_line_parse_backend(text, &options->backend);
}

static bool take_busy_poll(const char *text, void *user) {
  struct evnet_options *options = user;
  long us;
  if (!command_line_parse_number(text, 0, EVNET_BUSY_POLL_US_MAX, &us)) return false;
  options->busy_poll_us = us;
  return true;
}

static const struct command_line_option shared[] = {
    {"--reactors=", take_reactors, "must be 1 to 1024, or cpu"},
    {"--balancer=", take_balancer, "must be round-robin, least-connections or source-hash"},
    {"--reuse-port", take_reuse_port, NULL},
    {"--backend=", take_backend, "must be auto, epoll, io_uring or kqueue"},
    {"--busy-poll-us=", take_busy_poll, "must be 0 to 1000000"},
};

static const struct command_line_option *find(const struct command_line_option *options,
                                              size_t count, const char *argument) {
  for (size_t i = 0; i < count; i++) {
    const struct command_line_option *option = &options[i];
    size_t size = strlen(option->name);
    bool has_value = option->name[size - 1] == '=';
    if (has_value ? strncmp(argument, option->name, size) == 0
                  : strcmp(argument, option->name) == 0) {
      return option;
    }
  }
  return NULL;
}

// Finds an option that has the argument's name but a value where the argument has none, or the
// reverse.
static const struct command_line_option *find_misused(const struct command_line_option *options,
                                                      size_t count, const char *argument) {
  const size_t size = strcspn(argument, "=");
  for (size_t i = 0; i < count; i++) {
    const char *name = options[i].name;
    if (strcspn(name, "=") == size && strncmp(name, argument, size) == 0) return &options[i];
  }
  return NULL;
}

// Prints why no option fits the argument.
static int refuse_option(const struct command_line *line, const char *argument) {
  const struct command_line_option *option = find_misused(line->own, line->own_count, argument);
  if (option == NULL) option = find_misused(shared, sizeof shared / sizeof shared[0], argument);
  if (option == NULL) {
    fprintf(stderr, "%s: unknown option '%s'; --help lists the options\n", line->program, argument);
  } else if (strchr(option->name, '=') != NULL) {
    fprintf(stderr, "%s: '%s': the option needs a value, as in %sVALUE\n", line->program, argument,
            option->name);
  } else {
    fprintf(stderr, "%s: '%s': the option takes no value\n", line->program, argument);
  }
  return COMMAND_LINE_EXIT_USAGE;
}

// Returns as command_line_parse does.
static int parse_option(struct command_line *line, const char *argument) {
  void *user = line->user;
  const struct command_line_option *option = find(line->own, line->own_count, argument);
  if (option == NULL) {
    user = &line->options;
    option = find(shared, sizeof shared / sizeof shared[0], argument);
  }
  if (option == NULL) return refuse_option(line, argument);
  if (option->take(argument + strlen(option->name), user)) return -1;
  fprintf(stderr, "%s: '%s': %s\n", line->program, argument, option->values);
  return COMMAND_LINE_EXIT_USAGE;
}

static void print_log_line(enum evnet_log_level level, const char *message, void *user) {
  struct command_line *line = user;
  line->has_said_why = line->has_said_why || level == EVNET_LOG_ERROR;
  fprintf(stderr, "%s: %s\n", line->program, message);
}

// Returns false for text that is not an address; the server rejects it later and logs the reason.
static bool is_udp(const char *text) {
  struct evnet_address address;
  return evnet_address_read(text, &address, NULL, 0) >= 0 &&
         address.transport == EVNET_TRANSPORT_UDP;
}

// Returns as command_line_parse does.
static int parse_address(struct command_line *line, const char *argument) {
  if (line->no_udp && is_udp(argument)) {
    fprintf(stderr, "%s: '%s': UDP is not supported (connections only)\n", line->program, argument);
    return COMMAND_LINE_EXIT_USAGE;
  }
  if (line->address_count == COMMAND_LINE_ADDRESSES_MAX) {
    fprintf(stderr, "%s: '%s': at most %d addresses\n", line->program, argument,
            COMMAND_LINE_ADDRESSES_MAX);
    return COMMAND_LINE_EXIT_USAGE;
  }
  line->addresses[line->address_count++] = argument;
  return -1;
}

int command_line_parse(struct command_line *line, int argc, char **argv) {
  line->options.log = print_log_line;
  line->options.log_user = line;
  for (int i = 1; i < argc; i++) {
    const char *argument = argv[i];
    if (strcmp(argument, "--help") == 0) {
      printf("%s%s", line->usage, usage);
      return EXIT_SUCCESS;
    }
    int exit_code =
        argument[0] == '-' ? parse_option(line, argument) : parse_address(line, argument);
    if (exit_code >= 0) return exit_code;
  }
  if (line->address_count == 0) line->addresses[line->address_count++] = "tcp://127.0.0.1:9000";
  return -1;
}

enum evnet_action command_line_on_boot(struct evnet_server *server, void *user) {
  (void)user;
  struct evnet_address address;
  for (size_t i = 0; evnet_server_address(server, i, &address) == 0; i++) {
    char text[EVNET_ADDRESS_TEXT_BYTES];
    evnet_address_format(&address, text, sizeof text);
    printf("listening on %s\n", text);
  }
  fflush(stdout);
  return EVNET_NONE;
}

int command_line_exit_code(const struct command_line *line, int status) {
  if (status >= 0) return EXIT_SUCCESS;
  if (status == EVNET_STATUS_ADDRESS || status == EVNET_STATUS_OPTION)
    return COMMAND_LINE_EXIT_USAGE;
  if (!line->has_said_why) fprintf(stderr, "%s: %s\n", line->program, evnet_status_message(status));
  return EXIT_FAILURE;
}
