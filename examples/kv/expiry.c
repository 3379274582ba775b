// Commands on the time when a key expires.
#include "examples/kv/kv.h"

enum expire_option {
  EXPIRE_NX = 1 << 0,
  EXPIRE_XX = 1 << 1,
  EXPIRE_GT = 1 << 2,
  EXPIRE_LT = 1 << 3
};

static bool parse_options(struct session *session, const struct request *request, unsigned *out) {
  static const struct {
    const char *word;
    unsigned option;
  } known[] = {{"nx", EXPIRE_NX}, {"xx", EXPIRE_XX}, {"gt", EXPIRE_GT}, {"lt", EXPIRE_LT}};
  *out = 0;
  for (size_t i = 3; i < request->count; i++) {
    size_t k = 0;
    while (k < 4 && !arg_is(&request->args[i], known[k].word)) k++;
    if (k == 4) {
      char text[128];
      reply_error_format(session->reply, "ERR Unsupported option %s",
                         arg_text(&request->args[i], text, sizeof text));
      return false;
    }
    *out |= known[k].option;
  }
  if ((*out & EXPIRE_NX) != 0 && *out != EXPIRE_NX) {
    reply_error(session->reply,
                "ERR NX and XX, GT or LT options at the same time are not compatible");
    return false;
  }
  if ((*out & EXPIRE_GT) != 0 && (*out & EXPIRE_LT) != 0) {
    reply_error(session->reply, "ERR GT and LT options at the same time are not compatible");
    return false;
  }
  return true;
}

// Returns whether the options permit a change. An entry without an expiry lives longest.
static bool permits(unsigned options, int64_t before_ms, int64_t expires_ms) {
  if ((options & EXPIRE_NX) != 0 && before_ms != -1) return false;
  if ((options & EXPIRE_XX) != 0 && before_ms == -1) return false;
  if ((options & EXPIRE_GT) != 0 && (before_ms == -1 || expires_ms <= before_ms)) return false;
  return (options & EXPIRE_LT) == 0 || before_ms == -1 || expires_ms < before_ms;
}

// Computes the time from an argument. Negative times are allowed: they remove the key.
static bool compute(struct session *session, const struct request *request, int64_t base_ms,
                    bool is_seconds, int64_t *out_ms) {
  int64_t value;
  if (!arg_number(session, &request->args[2], &value)) return false;
  const bool fits = !is_seconds || (value <= INT64_MAX / 1000 && value >= INT64_MIN / 1000);
  if (fits && is_seconds) value *= 1000;
  if (!fits || value > INT64_MAX - base_ms) {
    reply_error_format(session->reply, "ERR invalid expire time in '%s' command",
                       command_find(request)->name);
    return false;
  }
  *out_ms = value + base_ms;
  return true;
}

static void expire(struct session *session, const struct request *request, bool is_relative,
                   bool is_seconds) {
  const int64_t now_ms = session->worker->now_ms;
  unsigned options;
  int64_t expires_ms;
  if (!parse_options(session, request, &options) ||
      !compute(session, request, is_relative ? now_ms : 0, is_seconds, &expires_ms))
    return;
  struct store *store = &session->kv->store;
  const struct key key = session_key(session, &request->args[1]);
  struct entry *entry = store_find(store, session->database, &key, now_ms);
  if (entry == NULL || !permits(options, entry_expires_ms(entry), expires_ms)) {
    reply_integer(session->reply, 0);
    return;
  }
  if (expires_ms <= now_ms) {
    store_remove(store, session->database, &key, entry);
  } else if (store_set_expiry(store, session->database, &key, entry, expires_ms) == NULL) {
    reply_no_memory(session);
    return;
  }
  reply_integer(session->reply, 1);
}

void cmd_expire(struct session *session, const struct request *request) {
  expire(session, request, true, true);
}

void cmd_pexpire(struct session *session, const struct request *request) {
  expire(session, request, true, false);
}

void cmd_expireat(struct session *session, const struct request *request) {
  expire(session, request, false, true);
}

void cmd_pexpireat(struct session *session, const struct request *request) {
  expire(session, request, false, false);
}

static void remaining(struct session *session, const struct request *request, bool is_absolute,
                      bool is_seconds) {
  const struct key key = session_key(session, &request->args[1]);
  const int64_t now_ms = session->worker->now_ms;
  const struct entry *entry = store_peek(&session->kv->store, session->database, &key, now_ms);
  const int64_t expires_ms = entry != NULL ? entry_expires_ms(entry) : -1;
  if (expires_ms < 0) {
    reply_integer(session->reply, entry != NULL ? -1 : -2);
    return;
  }
  int64_t value = is_absolute ? expires_ms : expires_ms - now_ms;
  if (value < 0) value = 0;
  reply_integer(session->reply, is_seconds ? (value + 500) / 1000 : value);
}

void cmd_ttl(struct session *session, const struct request *request) {
  remaining(session, request, false, true);
}

void cmd_pttl(struct session *session, const struct request *request) {
  remaining(session, request, false, false);
}

void cmd_expiretime(struct session *session, const struct request *request) {
  remaining(session, request, true, true);
}

void cmd_pexpiretime(struct session *session, const struct request *request) {
  remaining(session, request, true, false);
}

void cmd_persist(struct session *session, const struct request *request) {
  struct store *store = &session->kv->store;
  const struct key key = session_key(session, &request->args[1]);
  struct entry *entry = store_find(store, session->database, &key, session->worker->now_ms);
  if (entry == NULL || !entry->has_expiry) {
    reply_integer(session->reply, 0);
  } else if (store_set_expiry(store, session->database, &key, entry, -1) == NULL) {
    reply_no_memory(session);
  } else {
    reply_integer(session->reply, 1);
  }
}
