// Commands on all keys of a database, or on databases.
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "examples/kv/kv.h"

enum { CURSOR_TEXT_BYTES = 64, SCAN_COUNT_DEFAULT = 10 };

// A reply with an unknown number of keys: they are collected first, because the number comes before them.
struct search {
  struct session *session;
  const struct resp_arg *pattern;  // NULL: all
  bool wants_other_types;          // none of the keys has them
  size_t seen;                     // keys, also those that do not match
  size_t count;
  struct reply keys;
};

static bool has_expired(const struct search *search, const struct entry *entry) {
  return entry->has_expiry && entry_expires_ms(entry) < search->session->worker->now_ms;
}

static void found(struct entry *entry, void *user) {
  struct search *search = user;
  search->seen++;
  if (has_expired(search, entry) || search->wants_other_types) return;
  if (search->pattern != NULL && !glob_matches(search->pattern->data, search->pattern->size,
                                               entry_key(entry), entry->key_size))
    return;
  reply_bulk(&search->keys, entry_key(entry), entry->key_size);
  search->count++;
}

static void reply_found(struct search *search) {
  struct reply *reply = search->session->reply;
  if (search->keys.has_failed) reply->has_failed = true;
  reply_array(reply, search->count);
  reply_bytes(reply, search->keys.data != NULL ? search->keys.data : "", search->keys.size);
  reply_reset(&search->keys, 0);
}

void cmd_keys(struct session *session, const struct request *request) {
  struct search search = {.session = session, .pattern = &request->args[1]};
  for (unsigned i = 0; i < STORE_SHARDS; i++) {
    struct table *table = &session->kv->store.shards[i].tables[session->database];
    uint64_t cursor = 0;
    do {
      cursor = table_scan(table, cursor, found, &search);
    } while (cursor != 0);
  }
  reply_found(&search);
}

struct scan_options {
  int64_t count;
  const struct resp_arg *pattern, *type;
};

static bool parse_options(struct session *session, const struct request *request,
                          struct scan_options *options) {
  for (size_t i = 2; i < request->count; i += 2) {
    const bool has_value = i + 1 < request->count;
    const struct resp_arg *value = &request->args[i + 1];
    if (arg_is(&request->args[i], "count") && has_value) {
      if (!arg_number(session, value, &options->count)) return false;
    } else if (arg_is(&request->args[i], "match") && has_value) {
      options->pattern = value;
    } else if (arg_is(&request->args[i], "type") && has_value) {
      options->type = value;
    } else {
      options->count = 0;
    }
    if (options->count >= 1) continue;
    reply_syntax_error(session);
    return false;
  }
  return true;
}

// Parses a cursor: a number below 2^64, also one with a sign, as strtoul(3) takes it.
static bool parse_cursor(struct session *session, const struct resp_arg *arg, uint64_t *out) {
  char text[CURSOR_TEXT_BYTES], *end;
  if (arg->size < sizeof text && memchr(arg->data, '\0', arg->size) == NULL) {
    memcpy(text, arg->data, arg->size);
    text[arg->size] = '\0';
    errno = 0;
    *out = strtoull(text, &end, 10);
    if (!isspace((unsigned char)text[0]) && *end == '\0' && errno != ERANGE) return true;
  }
  reply_error(session->reply, "ERR invalid cursor");
  return false;
}

// The low bits of a cursor are the shard, and the others that of the shard's table.
void cmd_scan(struct session *session, const struct request *request) {
  struct scan_options options = {.count = SCAN_COUNT_DEFAULT};
  uint64_t cursor;
  if (!parse_cursor(session, &request->args[1], &cursor) ||
      !parse_options(session, request, &options))
    return;
  struct search search = {
      .session = session,
      .pattern = options.pattern,
      .wants_other_types = options.type != NULL && !arg_is(options.type, "string")};
  unsigned shard = (unsigned)(cursor % STORE_SHARDS);
  cursor >>= STORE_SHARD_BITS;
  int64_t chains = options.count < INT64_MAX / 10 ? 10 * options.count + STORE_SHARDS : INT64_MAX;
  while (shard < STORE_SHARDS && chains-- > 0 && (int64_t)search.seen < options.count) {
    cursor = table_scan(&session->kv->store.shards[shard].tables[session->database], cursor, found,
                        &search);
    if (cursor == 0) shard++;
  }
  char text[32];
  const uint64_t next = shard == STORE_SHARDS ? 0 : cursor << STORE_SHARD_BITS | shard;
  size_t at = sizeof text;
  uint64_t rest = next;
  do {
    text[--at] = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest > 0);
  reply_array(session->reply, 2);
  reply_bulk(session->reply, text + at, sizeof text - at);
  reply_found(&search);
}

// xorshift64* by Marsaglia and Vigna.
static uint64_t random_number(void *user) {
  uint64_t *state = user;
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * 2685821657736338717u;
}

void cmd_randomkey(struct session *session, const struct request *request) {
  (void)request;
  struct store *store = &session->kv->store;
  uint64_t *random = &session->worker->random;
  // A database whose keys have all expired becomes empty by the removals.
  for (size_t count; (count = store_count(store, session->database)) > 0;) {
    uint64_t at = random_number(random) % count;
    unsigned shard = 0;
    while (at >= table_count(&store->shards[shard].tables[session->database]))
      at -= table_count(&store->shards[shard++].tables[session->database]);
    struct entry *entry =
        table_random(&store->shards[shard].tables[session->database], random_number, random);
    const struct key key = store_key(store, entry_key(entry), entry->key_size);
    if (store_peek(store, session->database, &key, session->worker->now_ms) == NULL) continue;
    reply_bulk(session->reply, entry_key(entry), entry->key_size);
    return;
  }
  reply_null(session->reply);
}

void cmd_dbsize(struct session *session, const struct request *request) {
  (void)request;
  reply_integer(session->reply, (int64_t)store_count(&session->kv->store, session->database));
}

static void flush(struct session *session, const struct request *request, int database) {
  if (request->count > 2 || (request->count == 2 && !arg_is(&request->args[1], "sync") &&
                             !arg_is(&request->args[1], "async"))) {
    reply_syntax_error(session);
    return;
  }
  struct garbage *garbage;
  store_clear(&session->kv->store, database, &garbage);
  // Others go on meanwhile, unless this is a part of a transaction.
  const bool is_alone = !session->in_multi;
  if (is_alone) store_unlock(&session->kv->store, session->shards);
  store_free_garbage(garbage);
  if (is_alone) store_lock(&session->kv->store, session->shards);
  reply_ok(session->reply);
}

void cmd_flushdb(struct session *session, const struct request *request) {
  flush(session, request, session->database);
}

void cmd_flushall(struct session *session, const struct request *request) {
  flush(session, request, -1);
}

static bool parse_index(struct session *session, const struct resp_arg *arg, const char *error,
                        int64_t *out) {
  if (resp_parse_number(arg->data, arg->size, out) == 0 && *out >= INT32_MIN && *out <= INT32_MAX)
    return true;
  reply_error(session->reply, error);
  return false;
}

void cmd_swapdb(struct session *session, const struct request *request) {
  int64_t first, second;
  if (!parse_index(session, &request->args[1], "ERR invalid first DB index", &first) ||
      !parse_index(session, &request->args[2], "ERR invalid second DB index", &second))
    return;
  if (first < 0 || first >= STORE_DATABASES || second < 0 || second >= STORE_DATABASES) {
    reply_error(session->reply, "ERR DB index is out of range");
    return;
  }
  if (first != second) store_swap(&session->kv->store, (int)first, (int)second);
  reply_ok(session->reply);
}
