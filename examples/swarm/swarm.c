// A load generator: one reactor that dials and has no listener. Each connection sends a request,
// waits until the whole request has come back, and sends it again until the time is over.
//
// The reactor stops when the timer fires or when the last connection closes.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evnet/evnet.h"
#include "examples/command_line/command_line.h"

enum {
  CONNECTIONS_MAX = 100000,
  BYTES_MAX = 1 << 20,
  SECONDS_MAX = 3600,
  DRAIN_MS = 1000,
  RETRY_MS = 10,
};

struct swarm {
  const char *address;
  struct evnet_reactor_options options;
  long connections;
  long bytes;
  long seconds;

  struct evnet_reactor *reactor;
  struct evnet_timer end;
  struct evnet_timer more;  // resumes dialling after the limit of pending name lookups was reached
  uint8_t *request;
  long dialled;  // all connections dialled so far, including closed ones
  long left;     // connections that are being dialled or open
  bool ended;
  int status;  // the error of a dial that was refused after the start
  uint64_t answered;
  uint64_t wrong;   // wrong replies
  uint64_t failed;  // connections that closed before the end
  int reason;       // why the first of them closed
};

static enum evnet_action ask(struct evnet_conn *conn, const struct swarm *swarm) {
  return evnet_conn_write(conn, swarm->request, (size_t)swarm->bytes) < 0 ? EVNET_CLOSE
                                                                          : EVNET_NONE;
}

static enum evnet_action on_open(struct evnet_conn *conn, void *user) { return ask(conn, user); }

static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  struct swarm *swarm = user;
  const size_t bytes = (size_t)swarm->bytes;
  const struct evnet_bytes in = evnet_conn_peek(conn);
  if (in.size < bytes) return EVNET_NONE;  // incomplete: wait for more bytes
  if (in.size > bytes || memcmp(in.data, swarm->request, bytes) != 0) {
    swarm->wrong++;
    return EVNET_CLOSE;
  }
  evnet_conn_discard(conn, bytes);
  if (swarm->ended) return EVNET_NONE;
  swarm->answered++;
  return ask(conn, swarm);
}

// A failed dial has no other callback.
static enum evnet_action on_close(struct evnet_conn *conn, int reason, void *user) {
  (void)conn;
  struct swarm *swarm = user;
  if (!swarm->ended && swarm->failed++ == 0) swarm->reason = reason;
  if (--swarm->left == 0 && swarm->dialled == swarm->connections)
    evnet_reactor_stop(swarm->reactor, 0);
  return EVNET_NONE;
}

static void end(struct evnet_timer *timer, void *user) {
  (void)timer;
  struct swarm *swarm = user;
  swarm->ended = true;
  evnet_reactor_stop(swarm->reactor, DRAIN_MS);
}

static int dial_all(struct swarm *swarm);

static void dial_more(struct evnet_timer *timer, void *user) {
  (void)timer;
  struct swarm *swarm = user;
  if (swarm->ended) return;
  swarm->status = dial_all(swarm);
  if (swarm->status < 0) evnet_reactor_stop(swarm->reactor, 0);
}

static int dial_all(struct swarm *swarm) {
  while (swarm->dialled < swarm->connections) {
    int status = evnet_dial(swarm->reactor, swarm->address, NULL, NULL);
    if (status == -EAGAIN) {  // too many name lookups are pending
      evnet_timer_start(swarm->reactor, &swarm->more, RETRY_MS, dial_more, swarm);
      return 0;
    }
    if (status < 0) return status;
    swarm->dialled++;
    swarm->left++;
  }
  return 0;
}

static int run(struct swarm *swarm) {
  static const struct evnet_handler handler = {
      .on_open = on_open, .on_data = on_data, .on_close = on_close};
  int status = evnet_reactor_create(&handler, swarm, &swarm->options, &swarm->reactor);
  if (status == 0) status = dial_all(swarm);
  if (status == 0) {
    evnet_timer_start(swarm->reactor, &swarm->end, (uint64_t)swarm->seconds * 1000, end, swarm);
    status = evnet_reactor_run(swarm->reactor);
    if (status == 0) status = swarm->status;
  }
  swarm->ended = true;  // connections that destroy closes have not failed
  evnet_reactor_destroy(swarm->reactor);
  return status;
}

