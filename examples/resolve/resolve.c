// Looks up names and addresses by DNS and /etc/hosts, all simultaneously and without a thread:
//
//   resolve [--server=ADDRESS:PORT] NAME|ADDRESS...
//
// It prints a line for each address of a name, and for the name of each address. The exit code is 1
// if a lookup fails.
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "adapters/cares/cares.h"
#include "evnet/evnet.h"

enum { TIMEOUT_MS = 5000 };

struct run {
  struct evnet_reactor *reactor;
  int pending;
  bool failed;
};

struct lookup {
  struct run *run;
  const char *question;
};

static void finish(const struct lookup *lookup, int status) {
  struct run *run = lookup->run;
  if (status < 0) {
    fprintf(stderr, "resolve: '%s': %s\n", lookup->question, evnet_status_message(status));
    run->failed = true;
  }
  if (--run->pending == 0) evnet_reactor_stop(run->reactor, 0);
}

// Prints an address without its scheme and port.
static void print_address(const char *question, const struct evnet_address *address) {
  char text[EVNET_ADDRESS_TEXT_BYTES];
  evnet_address_format(address, text, sizeof text);
  char *host = strstr(text, "://") + 3;
  *strrchr(host, ':') = '\0';
  printf("%s %s\n", question, host);
}

static void found(int status, const struct evnet_address *addresses, size_t count, void *user) {
  const struct lookup *lookup = user;
  for (size_t i = 0; i < count; i++) print_address(lookup->question, &addresses[i]);
  finish(lookup, status);
}

static void named(int status, const char *name, void *user) {
  const struct lookup *lookup = user;
  if (status == 0) printf("%s %s\n", lookup->question, name);
  finish(lookup, status);
}

static void begin(struct lookup *lookup) {
  struct evnet_host host = {.port = 0};
  struct evnet_address address;
  int status = evnet_host_read(lookup->question, &host, &address, NULL, 0);
  lookup->run->pending++;
  if (status == 0) {
    status = evnet_resolve_name(lookup->run->reactor, &address, TIMEOUT_MS, named, lookup, NULL);
  } else if (status > 0) {
    const struct evnet_resolve_options options = {.timeout_ms = TIMEOUT_MS};
    status = evnet_resolve(lookup->run->reactor, lookup->question, &options, found, lookup, NULL);
  }
  if (status < 0) finish(lookup, status);
}

static int look_up(struct evnet_cares *cares, char **questions, int count) {
  static const struct evnet_handler handler = {0};
  const struct evnet_reactor_options options = {.resolve = evnet_cares_resolver(cares)};
  struct run run = {.pending = 1};  // until all lookups have begun
  struct lookup lookups[64];
  int status = evnet_reactor_create(&handler, NULL, &options, &run.reactor);
  if (status < 0) return status;
  for (int i = 0; i < count; i++) {
    lookups[i] = (struct lookup){.run = &run, .question = questions[i]};
    begin(&lookups[i]);
  }
  const struct lookup all = {.run = &run};
  finish(&all, 0);
  status = evnet_reactor_run(run.reactor);
  evnet_reactor_destroy(run.reactor);
  return status < 0 ? status : run.failed;
}

int main(int argc, char **argv) {
  static const char server[] = "--server=";
  struct evnet_cares_options options = {.tries = 2};
  int first = 1;
  if (argc > 1 && strncmp(argv[1], server, strlen(server)) == 0)
    options.servers = argv[first++] + strlen(server);
  if (argc == first || argc - first > 64 || argv[first][0] == '-') {
    fprintf(stderr, "usage: resolve [--server=ADDRESS:PORT] NAME|ADDRESS... (up to 64)\n");
    return 2;
  }
  struct evnet_cares *cares;
  int status = evnet_cares_create(&options, &cares);
  if (status == 0) {
    status = look_up(cares, argv + first, argc - first);
    evnet_cares_destroy(cares);
  }
  if (status < 0) fprintf(stderr, "resolve: %s\n", evnet_status_message(status));
  return status != 0;
}
