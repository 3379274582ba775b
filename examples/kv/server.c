// Commands on the connection and the server.
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "examples/kv/kv.h"

void cmd_ping(struct session *session, const struct request *request) {
  struct reply *reply = session->reply;
  if (request->count > 2) {
    reply_error(reply, "ERR wrong number of arguments for 'ping' command");
  } else if (session_subscriptions(session) > 0) {
    reply_array(reply, 2);
    reply_text(reply, "pong");
    if (request->count == 2) {
      reply_bulk(reply, request->args[1].data, request->args[1].size);
    } else {
      reply_text(reply, "");
    }
  } else if (request->count == 2) {
    reply_bulk(reply, request->args[1].data, request->args[1].size);
  } else {
    reply_status(reply, "PONG");
  }
}

void cmd_echo(struct session *session, const struct request *request) {
  reply_bulk(session->reply, request->args[1].data, request->args[1].size);
}

void cmd_select(struct session *session, const struct request *request) {
  int64_t index;
  if (resp_parse_number(request->args[1].data, request->args[1].size, &index) < 0 ||
      index < INT32_MIN || index > INT32_MAX) {
    reply_error(session->reply, "ERR value is not an integer or out of range");
  } else if (index < 0 || index >= STORE_DATABASES) {
    reply_error(session->reply, "ERR DB index is out of range");
  } else {
    session->database = (int)index;
    atomic_store_explicit(&session->seen_database, (int)index, memory_order_relaxed);
    reply_ok(session->reply);
  }
}

// Reads the options of HELLO. There is one user, "default", without a password: any password is right.
static bool parse_hello(struct session *session, const struct request *request) {
  for (size_t i = 2; i < request->count; i++) {
    const size_t left = request->count - 1 - i;
    const struct resp_arg *arg = &request->args[i];
    char text[128];
    if (arg_is(arg, "auth") && left >= 2) {
      if (request->args[i + 1].size != 7 || memcmp(request->args[i + 1].data, "default", 7) != 0) {
        reply_error(session->reply,
                    "WRONGPASS invalid username-password pair or user is disabled.");
        return false;
      }
      i += 2;
    } else if (arg_is(arg, "setname") && left >= 1) {
      if (!client_set_name(session, &request->args[++i])) return false;
    } else {
      reply_error_format(session->reply, "ERR Syntax error in HELLO option '%s'",
                         arg_text(arg, text, sizeof text));
      return false;
    }
  }
  return true;
}

void cmd_hello(struct session *session, const struct request *request) {
  struct reply *reply = session->reply;
  int64_t version = 2;
  if (request->count >= 2 &&
      resp_parse_number(request->args[1].data, request->args[1].size, &version) < 0) {
    reply_error(reply, "ERR Protocol version is not an integer or out of range");
    return;
  }
  if (version != 2) {
    reply_error(reply, "NOPROTO unsupported protocol version");
    return;
  }
  if (!parse_hello(session, request)) return;
  reply_array(reply, 14);
  reply_text(reply, "server");
  reply_text(reply, "redis");
  reply_text(reply, "version");
  reply_text(reply, KV_REDIS_VERSION);
  reply_text(reply, "proto");
  reply_integer(reply, 2);
  reply_text(reply, "id");
  reply_integer(reply, (int64_t)session->id);
  reply_text(reply, "mode");
  reply_text(reply, "standalone");
  reply_text(reply, "role");
  reply_text(reply, "master");
  reply_text(reply, "modules");
  reply_array(reply, 0);
}

void cmd_reset(struct session *session, const struct request *request) {
  (void)request;
  session_reset(session);
  reply_status(session->reply, "RESET");
}

void cmd_quit(struct session *session, const struct request *request) {
  (void)request;
  reply_ok(session->reply);
  session->ends = true;
}

