// Commands that read and write whole values and parts of them.
#include <stdlib.h>
#include <string.h>

#include "examples/kv/kv.h"

enum set_option {
  SET_NX = 1 << 0,
  SET_XX = 1 << 1,
  SET_GET = 1 << 2,
  SET_KEEPTTL = 1 << 3,
  SET_PERSIST = 1 << 4,
  SET_EX = 1 << 5,
  SET_PX = 1 << 6,
  SET_EXAT = 1 << 7,
  SET_PXAT = 1 << 8,
  SET_ANY_EXPIRY = SET_EX | SET_PX | SET_EXAT | SET_PXAT,
};

// The options of SET and GETEX.
struct set_options {
  unsigned flags;
  const struct resp_arg *expiry;  // or NULL
};

static int64_t now(const struct session *session) { return session->worker->now_ms; }

static void reply_entry(struct session *session, struct entry *entry) {
  if (entry == NULL) {
    reply_null(session->reply);
  } else {
    reply_bulk(session->reply, entry_value(entry), entry->value_size);
  }
}

void cmd_get(struct session *session, const struct request *request) {
  const struct key key = session_key(session, &request->args[1]);
  reply_entry(session, read_entry(session, &key));
}

// Options

// Reads one option. Returns the number of arguments it takes; 0 if it is not permitted there.
static size_t parse_option(const struct resp_arg *args, size_t count, bool is_set,
                           struct set_options *options) {
  static const struct {
    const char *word;
    unsigned flag, excludes;
    bool has_value;
    bool is_of_set, is_of_getex;
  } known[] = {
      {"nx", SET_NX, SET_XX, false, true, false},
      {"xx", SET_XX, SET_NX, false, true, false},
      {"get", SET_GET, 0, false, true, false},
      {"keepttl", SET_KEEPTTL, SET_PERSIST | SET_ANY_EXPIRY, false, true, false},
      {"persist", SET_PERSIST, SET_KEEPTTL | SET_ANY_EXPIRY, false, false, true},
      {"ex", SET_EX, SET_KEEPTTL | SET_PERSIST | SET_PX | SET_EXAT | SET_PXAT, true, true, true},
      {"px", SET_PX, SET_KEEPTTL | SET_PERSIST | SET_EX | SET_EXAT | SET_PXAT, true, true, true},
      {"exat", SET_EXAT, SET_KEEPTTL | SET_PERSIST | SET_EX | SET_PX | SET_PXAT, true, true, true},
      {"pxat", SET_PXAT, SET_KEEPTTL | SET_PERSIST | SET_EX | SET_PX | SET_EXAT, true, true, true},
  };
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (!arg_is(args, known[i].word)) continue;
    if (!(is_set ? known[i].is_of_set : known[i].is_of_getex) ||
        (options->flags & known[i].excludes) != 0 || (known[i].has_value && count < 2))
      return 0;
    options->flags |= known[i].flag;
    if (known[i].has_value) options->expiry = &args[1];
    return known[i].has_value ? 2 : 1;
  }
  return 0;
}

static bool parse_options(struct session *session, const struct request *request, size_t first,
                          struct set_options *options) {
  for (size_t i = first; i < request->count;) {
    const size_t used = parse_option(&request->args[i], request->count - i, first == 3, options);
    if (used == 0) {
      reply_syntax_error(session);
      return false;
    }
    i += used;
  }
  return true;
}

// Computes the time of expiry of a relative or absolute time in seconds or milliseconds.
static bool compute_expiry(struct session *session, const struct request *request,
                           const struct resp_arg *arg, bool is_relative, bool is_seconds,
                           int64_t *out_ms) {
  int64_t value;
  if (!arg_number(session, arg, &value)) return false;
  bool is_valid = value > 0 && !(is_seconds && value > INT64_MAX / 1000);
  if (is_valid) {
    if (is_seconds) value *= 1000;
    is_valid = !is_relative || value <= INT64_MAX - now(session);
    if (is_valid && is_relative) value += now(session);
  }
  if (!is_valid) {
    const struct command *command = command_find(request);
    reply_error_format(session->reply, "ERR invalid expire time in '%s' command", command->name);
    return false;
  }
  *out_ms = value;
  return true;
}

static bool options_expiry(struct session *session, const struct request *request,
                           const struct set_options *options, int64_t *out_ms) {
  *out_ms = -1;
  if (options->expiry == NULL) return true;
  return compute_expiry(session, request, options->expiry,
                        (options->flags & (SET_EX | SET_PX)) != 0,
                        (options->flags & (SET_EX | SET_EXAT)) != 0, out_ms);
}