static int tell(const struct swarm *swarm) {
  printf("%" PRIu64 " answers in %ld s, %ld connections, %ld bytes\n", swarm->answered,
         swarm->seconds, swarm->connections, swarm->bytes);
  if (swarm->wrong > 0) fprintf(stderr, "swarm: %" PRIu64 " wrong answers\n", swarm->wrong);
  if (swarm->failed > 0) {
    fprintf(stderr, "swarm: %" PRIu64 " connections to %s failed, the first: %s\n", swarm->failed,
            swarm->address, evnet_status_message(swarm->reason));
  }
  return swarm->wrong > 0 || swarm->failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

// Arguments

static bool take(const char *argument, const char *name, long max, long *out) {
  size_t size = strlen(name);
  return strncmp(argument, name, size) == 0 &&
         command_line_parse_number(argument + size, 1, max, out);
}

static bool take_backend(const char *argument, enum evnet_backend *out) {
  static const char name[] = "--backend=";
  return strncmp(argument, name, sizeof name - 1) == 0 &&
         command_line_parse_backend(argument + sizeof name - 1, out);
}

static const char usage[] =
    "usage: swarm [OPTION...] [ADDRESS]\n"
    "\n"
    "Dials an echo server, sends requests, checks the replies and prints their number. The\n"
    "default ADDRESS is tcp://127.0.0.1:9000.\n"
    "\n"
    "  --connections=N  connections, each with one request in flight; 1 to 100000. Default: 100\n"
    "  --bytes=N        size of a request, 1 to 1048576. Default: 64\n"
    "  --seconds=N      duration, 1 to 3600. Default: 5\n"
    "  --backend=NAME   kernel interface: auto, epoll, io_uring or kqueue. Default: auto\n"
    "\n"
    "Exit code: 0; 1 if a connection failed or a reply was wrong; 2 for an invalid argument.\n";

// Returns -1 if the program is to continue, else the exit code.
static int parse(int argc, char **argv, struct swarm *out) {
  bool has_address = false;
  for (int i = 1; i < argc; i++) {
    const char *argument = argv[i];
    if (strcmp(argument, "--help") == 0) {
      fputs(usage, stdout);
      return EXIT_SUCCESS;
    }
    if (take(argument, "--connections=", CONNECTIONS_MAX, &out->connections)) continue;
    if (take(argument, "--bytes=", BYTES_MAX, &out->bytes)) continue;
    if (take(argument, "--seconds=", SECONDS_MAX, &out->seconds)) continue;
    if (take_backend(argument, &out->options.backend)) continue;
    if (argument[0] == '-') {
      fprintf(stderr, "swarm: invalid option '%s'; --help lists the options\n", argument);
      return COMMAND_LINE_EXIT_USAGE;
    }
    if (has_address) {
      fprintf(stderr, "swarm: '%s': only one address is allowed\n", argument);
      return COMMAND_LINE_EXIT_USAGE;
    }
    out->address = argument;
    has_address = true;
  }
  return -1;
}

static bool has_said_why;  // an error was logged

// Prints the log. evnet logs an invalid address at DEBUG, because a server may get it from a peer;
// here it comes from the user, so it is printed. DEBUG lines after the first dial are about single
// connections and are not printed.
static void print_log_line(enum evnet_log_level level, const char *message, void *user) {
  const struct swarm *swarm = user;
  if (level == EVNET_LOG_DEBUG && swarm->dialled > 0) return;
  has_said_why = has_said_why || level == EVNET_LOG_ERROR;
  fprintf(stderr, "swarm: %s\n", message);
}

int main(int argc, char **argv) {
  struct swarm swarm = {
      .address = "tcp://127.0.0.1:9000",
      .options = {.logger = {.log = print_log_line, .level = EVNET_LOG_DEBUG}},
      .connections = 100,
      .bytes = 64,
      .seconds = 5,
  };
  swarm.options.logger.user = &swarm;
  int exit_code = parse(argc, argv, &swarm);
  if (exit_code >= 0) return exit_code;
  swarm.request = malloc((size_t)swarm.bytes);
  if (swarm.request == NULL) return EXIT_FAILURE;
  for (long i = 0; i < swarm.bytes; i++) swarm.request[i] = (uint8_t)('a' + i % 26);
  int status = run(&swarm);
  free(swarm.request);
  if (status == EVNET_STATUS_ADDRESS || status == EVNET_STATUS_OPTION)
    return COMMAND_LINE_EXIT_USAGE;  // the log names the argument
  if (status == 0) return tell(&swarm);
  if (!has_said_why) fprintf(stderr, "swarm: %s\n", evnet_status_message(status));
  return EXIT_FAILURE;
}
