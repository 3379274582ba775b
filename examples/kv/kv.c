// A server for clients of Redis: strings with times of expiry, transactions, channels. Several reactors serve the same
// databases. kv.h has an overview of the parts, and README.md the commands.
#include "examples/kv/kv.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "examples/command_line/command_line.h"
#include "examples/kv/session.h"

enum {
  SWEEP_MS = 100,
  WORKERS_MAX = 1024,
  WRITE_TIMEOUT_MS = 60000,
};

static const char usage[] =
    "usage: kv [OPTION...] [ADDRESS...]\n"
    "\n"
    "Keeps keys and values in memory, and serves clients of Redis (protocol RESP2). UDP is not\n"
    "supported.\n"
    "\n"
    "  --maxmemory-mb=N     refuses commands that need memory, if keys and values take more\n"
    "                       than this many MiB. Default: no limit\n"
    "  --output-max-mb=N    disconnects a client whose unsent replies exceed this many MiB.\n"
    "                       Default: 1024\n";

struct app {
  struct kv kv;
  long maxmemory_mb, output_max_mb;
};

int64_t kv_wall_ms(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// Removes expired keys of this reactor's part of the shards.
static void sweep(struct evnet_timer *timer, void *user) {
  (void)timer;
  struct worker *worker = user;
  struct kv *kv = worker->kv;
  worker->now_ms = kv_wall_ms();
  for (unsigned shard = worker->index; shard < STORE_SHARDS; shard += kv->worker_count) {
    for (int rounds = 0; rounds < 4 && store_sweep(&kv->store, shard, worker->now_ms); rounds++)
      continue;
  }
  if (worker->index == 0) store_measure(&kv->store);
}

static enum evnet_action on_reactor_boot(struct evnet_reactor *reactor, void *user) {
  struct kv *kv = user;
  struct worker *worker = &kv->workers[evnet_reactor_index(reactor)];
  worker->kv = kv;
  worker->index = evnet_reactor_index(reactor);
  worker->now_ms = kv_wall_ms();
  worker->random = kv->store.seed.words[0] ^ ((uint64_t)worker->index + 1) * 0x9e3779b97f4a7c15u;
  if (worker->random == 0) worker->random = 1;
  evnet_reactor_set_user(reactor, worker);
  evnet_timer_repeat(reactor, &worker->timer, SWEEP_MS, sweep, worker);
  return EVNET_NONE;
}

static void on_reactor_shutdown(struct evnet_reactor *reactor, void *user) {
  struct kv *kv = user;
  struct worker *worker = &kv->workers[evnet_reactor_index(reactor)];
  evnet_timer_stop(reactor, &worker->timer);
  reply_reset(&worker->reply, 0);
}

static enum evnet_action on_boot(struct evnet_server *server, void *user) {
  struct kv *kv = user;
  struct evnet_address address;
  if (evnet_server_address(server, 0, &address) == 0) kv->port = evnet_address_port(&address);
  return command_line_on_boot(server, user);
}

static bool take_maxmemory(const char *value, void *user) {
  return command_line_parse_number(value, 1, 1 << 20, &((struct app *)user)->maxmemory_mb);
}

static bool take_output_max(const char *value, void *user) {
  return command_line_parse_number(value, 2, 1 << 20, &((struct app *)user)->output_max_mb);
}

static void print_run_id(struct kv *kv) {
  struct evnet_hash_key random[3] = {{{0}}};
  for (int i = 0; i < 3; i++) (void)!evnet_hash_key_make(&random[i]);
  snprintf(kv->run_id, sizeof kv->run_id, "%016llx%016llx%08x",
           (unsigned long long)random[0].words[0], (unsigned long long)random[1].words[0],
           (unsigned)random[2].words[0]);
}

static int prepare(struct app *app) {
  struct kv *kv = &app->kv;
  (void)pthread_mutex_init(&kv->registry, NULL);
  commands_init();
  kv->started_ms = kv_wall_ms();
  kv->workers = calloc(WORKERS_MAX, sizeof *kv->workers);
  if (kv->workers == NULL || store_init(&kv->store) < 0 || pubsub_create(kv) < 0) return -1;
  atomic_init(&kv->settings.bulk_bytes_max, TABLE_STRING_BYTES_MAX);
  atomic_init(&kv->settings.maxmemory, (int64_t)app->maxmemory_mb << 20);
  print_run_id(kv);
  return 0;
}

static void destroy(struct kv *kv) {
  pubsub_destroy(kv);
  store_deinit(&kv->store);
  free(kv->workers);
  (void)pthread_mutex_destroy(&kv->registry);
}

static int serve(struct app *app, const struct command_line *line) {
  static const struct evnet_handler handler = {.on_boot = on_boot,
                                               .on_open = session_on_open,
                                               .on_data = session_on_data,
                                               .on_drain = session_on_drain,
                                               .on_close = session_on_close,
                                               .on_reactor_boot = on_reactor_boot,
                                               .on_reactor_shutdown = on_reactor_shutdown};
  struct kv *kv = &app->kv;
  int status = evnet_server_create(&handler, kv, line->addresses, line->address_count,
                                   &line->options, &kv->server);
  if (status == 0) {
    kv->worker_count = evnet_server_reactor_count(kv->server);
    kv->store.is_shared = kv->worker_count > 1;
    status = evnet_server_stop_on_signal(kv->server, SIGINT, 0);
  }
  if (status == 0) status = evnet_server_stop_on_signal(kv->server, SIGTERM, 0);
  if (status == 0) status = evnet_server_run(kv->server);
  evnet_server_destroy(kv->server);
  return status;
}

int main(int argc, char **argv) {
  static struct app app = {.output_max_mb = 1024};
  static const struct command_line_option own[] = {
      {"--maxmemory-mb=", take_maxmemory, "must be 1 to 1048576"},
      {"--output-max-mb=", take_output_max, "must be 2 to 1048576"},
  };
  struct command_line line = {.program = "kv",
                              .usage = usage,
                              .no_udp = true,
                              .own = own,
                              .own_count = sizeof own / sizeof own[0],
                              .user = &app,
                              .options = {.reactors = 1,
                                          .inbound_bytes_max = (size_t)1 << 30,
                                          .outbound_high_water_bytes = KV_HIGH_WATER_BYTES,
                                          .write_timeout_ms = WRITE_TIMEOUT_MS}};
  int exit_code = command_line_parse(&line, argc, argv);
  if (exit_code >= 0) return exit_code;
  line.options.outbound_bytes_max = (size_t)app.output_max_mb << 20;
  app.kv.connections_max = 10000;
  if (prepare(&app) < 0) {
    fprintf(stderr, "kv: out of memory\n");
    return EXIT_FAILURE;
  }
  exit_code = command_line_exit_code(&line, serve(&app, &line));
  destroy(&app.kv);
  return exit_code;
}