// Sets a key, and replies if memory runs out.
static bool put(struct session *session, const struct key *key, const struct resp_arg *value,
                int64_t expires_ms) {
  if (store_put(&session->kv->store, session->database, key, value->data, value->size, expires_ms,
                now(session)) != NULL)
    return true;
  reply_no_memory(session);
  return false;
}

void cmd_set(struct session *session, const struct request *request) {
  struct set_options options = {0};
  int64_t expires_ms = -1;
  if (request->count > 3 && (!parse_options(session, request, 3, &options) ||
                             !options_expiry(session, request, &options, &expires_ms)))
    return;
  const struct key key = session_key(session, &request->args[1]);
  const unsigned looks = SET_NX | SET_XX | SET_GET | SET_KEEPTTL;
  struct entry *before = NULL;
  if ((options.flags & looks) != 0)
    before = store_find(&session->kv->store, session->database, &key, now(session));
  const bool is_refused = ((options.flags & SET_NX) != 0 && before != NULL) ||
                          ((options.flags & SET_XX) != 0 && before == NULL);
  if ((options.flags & SET_GET) != 0) {
    const size_t size = session->reply->size;
    reply_entry(session, before);
    if (is_refused) return;
    if ((options.flags & SET_KEEPTTL) != 0 && before != NULL) expires_ms = entry_expires_ms(before);
    if (store_put(&session->kv->store, session->database, &key, request->args[2].data,
                  request->args[2].size, expires_ms, now(session)) != NULL)
      return;
    session->reply->size = size;
    reply_no_memory(session);
    return;
  }
  if (is_refused) {
    reply_null(session->reply);
    return;
  }
  if ((options.flags & SET_KEEPTTL) != 0 && before != NULL) expires_ms = entry_expires_ms(before);
  if (put(session, &key, &request->args[2], expires_ms)) reply_ok(session->reply);
}

void cmd_setnx(struct session *session, const struct request *request) {
  const struct key key = session_key(session, &request->args[1]);
  if (store_find(&session->kv->store, session->database, &key, now(session)) != NULL) {
    reply_integer(session->reply, 0);
  } else if (put(session, &key, &request->args[2], -1)) {
    reply_integer(session->reply, 1);
  }
}

static void set_with_expiry(struct session *session, const struct request *request,
                            bool is_seconds) {
  int64_t expires_ms;
  if (!compute_expiry(session, request, &request->args[2], true, is_seconds, &expires_ms)) return;
  const struct key key = session_key(session, &request->args[1]);
  if (put(session, &key, &request->args[3], expires_ms)) reply_ok(session->reply);
}

void cmd_setex(struct session *session, const struct request *request) {
  set_with_expiry(session, request, true);
}

void cmd_psetex(struct session *session, const struct request *request) {
  set_with_expiry(session, request, false);
}

void cmd_getset(struct session *session, const struct request *request) {
  const struct key key = session_key(session, &request->args[1]);
  const size_t size = session->reply->size;
  reply_entry(session, read_entry(session, &key));
  const struct resp_arg *value = &request->args[2];
  if (store_put(&session->kv->store, session->database, &key, value->data, value->size, -1,
                now(session)) != NULL)
    return;
  session->reply->size = size;
  reply_no_memory(session);
}

void cmd_getdel(struct session *session, const struct request *request) {
  const struct key key = session_key(session, &request->args[1]);
  struct entry *entry = read_entry(session, &key);
  reply_entry(session, entry);
  if (entry != NULL) store_remove(&session->kv->store, session->database, &key, entry);
}

void cmd_getex(struct session *session, const struct request *request) {
  struct set_options options = {0};
  if (!parse_options(session, request, 2, &options)) return;
  const struct key key = session_key(session, &request->args[1]);
  struct entry *entry = read_entry(session, &key);
  if (entry == NULL) {
    reply_null(session->reply);
    return;
  }
  int64_t expires_ms;
  if (!options_expiry(session, request, &options, &expires_ms)) return;
  const size_t size = session->reply->size;
  reply_entry(session, entry);
  struct store *store = &session->kv->store;
  if ((options.flags & (SET_EXAT | SET_PXAT)) != 0 && expires_ms <= now(session)) {
    store_remove(store, session->database, &key, entry);
  } else if (options.expiry != NULL || ((options.flags & SET_PERSIST) != 0 && entry->has_expiry)) {
    if (store_set_expiry(store, session->database, &key, entry, expires_ms) != NULL) return;
    session->reply->size = size;
    reply_no_memory(session);
  }
}

void cmd_mget(struct session *session, const struct request *request) {
  reply_array(session->reply, request->count - 1);
  for (size_t i = 1; i < request->count; i++) {
    const struct key key = session_key(session, &request->args[i]);
    reply_entry(session, read_entry(session, &key));
  }
}

static bool check_pairs(struct session *session, const struct request *request) {
  if (request->count % 2 == 1) return true;
  reply_error_format(session->reply, "ERR wrong number of arguments for '%s' command",
                     command_find(request)->name);
  return false;
}

