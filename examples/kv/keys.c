// Commands on keys, whatever their values.
#include <stdio.h>
#include <string.h>

#include "examples/kv/kv.h"

enum {
  EMBEDDED_BYTES_MAX = 44,  // Redis's encoding "embstr"
  SHARED_INTEGERS = 10000,  // Redis shares the objects of these numbers
  INTEGER_TEXT_BYTES_MAX = 20,
};

static int64_t now(const struct session *session) { return session->worker->now_ms; }

static struct entry *find(struct session *session, int database, const struct key *key) {
  return store_find(&session->kv->store, database, key, now(session));
}

void cmd_del(struct session *session, const struct request *request) {
  int64_t count = 0;
  for (size_t i = 1; i < request->count; i++) {
    const struct key key = session_key(session, &request->args[i]);
    struct entry *entry = find(session, session->database, &key);
    if (entry == NULL) continue;
    store_remove(&session->kv->store, session->database, &key, entry);
    count++;
  }
  reply_integer(session->reply, count);
}

void cmd_exists(struct session *session, const struct request *request) {
  int64_t count = 0;
  for (size_t i = 1; i < request->count; i++) {
    const struct key key = session_key(session, &request->args[i]);
    if (store_peek(&session->kv->store, session->database, &key, now(session)) != NULL) count++;
  }
  reply_integer(session->reply, count);
}

void cmd_touch(struct session *session, const struct request *request) {
  int64_t count = 0;
  for (size_t i = 1; i < request->count; i++) {
    const struct key key = session_key(session, &request->args[i]);
    if (find(session, session->database, &key) != NULL) count++;
  }
  reply_integer(session->reply, count);
}

void cmd_type(struct session *session, const struct request *request) {
  const struct key key = session_key(session, &request->args[1]);
  const bool exists =
      store_peek(&session->kv->store, session->database, &key, now(session)) != NULL;
  reply_status(session->reply, exists ? "string" : "none");
}

// Puts the value and the expiry of an entry into another key.
static bool put_copy(struct session *session, struct entry *entry, int database,
                     const struct key *to) {
  const bool was_changed = entry->was_changed, is_text = entry->is_text,
             is_unshared = entry->is_unshared;
  entry = store_put(&session->kv->store, database, to, entry_value(entry), entry->value_size,
                    entry_expires_ms(entry), now(session));
  if (entry == NULL) {
    reply_no_memory(session);
    return false;
  }
  entry->was_changed = was_changed;
  entry->is_text = is_text;
  entry->is_unshared = is_unshared;
  return true;
}

static bool same_key(const struct resp_arg *one, const struct resp_arg *other) {
  return one->size == other->size && memcmp(one->data, other->data, one->size) == 0;
}

static void rename_key(struct session *session, const struct request *request, bool only_new) {
  const struct key from = session_key(session, &request->args[1]),
                   to = session_key(session, &request->args[2]);
  struct entry *entry = find(session, session->database, &from);
  if (entry == NULL) {
    reply_error(session->reply, "ERR no such key");
    return;
  }
  const bool is_same = same_key(&request->args[1], &request->args[2]);
  if (only_new && (is_same || find(session, session->database, &to) != NULL)) {
    reply_integer(session->reply, 0);
    return;
  }
  if (!is_same) {
    if (!put_copy(session, entry, session->database, &to)) return;
    // The address may have changed.
    entry = store_peek(&session->kv->store, session->database, &from, now(session));
    if (entry != NULL) store_remove(&session->kv->store, session->database, &from, entry);
  }
  if (only_new) {
    reply_integer(session->reply, 1);
  } else {
    reply_ok(session->reply);
  }
}

void cmd_rename(struct session *session, const struct request *request) {
  rename_key(session, request, false);
}

void cmd_renamenx(struct session *session, const struct request *request) {
  rename_key(session, request, true);
}

// Parses the number of a database as Redis does for COPY and MOVE.
static bool parse_database(struct session *session, const struct resp_arg *arg, int *out) {
  int64_t number;
  if (resp_parse_number(arg->data, arg->size, &number) < 0 || number < INT32_MIN ||
      number > INT32_MAX) {
    reply_error(session->reply, "ERR value is not an integer or out of range");
    return false;
  }
  if (number < 0 || number >= STORE_DATABASES) {
    reply_error(session->reply, "ERR DB index is out of range");
    return false;
  }
  *out = (int)number;
  return true;
}

