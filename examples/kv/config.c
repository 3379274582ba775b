// CONFIG: the settings that this server has. Those that it cannot change have Redis's names and this server's values.
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "examples/kv/kv.h"

enum { VALUE_BYTES = 96 };

enum setting {
  SETTING_FIXED,
  SETTING_IGNORED,  // any value is accepted, as it changes nothing here
  SETTING_MAXMEMORY,
  SETTING_BULK,
  SETTING_TIMEOUT,
  SETTING_PORT,
  SETTING_MAXCLIENTS,
};

struct parameter {
  const char *name;
  enum setting setting;
  const char *value;  // of SETTING_FIXED and SETTING_IGNORED
};

static const struct parameter parameters[] = {
    {"appendonly", SETTING_FIXED, "no"},
    {"bind", SETTING_FIXED, ""},
    {"client-output-buffer-limit", SETTING_FIXED,
     "normal 0 0 0 slave 0 0 0 pubsub 33554432 33554432 0"},
    {"client-query-buffer-limit", SETTING_FIXED, "1073741824"},
    {"databases", SETTING_FIXED, "16"},
    {"hz", SETTING_FIXED, "10"},
    {"latency-tracking", SETTING_IGNORED, "no"},
    {"lazyfree-lazy-user-flush", SETTING_IGNORED, "yes"},
    {"maxclients", SETTING_MAXCLIENTS, NULL},
    {"maxmemory", SETTING_MAXMEMORY, NULL},
    {"maxmemory-policy", SETTING_FIXED, "noeviction"},
    {"port", SETTING_PORT, NULL},
    {"proto-max-bulk-len", SETTING_BULK, NULL},
    {"requirepass", SETTING_FIXED, ""},
    {"save", SETTING_IGNORED, ""},
    {"slowlog-log-slower-than", SETTING_IGNORED, "-1"},
    {"timeout", SETTING_TIMEOUT, NULL},
};

enum { PARAMETERS = sizeof parameters / sizeof parameters[0] };

// Returns the value as text, in `buffer` if it is a number.
static const char *value_of(const struct kv *kv, const struct parameter *parameter,
                            char buffer[VALUE_BYTES]) {
  int64_t number = 0;
  switch (parameter->setting) {
    case SETTING_FIXED:
    case SETTING_IGNORED:
      return parameter->value;
    case SETTING_MAXMEMORY:
      number = (int64_t)atomic_load_explicit(&kv->settings.maxmemory, memory_order_relaxed);
      break;
    case SETTING_BULK:
      number = (int64_t)atomic_load_explicit(&kv->settings.bulk_bytes_max, memory_order_relaxed);
      break;
    case SETTING_TIMEOUT:
      number = (int64_t)atomic_load_explicit(&kv->settings.timeout_s, memory_order_relaxed);
      break;
    case SETTING_PORT:
      number = kv->port;
      break;
    case SETTING_MAXCLIENTS:
      number = (int64_t)kv->connections_max;
      break;
  }
  snprintf(buffer, VALUE_BYTES, "%" PRId64, number);
  return buffer;
}

static bool is_asked_for(const struct request *request, const char *name) {
  for (size_t i = 2; i < request->count; i++) {
    char pattern[VALUE_BYTES];
    const struct resp_arg *arg = &request->args[i];
    if (arg->size >= sizeof pattern) continue;
    for (size_t j = 0; j < arg->size; j++) pattern[j] = (char)tolower((unsigned char)arg->data[j]);
    if (glob_matches(pattern, arg->size, name, strlen(name))) return true;
  }
  return false;
}

void cmd_config_get(struct session *session, const struct request *request) {
  char buffer[VALUE_BYTES];
  size_t count = 0;
  for (int i = 0; i < PARAMETERS; i++) count += is_asked_for(request, parameters[i].name) ? 2 : 0;
  reply_array(session->reply, count);
  for (int i = 0; i < PARAMETERS; i++) {
    if (!is_asked_for(request, parameters[i].name)) continue;
    reply_text(session->reply, parameters[i].name);
    reply_text(session->reply, value_of(session->kv, &parameters[i], buffer));
  }
}

// Parses a number of bytes with a unit, such as 100mb. Returns false if it is malformed or too large.
static bool parse_bytes(const struct resp_arg *arg, int64_t *out) {
  static const struct {
    const char *name;
    int64_t bytes;
  } units[] = {{"", 1},        {"b", 1},        {"k", 1000},       {"kb", 1024},
               {"m", 1000000}, {"mb", 1 << 20}, {"g", 1000000000}, {"gb", 1 << 30}};
  size_t digits = 0;
  while (digits < arg->size && isdigit((unsigned char)arg->data[digits])) digits++;
  const struct resp_arg unit = {arg->data + digits, arg->size - digits};
  int64_t number;
  if (resp_parse_number(arg->data, digits, &number) < 0) return false;
  for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
    if (!arg_is(&unit, units[i].name) || number > INT64_MAX / units[i].bytes) continue;
    *out = number * units[i].bytes;
    return true;
  }
  return false;
}