// If memory runs out, some keys are set and the rest is not; the error says so.
static bool put_all(struct session *session, const struct request *request) {
  for (size_t i = 1; i < request->count; i += 2) {
    const struct key key = session_key(session, &request->args[i]);
    if (!put(session, &key, &request->args[i + 1], -1)) return false;
  }
  return true;
}

void cmd_mset(struct session *session, const struct request *request) {
  if (check_pairs(session, request) && put_all(session, request)) reply_ok(session->reply);
}

void cmd_msetnx(struct session *session, const struct request *request) {
  if (!check_pairs(session, request)) return;
  for (size_t i = 1; i < request->count; i += 2) {
    const struct key key = session_key(session, &request->args[i]);
    if (store_find(&session->kv->store, session->database, &key, now(session)) == NULL) continue;
    reply_integer(session->reply, 0);
    return;
  }
  if (put_all(session, request)) reply_integer(session->reply, 1);
}

// Parts of values

void cmd_strlen(struct session *session, const struct request *request) {
  const struct key key = session_key(session, &request->args[1]);
  const struct entry *entry = read_entry(session, &key);
  reply_integer(session->reply, entry != NULL ? (int64_t)entry->value_size : 0);
}

static bool check_size(struct session *session, uint64_t size) {
  if (size <= (uint64_t)atomic_load_explicit(&session->kv->settings.bulk_bytes_max,
                                             memory_order_relaxed) &&
      size <= TABLE_STRING_BYTES_MAX)
    return true;
  reply_error(session->reply, "ERR string exceeds maximum allowed size (proto-max-bulk-len)");
  return false;
}

void cmd_append(struct session *session, const struct request *request) {
  const struct key key = session_key(session, &request->args[1]);
  const struct resp_arg *value = &request->args[2];
  struct entry *entry = store_find(&session->kv->store, session->database, &key, now(session));
  if (entry == NULL) {
    if (put(session, &key, value, -1)) reply_integer(session->reply, (int64_t)value->size);
    return;
  }
  const size_t before = entry->value_size;
  if (!check_size(session, (uint64_t)before + value->size)) return;
  entry = store_resize(&session->kv->store, session->database, &key, entry, before + value->size);
  if (entry == NULL) {
    reply_no_memory(session);
    return;
  }
  memcpy(entry_value(entry) + before, value->data, value->size);
  entry->was_changed = 1;
  reply_integer(session->reply, (int64_t)entry->value_size);
}

void cmd_getrange(struct session *session, const struct request *request) {
  int64_t start, end;
  if (!arg_number(session, &request->args[2], &start) ||
      !arg_number(session, &request->args[3], &end))
    return;
  const struct key key = session_key(session, &request->args[1]);
  struct entry *entry = read_entry(session, &key);
  const int64_t size = entry != NULL ? (int64_t)entry->value_size : 0;
  if (start < 0 && end < 0 && start > end) {
    reply_text(session->reply, "");
    return;
  }
  if (start < 0) start = start < -size ? 0 : start + size;
  if (end < 0) end = end < -size ? 0 : end + size;
  if (end >= size) end = size - 1;
  if (start > end || size == 0) {
    reply_text(session->reply, "");
  } else {
    reply_bulk(session->reply, entry_value(entry) + start, (size_t)(end - start + 1));
  }
}

void cmd_setrange(struct session *session, const struct request *request) {
  int64_t offset;
  if (!arg_number(session, &request->args[2], &offset)) return;
  if (offset < 0) {
    reply_error(session->reply, "ERR offset is out of range");
    return;
  }
  const struct resp_arg *value = &request->args[3];
  const struct key key = session_key(session, &request->args[1]);
  struct store *store = &session->kv->store;
  struct entry *entry = store_find(store, session->database, &key, now(session));
  const bool is_new = entry == NULL;
  const size_t before = entry != NULL ? entry->value_size : 0;
  if (value->size == 0) {
    reply_integer(session->reply, (int64_t)before);
    return;
  }
  if (!check_size(session, (uint64_t)offset + value->size)) return;
  if (entry == NULL) entry = store_put(store, session->database, &key, "", 0, -1, now(session));
  const size_t size = (size_t)offset + value->size > before ? (size_t)offset + value->size : before;
  struct entry *larger =
      entry != NULL ? store_resize(store, session->database, &key, entry, size) : NULL;
  if (larger == NULL) {
    if (entry != NULL && is_new) store_remove(store, session->database, &key, entry);
    reply_no_memory(session);
    return;
  }
  memcpy(entry_value(larger) + offset, value->data, value->size);
  larger->was_changed = 1;
  reply_integer(session->reply, (int64_t)larger->value_size);
}
