// An echo server: what a client sends comes back.
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/server/server.h"

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
    "usage: echo [--reactors=N] [--backend=NAME] [--busy-poll-us=N] [ADDRESS...]\n"
    "\n"
    "Sends every byte back to the client that sent it, over UDP every datagram.\n"
    "\n"
    "  ADDRESS       [tcp://|tcp4://|tcp6://|udp://|udp4://|udp6://]HOST:PORT; an empty HOST is "
    "every address of the\n"
    "                machine, PORT 0 a free port. Or unix://PATH, or unix://@NAME for a name "
    "without a file\n"
    "                (Linux). Default: tcp://127.0.0.1:9000\n"
    "  --reactors=N  event loops, one thread each; \"cpu\" for one per available CPU. Default: 1\n"
    "  --backend=NAME\n"
    "                the kernel's interface: auto, epoll, io_uring or kqueue. Default: auto\n"
    "  --busy-poll-us=N\n"
    "                so long after a request it looks for the next one instead of sleeping. "
    "Default: "
    "0\n"
    "\n"
    "SIGINT and SIGTERM stop it: no new connections, and what is queued is delivered within 5 "
    "seconds. A second signal\n"
    "ends it at once.\n";

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

static bool parse_number(const char *text, long min, long max, long *out) {
  char *end = NULL;
  *out = strtol(text, &end, 10);
  return end != text && *end == '\0' && *out >= min && *out <= max;
}

static bool parse_reactors(const char *text, int *out) {
  if (strcmp(text, "cpu") == 0) {
    *out = EVNET_REACTOR_PER_CPU;
    return true;
  }
  long value;
  if (!parse_number(text, 1, EVNET_REACTORS_MAX, &value)) return false;
  *out = (int)value;
  return true;
}

static bool parse_busy_poll(const char *text, int64_t *out) {
  long value;
  if (!parse_number(text, 0, EVNET_BUSY_POLL_US_MAX, &value)) return false;
  *out = value;
  return true;
}

static bool parse_backend(const char *text, enum evnet_backend *out) {
  static const struct {
    const char *name;
    enum evnet_backend backend;
  } backends[] = {
      {"auto", EVNET_BACKEND_AUTO},
      {"epoll", EVNET_BACKEND_EPOLL},
      {"io_uring", EVNET_BACKEND_IO_URING},
      {"kqueue", EVNET_BACKEND_KQUEUE},
  };
  for (size_t i = 0; i < sizeof backends / sizeof backends[0]; i++) {
    if (strcmp(text, backends[i].name) != 0) continue;
    *out = backends[i].backend;
    return true;
  }
  return false;
}

// Returns -1 when the arguments are good, else the exit code.
static int parse(int argc, char **argv, struct arguments *out) {
  static const char reactors[] = "--reactors=";
  static const char backend[] = "--backend=";
  static const char busy_poll[] = "--busy-poll-us=";
  for (int i = 1; i < argc; i++) {
    const char *argument = argv[i];
    if (strcmp(argument, "--help") == 0) {
      fputs(usage, stdout);
      return EXIT_SUCCESS;
    }
    if (strncmp(argument, reactors, sizeof reactors - 1) == 0) {
      if (parse_reactors(argument + sizeof reactors - 1, &out->options.reactors)) continue;
      fprintf(stderr, "echo: '%s': N must be 1 to %d, or cpu\n", argument, EVNET_REACTORS_MAX);
      return EXIT_USAGE;
    }
    if (strncmp(argument, backend, sizeof backend - 1) == 0) {
      if (parse_backend(argument + sizeof backend - 1, &out->options.backend)) continue;
      fprintf(stderr, "echo: '%s': NAME must be auto, epoll, io_uring or kqueue\n", argument);
      return EXIT_USAGE;
    }
    if (strncmp(argument, busy_poll, sizeof busy_poll - 1) == 0) {
      if (parse_busy_poll(argument + sizeof busy_poll - 1, &out->options.busy_poll_us)) continue;
      fprintf(stderr, "echo: '%s': N must be 0 to %d\n", argument, EVNET_BUSY_POLL_US_MAX);
      return EXIT_USAGE;
    }
    if (argument[0] == '-') {
      fprintf(stderr, "echo: unknown option '%s' (--help lists them)\n", argument);
      return EXIT_USAGE;
    }
    if (out->address_count == ADDRESSES_MAX) {
      fprintf(stderr, "echo: '%s': at most %d addresses\n", argument, ADDRESSES_MAX);
      return EXIT_USAGE;
    }
    out->addresses[out->address_count++] = argument;
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
  if (status == EVNET_STATUS_ADDRESS) return EXIT_USAGE;
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGINT, DRAIN_MS);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGTERM, DRAIN_MS);
  if (status == 0) status = evnet_server_run(server);
  if (status < 0) fprintf(stderr, "echo: %s\n", evnet_status_message(status));
  evnet_server_destroy(server);
  return status < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