void cmd_time(struct session *session, const struct request *request) {
  (void)request;
  struct timespec now;
  char text[32];
  (void)clock_gettime(CLOCK_REALTIME, &now);
  reply_array(session->reply, 2);
  snprintf(text, sizeof text, "%lld", (long long)now.tv_sec);
  reply_text(session->reply, text);
  snprintf(text, sizeof text, "%ld", now.tv_nsec / 1000);
  reply_text(session->reply, text);
}

// There are no functions, so there is nothing to remove.
void cmd_function_flush(struct session *session, const struct request *request) {
  if (request->count > 3 || (request->count == 3 && !arg_is(&request->args[2], "sync") &&
                             !arg_is(&request->args[2], "async"))) {
    reply_error(session->reply, "ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
    return;
  }
  reply_ok(session->reply);
}

// INFO

struct totals {
  uint64_t commands, hits, misses, errors, connections;
};

static struct totals add_up(const struct kv *kv) {
  struct totals totals = {0};
  for (unsigned i = 0; i < kv->worker_count; i++) {
    const struct worker *worker = &kv->workers[i];
    totals.commands += atomic_load_explicit(&worker->commands, memory_order_relaxed);
    totals.hits += atomic_load_explicit(&worker->hits, memory_order_relaxed);
    totals.misses += atomic_load_explicit(&worker->misses, memory_order_relaxed);
    totals.errors += atomic_load_explicit(&worker->errors, memory_order_relaxed);
    totals.connections += atomic_load_explicit(&worker->connections, memory_order_relaxed);
  }
  return totals;
}

static void print(struct reply *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void print(struct reply *out, const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  const int size = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (size > 0) reply_bytes(out, text, (size_t)size < sizeof text ? (size_t)size : sizeof text - 1);
}

static void print_server(struct session *session, struct reply *out) {
  const struct kv *kv = session->kv;
  struct utsname system;
  (void)uname(&system);
  const int64_t up_s = (session->worker->now_ms - kv->started_ms) / 1000;
  print(out,
        "# Server\r\nredis_version:" KV_REDIS_VERSION
        "\r\nredis_mode:standalone\r\nos:%s %s "
        "%s\r\narch_bits:%zu\r\nmultiplexing_api:evnet\r\nprocess_id:%ld\r\n"
        "run_id:%s\r\n",
        system.sysname, system.release, system.machine, sizeof(void *) * 8, (long)getpid(),
        kv->run_id);
  print(out,
        "tcp_port:%u\r\nserver_time_usec:%" PRId64 "\r\nuptime_in_seconds:%" PRId64
        "\r\nuptime_in_days:%" PRId64 "\r\nhz:10\r\nio_threads_active:%d\r\n",
        kv->port, session->worker->now_ms * 1000, up_s, up_s / 86400, kv->worker_count > 1);
}

static void print_clients(struct session *session, struct reply *out) {
  struct evnet_server_stats stats;
  evnet_server_get_stats(session->kv->server, &stats);
  print(out,
        "# Clients\r\nconnected_clients:%" PRIu64 "\r\nmaxclients:%zu\r\nblocked_clients:0\r\n",
        (uint64_t)stats.connections_open, session->kv->connections_max);
}

static void print_memory(struct session *session, struct reply *out) {
  const uint64_t used = atomic_load_explicit(&session->kv->store.bytes, memory_order_relaxed);
  struct rusage usage;
  (void)getrusage(RUSAGE_SELF, &usage);
  print(out,
        "# Memory\r\nused_memory:%" PRIu64
        "\r\nused_memory_peak:%lld\r\nused_memory_dataset:%" PRIu64 "\r\nmaxmemory:%" PRId64
        "\r\nmaxmemory_policy:noeviction\r\n",
        used, (long long)usage.ru_maxrss * 1024, used,
        (int64_t)atomic_load_explicit(&session->kv->settings.maxmemory, memory_order_relaxed));
}

static void print_persistence(struct session *session, struct reply *out) {
  (void)session;
  print(out,
        "# "
        "Persistence\r\nloading:0\r\nrdb_changes_since_last_save:0\r\nrdb_bgsave_in_progress:"
        "0\r\naof_enabled:0\r\n");
}

static void print_stats(struct session *session, struct reply *out) {
  struct kv *kv = session->kv;
  const struct totals totals = add_up(kv);
  struct evnet_server_stats stats;
  evnet_server_get_stats(kv->server, &stats);
  print(out,
        "# Stats\r\ntotal_connections_received:%" PRIu64 "\r\ntotal_commands_processed:%" PRIu64
        "\r\ntotal_net_input_bytes:%" PRIu64 "\r\ntotal_net_output_bytes:%" PRIu64
        "\r\nexpired_keys:%" PRIu64 "\r\nevicted_keys:0\r\nkeyspace_hits:%" PRIu64
        "\r\nkeyspace_misses:%" PRIu64 "\r\n",
        totals.connections, totals.commands, (uint64_t)stats.bytes_received,
        (uint64_t)stats.bytes_sent,
        (uint64_t)atomic_load_explicit(&kv->store.expired, memory_order_relaxed), totals.hits,
        totals.misses);
  print(out, "pubsub_channels:%zu\r\npubsub_patterns:%zu\r\ntotal_error_replies:%" PRIu64 "\r\n",
        pubsub_channel_count(kv), pubsub_pattern_count(kv), totals.errors);
}

static void print_replication(struct session *session, struct reply *out) {
  (void)session;
  print(out, "# Replication\r\nrole:master\r\nconnected_slaves:0\r\n");
}

static void print_cpu(struct session *session, struct reply *out) {
  (void)session;
  struct rusage usage;
  (void)getrusage(RUSAGE_SELF, &usage);
  print(out, "# CPU\r\nused_cpu_sys:%lld.%06ld\r\nused_cpu_user:%lld.%06ld\r\n",
        (long long)usage.ru_stime.tv_sec, (long)usage.ru_stime.tv_usec,
        (long long)usage.ru_utime.tv_sec, (long)usage.ru_utime.tv_usec);
}

static void print_cluster(struct session *session, struct reply *out) {
  (void)session;
  print(out, "# Cluster\r\ncluster_enabled:0\r\n");
}

static void print_keyspace(struct session *session, struct reply *out) {
  print(out, "# Keyspace\r\n");
  struct store *store = &session->kv->store;
  for (int database = 0; database < STORE_DATABASES; database++) {
    const size_t count = store_count(store, database);
    if (count > 0)
      print(out, "db%d:keys=%zu,expires=%zu,avg_ttl=0\r\n", database, count,
            store_count_expiring(store, database));
  }
}

static bool wants(const struct request *request, const char *section) {
  if (request->count == 1) return true;
  for (size_t i = 1; i < request->count; i++) {
    const struct resp_arg *arg = &request->args[i];
    if (arg_is(arg, section) || arg_is(arg, "all") || arg_is(arg, "everything") ||
        arg_is(arg, "default"))
      return true;
  }
  return false;
}

void cmd_info(struct session *session, const struct request *request) {
  static const struct {
    const char *name;
    void (*print)(struct session *session, struct reply *out);
  } sections[] = {
      {"server", print_server},     {"clients", print_clients},
      {"memory", print_memory},     {"persistence", print_persistence},
      {"stats", print_stats},       {"replication", print_replication},
      {"cpu", print_cpu},           {"cluster", print_cluster},
      {"keyspace", print_keyspace},
  };
  struct reply text = {0};
  for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
    if (!wants(request, sections[i].name)) continue;
    if (text.size > 0) reply_bytes(&text, "\r\n", 2);
    sections[i].print(session, &text);
  }
  if (text.has_failed) session->reply->has_failed = true;
  reply_bulk(session->reply, text.data != NULL ? text.data : "", text.size);
  reply_reset(&text, 0);
}
