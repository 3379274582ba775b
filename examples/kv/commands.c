// The way of a request to the function of its command: existence, arity, memory, subscriptions, transactions, locks.
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "examples/kv/command_table.h"

enum { NAME_BYTES_MAX = 32, INDEX_SIZE = 256, MESSAGE_BYTES = 512, SHOWN_BYTES = 128 };

// Arguments

// As tolower(3) in the C locale, without a call.
static inline char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c; }

bool arg_is(const struct resp_arg *arg, const char *word) {
  size_t i = 0;
  for (; i < arg->size && word[i] != '\0'; i++) {
    if (lower(arg->data[i]) != word[i]) return false;
  }
  return i == arg->size && word[i] == '\0';
}

bool arg_number(struct session *session, const struct resp_arg *arg, int64_t *out) {
  if (resp_parse_number(arg->data, arg->size, out) == 0) return true;
  reply_error(session->reply, "ERR value is not an integer or out of range");
  return false;
}

const char *arg_text(const struct resp_arg *arg, char *out, size_t room) {
  const size_t size = arg->size < room ? arg->size : room - 1;
  const char *nul = memchr(arg->data, '\0', size);
  const size_t shown = nul != NULL ? (size_t)(nul - arg->data) : size;
  memcpy(out, arg->data, shown);
  out[shown] = '\0';
  return out;
}

void reply_syntax_error(struct session *session) {
  reply_error(session->reply, "ERR syntax error");
}

void reply_no_memory(struct session *session) {
  reply_error(session->reply, "OOM command not allowed when used memory > 'maxmemory'.");
}

void reply_subcommand_error(struct session *session, const struct request *request) {
  char name[SHOWN_BYTES + 1], upper[NAME_BYTES_MAX];
  (void)arg_text(&request->args[0], upper, sizeof upper);
  for (char *at = upper; *at != '\0'; at++) *at = (char)toupper((unsigned char)*at);
  reply_error_format(session->reply,
                     "ERR unknown subcommand or wrong number of arguments for '%s'. Try %s HELP.",
                     arg_text(&request->args[1], name, sizeof name), upper);
}

void reply_help(struct session *session, const char *command, const char *const *lines,
                size_t count) {
  char title[SHOWN_BYTES];
  snprintf(title, sizeof title,
           "%s <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", command);
  reply_array(session->reply, count + 1);
  reply_status(session->reply, title);
  for (size_t i = 0; i < count; i++) reply_status(session->reply, lines[i]);
}

struct entry *read_entry(struct session *session, const struct key *key) {
  struct entry *entry =
      store_find(&session->kv->store, session->database, key, session->worker->now_ms);
  atomic_uint_fast64_t *counter = entry != NULL ? &session->worker->hits : &session->worker->misses;
  // Only this thread writes it.
  atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
                        memory_order_relaxed);
  return entry;
}

// The index of the table

static uint8_t index_of_name[INDEX_SIZE];  // the place in the table, plus 1

// Lower case, and FNV-1a.
static unsigned hash_name(const char *name, size_t size) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < size; i++) hash = (hash ^ (unsigned char)lower(name[i])) * 16777619u;
  return (hash ^ hash >> 16) % INDEX_SIZE;
}

void commands_init(void) {
  for (size_t i = 0; i < command_table_count; i++) {
    unsigned at = hash_name(command_table[i].name, strlen(command_table[i].name));
    while (index_of_name[at] != 0) at = (at + 1) % INDEX_SIZE;
    index_of_name[at] = (uint8_t)(i + 1);
  }
}

static const struct command *find_name(const struct resp_arg *name) {
  if (name->size > NAME_BYTES_MAX) return NULL;
  for (unsigned at = hash_name(name->data, name->size); index_of_name[at] != 0;
       at = (at + 1) % INDEX_SIZE) {
    const struct command *command = &command_table[index_of_name[at] - 1];
    if (arg_is(name, command->name)) return command;
  }
  return NULL;
}

size_t command_count(void) { return command_table_count; }

const struct command *command_at(size_t index) { return &command_table[index]; }

const struct command *command_subcommands(const struct command *command, size_t *out_count) {
  *out_count = 0;
  for (size_t i = 0; i < command_subcommand_table_count; i++) {
    if (strcmp(command_subcommand_table[i].name, command->name) != 0) continue;
    *out_count = command_subcommand_table[i].count;
    return command_subcommand_table[i].commands;
  }
  return NULL;
}

static const struct command *find_subcommand(const struct command *command,
                                             const struct resp_arg *name) {
  size_t count;
  const struct command *subcommands = command_subcommands(command, &count);
  for (size_t i = 0; i < count; i++) {
    if (arg_is(name, strchr(subcommands[i].name, '|') + 1)) return &subcommands[i];
  }
  return NULL;
}

const struct command *command_named(const char *name, size_t size) {
  const char *bar = memchr(name, '|', size);
  const struct resp_arg first = {name, bar != NULL ? (size_t)(bar - name) : size};
  const struct command *command = find_name(&first);
  if (command == NULL || bar == NULL) return command;
  const struct resp_arg second = {bar + 1, size - first.size - 1};
  return find_subcommand(command, &second);
}

static bool has_subcommands(const struct command *command) {
  return command->run == NULL || command->run == cmd_command;
}