static const struct parameter *find(const struct resp_arg *name) {
  for (int i = 0; i < PARAMETERS; i++) {
    if (arg_is(name, parameters[i].name)) return &parameters[i];
  }
  return NULL;
}

// Checks a new value. Returns the reason why it is refused, or NULL.
static const char *check(const struct parameter *parameter, const struct resp_arg *value,
                         int64_t *out) {
  switch (parameter->setting) {
    case SETTING_MAXMEMORY:
      return parse_bytes(value, out) ? NULL : "argument must be a memory value";
    case SETTING_BULK:
      if (!parse_bytes(value, out)) return "argument must be a memory value";
      return *out >= 1024 * 1024 && *out <= TABLE_STRING_BYTES_MAX
                 ? NULL
                 : "argument must be between 1048576 and 536870912 inclusive";
    case SETTING_TIMEOUT:
      if (resp_parse_number(value->data, value->size, out) < 0)
        return "argument couldn't be parsed into an integer";
      return *out >= 0 && *out <= INT32_MAX / 1000
                 ? NULL
                 : "argument must be between 0 and 2147483 inclusive";
    case SETTING_IGNORED:
      return NULL;
    default:
      return "can't set immutable config";
  }
}

static void apply(struct session *session, const struct parameter *parameter, int64_t value) {
  struct settings *settings = &session->kv->settings;
  if (parameter->setting == SETTING_BULK)
    atomic_store_explicit(&settings->bulk_bytes_max, value, memory_order_relaxed);
  if (parameter->setting == SETTING_TIMEOUT)
    atomic_store_explicit(&settings->timeout_s, value, memory_order_relaxed);
  if (parameter->setting != SETTING_MAXMEMORY) return;
  atomic_store_explicit(&settings->maxmemory, value, memory_order_relaxed);
  // Inside EXEC, locks are held, and the next measurement of the timer has to do.
  if (session->shards == 0) store_measure(&session->kv->store);
}

void cmd_config_set(struct session *session, const struct request *request) {
  char text[VALUE_BYTES];
  if (request->count % 2 != 0) {
    reply_error(session->reply, "ERR wrong number of arguments for 'config|set' command");
    return;
  }
  // All are checked before the first is set.
  for (size_t i = 2; i < request->count; i += 2) {
    const struct parameter *parameter = find(&request->args[i]);
    int64_t value;
    if (parameter == NULL) {
      reply_error_format(session->reply,
                         "ERR Unknown option or number of arguments for CONFIG SET - '%s'",
                         arg_text(&request->args[i], text, sizeof text));
      return;
    }
    const char *reason = check(parameter, &request->args[i + 1], &value);
    if (reason == NULL) continue;
    reply_error_format(session->reply,
                       "ERR CONFIG SET failed (possibly related to argument '%s') - %s",
                       parameter->name, reason);
    return;
  }
  for (size_t i = 2; i < request->count; i += 2) {
    const struct parameter *parameter = find(&request->args[i]);
    int64_t value = 0;
    (void)check(parameter, &request->args[i + 1], &value);
    apply(session, parameter, value);
  }
  reply_ok(session->reply);
}

void cmd_config_resetstat(struct session *session, const struct request *request) {
  (void)request;
  struct kv *kv = session->kv;
  for (unsigned i = 0; i < kv->worker_count; i++) {
    struct worker *worker = &kv->workers[i];
    atomic_store_explicit(&worker->commands, 0, memory_order_relaxed);
    atomic_store_explicit(&worker->hits, 0, memory_order_relaxed);
    atomic_store_explicit(&worker->misses, 0, memory_order_relaxed);
    atomic_store_explicit(&worker->errors, 0, memory_order_relaxed);
    atomic_store_explicit(&worker->connections, 0, memory_order_relaxed);
  }
  atomic_store_explicit(&kv->store.expired, 0, memory_order_relaxed);
  reply_ok(session->reply);
}

void cmd_config_rewrite(struct session *session, const struct request *request) {
  (void)request;
  reply_error(session->reply, "ERR The server is running without a config file");
}

void cmd_config_help(struct session *session, const struct request *request) {
  (void)request;
  static const char *const lines[] = {"GET <pattern> [<pattern> ...]", "RESETSTAT", "REWRITE",
                                      "SET <directive> <value> [<directive> <value> ...]", "HELP"};
  reply_help(session, "CONFIG", lines, sizeof lines / sizeof lines[0]);
}