void cmd_copy(struct session *session, const struct request *request) {
  int database = session->database;
  bool replaces = false;
  for (size_t i = 3; i < request->count; i++) {
    if (arg_is(&request->args[i], "replace")) {
      replaces = true;
    } else if (arg_is(&request->args[i], "db") && i + 1 < request->count) {
      if (!parse_database(session, &request->args[++i], &database)) return;
    } else {
      reply_syntax_error(session);
      return;
    }
  }
  if (database == session->database && same_key(&request->args[1], &request->args[2])) {
    reply_error(session->reply, "ERR source and destination objects are the same");
    return;
  }
  const struct key from = session_key(session, &request->args[1]),
                   to = session_key(session, &request->args[2]);
  struct entry *entry = read_entry(session, &from);
  if (entry == NULL || (find(session, database, &to) != NULL && !replaces)) {
    reply_integer(session->reply, 0);
  } else if (put_copy(session, entry, database, &to)) {
    entry = store_peek(&session->kv->store, database, &to, now(session));
    if (entry != NULL) entry->is_unshared = 1;
    reply_integer(session->reply, 1);
  }
}

void cmd_move(struct session *session, const struct request *request) {
  int database;
  if (!parse_database(session, &request->args[2], &database)) return;
  if (database == session->database) {
    reply_error(session->reply, "ERR source and destination objects are the same");
    return;
  }
  const struct key key = session_key(session, &request->args[1]);
  struct entry *entry = find(session, session->database, &key);
  if (entry == NULL || find(session, database, &key) != NULL) {
    reply_integer(session->reply, 0);
  } else if (put_copy(session, entry, database, &key)) {
    store_remove(&session->kv->store, session->database, &key, entry);
    reply_integer(session->reply, 1);
  }
}

// OBJECT

static struct entry *peek(struct session *session, const struct request *request) {
  const struct key key = session_key(session, &request->args[2]);
  struct entry *entry = store_peek(&session->kv->store, session->database, &key, now(session));
  if (entry == NULL) reply_null(session->reply);
  return entry;
}

static bool is_integer(struct entry *entry, int64_t *out) {
  return !entry->was_changed && !entry->is_text && entry->value_size <= INTEGER_TEXT_BYTES_MAX &&
         resp_parse_number(entry_value(entry), entry->value_size, out) == 0;
}

void cmd_object_encoding(struct session *session, const struct request *request) {
  struct entry *entry = peek(session, request);
  if (entry == NULL) return;
  int64_t number;
  const bool is_short = !entry->was_changed && entry->value_size <= EMBEDDED_BYTES_MAX;
  reply_text(session->reply, is_integer(entry, &number) ? "int" : is_short ? "embstr" : "raw");
}

void cmd_object_refcount(struct session *session, const struct request *request) {
  struct entry *entry = peek(session, request);
  if (entry == NULL) return;
  int64_t number;
  const bool is_shared =
      !entry->is_unshared && is_integer(entry, &number) && number >= 0 && number < SHARED_INTEGERS;
  reply_integer(session->reply, is_shared ? INT32_MAX : 1);
}

void cmd_object_idletime(struct session *session, const struct request *request) {
  const struct entry *entry = peek(session, request);
  if (entry == NULL) return;
  const uint32_t now_s = (uint32_t)(now(session) / 1000);
  reply_integer(session->reply,
                (int32_t)(now_s - entry->used_s) > 0 ? (int64_t)(now_s - entry->used_s) : 0);
}

void cmd_object_freq(struct session *session, const struct request *request) {
  if (peek(session, request) == NULL) return;
  reply_error(
      session->reply,
      "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that "
      "when "
      "switching between policies at runtime LRU and LFU data will take some time to adjust.");
}

void cmd_object_help(struct session *session, const struct request *request) {
  (void)request;
  static const char *const lines[] = {"ENCODING <key>", "FREQ <key>", "IDLETIME <key>",
                                      "REFCOUNT <key>", "HELP"};
  reply_help(session, "OBJECT", lines, sizeof lines / sizeof lines[0]);
}
