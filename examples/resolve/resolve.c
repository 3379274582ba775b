// Looks up names and addresses by DNS and /etc/hosts, all simultaneously and without a thread:
//
//   resolve [--server=ADDRESS:PORT] [--first] NAME|ADDRESS...
//
// It prints a line for each address of a name, and for the name of each address. With --first, it cancels the other
// lookups after the first success. The exit code is 1 if a lookup fails; with --first, if all of them do.
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "adapters/cares/cares.h"
#include "evnet/evnet.h"

enum { TIMEOUT_MS = 5000, LOOKUPS_MAX = 64 };

struct run;

struct lookup {
  struct run *run;
  const char *question;
  struct evnet_lookup_id id;
};

struct run {
  struct evnet_reactor *reactor;
  struct lookup lookups[LOOKUPS_MAX];
  int count;
  int pending;
  bool first;      // the first success is enough
  bool succeeded;  // one of them
  bool failed;     // one of them
};

// Cancels the lookups that have no answer yet. A cancelled lookup calls nothing.
static void cancel_others(struct run *run) {
  for (int i = 0; i < run->count; i++)
    if (evnet_resolve_cancel(run->reactor, run->lookups[i].id) == 0) run->pending--;
}

static void finish(const struct lookup *lookup, int status) {
  struct run *run = lookup->run;
  if (status < 0) {
    fprintf(stderr, "resolve: '%s': %s\n", lookup->question, evnet_status_message(status));
    run->failed = true;
  } else if (lookup->question != NULL) {
    run->succeeded = true;
    if (run->first) cancel_others(run);
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
    status =
        evnet_resolve_name(lookup->run->reactor, &address, TIMEOUT_MS, named, lookup, &lookup->id);
  } else if (status > 0) {
    const struct evnet_resolve_options options = {.timeout_ms = TIMEOUT_MS};
    status =
        evnet_resolve(lookup->run->reactor, lookup->question, &options, found, lookup, &lookup->id);
  }
  if (status < 0) finish(lookup, status);
}

static int look_up(struct evnet_cares *cares, bool first, char **questions, int count) {
  static const struct evnet_handler handler = {0};
  const struct evnet_reactor_options options = {.resolve = evnet_cares_resolver(cares)};
  struct run run = {.pending = 1, .first = first};  // 1 until all lookups have begun
  int status = evnet_reactor_create(&handler, NULL, &options, &run.reactor);
  if (status < 0) return status;
  while (run.count < count && !(first && run.succeeded)) {
    struct lookup *lookup = &run.lookups[run.count++];
    *lookup = (struct lookup){.run = &run, .question = questions[run.count - 1]};
    begin(lookup);
  }
  const struct lookup all = {.run = &run};
  finish(&all, 0);
  status = evnet_reactor_run(run.reactor);
  evnet_reactor_destroy(run.reactor);
  return status < 0 ? status : first ? !run.succeeded : run.failed;
}

int main(int argc, char **argv) {
  static const char server[] = "--server=";
  struct evnet_cares_options options = {.tries = 2};
  int next = 1;
  if (next < argc && strncmp(argv[next], server, strlen(server)) == 0)
    options.servers = argv[next++] + strlen(server);
  const bool first = next < argc && strcmp(argv[next], "--first") == 0;
  if (first) next++;
  if (argc == next || argc - next > LOOKUPS_MAX || argv[next][0] == '-') {
    fprintf(stderr, "usage: resolve [--server=ADDRESS:PORT] [--first] NAME|ADDRESS... (up to %d)\n",
            LOOKUPS_MAX);
    return 2;
  }
  struct evnet_cares *cares;
  int status = evnet_cares_create(&options, &cares);
  if (status == 0) {
    status = look_up(cares, first, argv + next, argc - next);
    evnet_cares_destroy(cares);
  }
  if (status < 0) fprintf(stderr, "resolve: %s\n", evnet_status_message(status));
  return status != 0;
}