const struct command *command_find(const struct request *request) {
  const struct command *command = find_name(&request->args[0]);
  if (command == NULL || !has_subcommands(command) || request->count < 2) return command;
  return find_subcommand(command, &request->args[1]);
}

bool command_arity_fits(const struct command *command, size_t count) {
  return command->arity >= 0 ? count == (size_t)command->arity : count >= (size_t)-command->arity;
}

uint64_t command_shards(struct session *session, const struct command *command,
                        const struct request *request) {
  if ((command->flags & COMMAND_ALL_SHARDS) != 0) return STORE_ALL_SHARDS;
  uint64_t shards = 0;
  if (command->first_key == 0) return 0;
  const size_t last = command->last_key < 0 ? request->count - (size_t)-command->last_key
                                            : (size_t)command->last_key;
  for (size_t i = (size_t)command->first_key; i <= last && i < request->count;
       i += (size_t)command->key_step) {
    const struct key key =
        store_key(&session->kv->store, request->args[i].data, request->args[i].size);
    if (shards == 0) {
      session->hashed_arg = &request->args[i];
      session->hashed_key = key;
    }
    shards |= store_shard_of(&session->kv->store, &key);
  }
  return shards;
}

// Execution

// Replies with an error before a command runs: a transaction cannot be executed any more.
static void reject(struct session *session, const char *text) {
  if (session->in_multi) session->has_failed = true;
  reply_error(session->reply, text);
}

static void reject_unknown(struct session *session, const struct request *request) {
  char message[MESSAGE_BYTES], name[SHOWN_BYTES + 1];
  const struct command *container = find_name(&request->args[0]);
  if (container != NULL) {
    char upper[NAME_BYTES_MAX + 1];
    (void)arg_text(&request->args[0], upper, sizeof upper);
    for (char *at = upper; *at != '\0'; at++) *at = (char)toupper((unsigned char)*at);
    snprintf(message, sizeof message, "ERR unknown subcommand '%s'. Try %s HELP.",
             arg_text(&request->args[1], name, sizeof name), upper);
    reject(session, message);
    return;
  }
  char args[2 * SHOWN_BYTES];
  size_t size = 0;
  args[0] = '\0';
  for (size_t i = 1; i < request->count && size < SHOWN_BYTES; i++) {
    char text[SHOWN_BYTES + 1];
    (void)arg_text(&request->args[i], text, SHOWN_BYTES - size + 1);
    size += (size_t)snprintf(args + size, sizeof args - size, "'%s' ", text);
  }
  snprintf(message, sizeof message, "ERR unknown command '%s', with args beginning with: %s",
           arg_text(&request->args[0], name, sizeof name), args);
  reject(session, message);
}

static bool is_short_of_memory(const struct session *session) {
  const struct kv *kv = session->kv;
  const int64_t most = (int64_t)atomic_load_explicit(&kv->settings.maxmemory, memory_order_relaxed);
  return most > 0 && (int64_t)atomic_load_explicit(&kv->store.bytes, memory_order_relaxed) > most;
}

// Returns whether the command may run or be queued; otherwise it has replied.
static bool admit(struct session *session, const struct command *command,
                  const struct request *request) {
  char message[MESSAGE_BYTES];
  if (!command_arity_fits(command, request->count)) {
    snprintf(message, sizeof message, "ERR wrong number of arguments for '%s' command",
             command->name);
    reject(session, message);
    return false;
  }
  const bool is_queued = session->in_multi && (command->flags & COMMAND_NOT_QUEUED) == 0;
  if (((command->flags & COMMAND_DENYOOM) != 0 || is_queued) && is_short_of_memory(session)) {
    reject(session, "OOM command not allowed when used memory > 'maxmemory'.");
    return false;
  }
  if (session_subscriptions(session) > 0 && (command->flags & COMMAND_SUBSCRIBED) == 0) {
    snprintf(message, sizeof message,
             "ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET "
             "are allowed in "
             "this context",
             command->name);
    reject(session, message);
    return false;
  }
  return true;
}

static void run(struct session *session, const struct command *command,
                const struct request *request) {
  const uint64_t shards = command_shards(session, command, request);
  store_lock(&session->kv->store, shards);
  session->shards = shards;
  command->run(session, request);
  session->shards = 0;
  store_unlock(&session->kv->store, shards);
}

void command_execute(struct session *session, const struct request *request) {
  struct worker *worker = session->worker;
  const size_t before = session->reply->size;
  const struct command *command = command_find(request);
  atomic_store_explicit(&session->last, command, memory_order_relaxed);
  if (command == NULL) {
    reject_unknown(session, request);
  } else if (admit(session, command, request)) {
    if (session->in_multi && (command->flags & COMMAND_NOT_QUEUED) == 0) {
      if (transaction_queue(session, command, request)) {
        reply_status(session->reply, "QUEUED");
      } else {
        reject(session, "OOM command not allowed when used memory > 'maxmemory'.");
      }
    } else {
      run(session, command, request);
    }
    atomic_store_explicit(&worker->commands,
                          atomic_load_explicit(&worker->commands, memory_order_relaxed) + 1,
                          memory_order_relaxed);
  }
  if (session->reply->size > before && session->reply->data[before] == '-')
    atomic_store_explicit(&worker->errors,
                          atomic_load_explicit(&worker->errors, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}
