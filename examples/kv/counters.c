// Commands on values that are numbers.
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "examples/kv/kv.h"

enum { DOUBLE_TEXT_BYTES = 5 * 1024, DIGITS = 17 };

static void put_number(struct session *session, const struct key *key, struct entry *entry,
                       const char *text, size_t size, bool is_text) {
  const int64_t expires_ms = entry != NULL ? entry_expires_ms(entry) : -1;
  entry = store_put(&session->kv->store, session->database, key, text, size, expires_ms,
                    session->worker->now_ms);
  if (entry == NULL) {
    reply_no_memory(session);
  } else {
    entry->is_text = is_text;
  }
}

static void add(struct session *session, const struct request *request, int64_t amount) {
  const struct key key = session_key(session, &request->args[1]);
  struct entry *entry =
      store_find(&session->kv->store, session->database, &key, session->worker->now_ms);
  int64_t value = 0;
  if (entry != NULL && resp_parse_number(entry_value(entry), entry->value_size, &value) < 0) {
    reply_error(session->reply, "ERR value is not an integer or out of range");
    return;
  }
  if ((amount < 0 && value < INT64_MIN - amount) || (amount > 0 && value > INT64_MAX - amount)) {
    reply_error(session->reply, "ERR increment or decrement would overflow");
    return;
  }
  value += amount;
  char text[32];
  const int size = snprintf(text, sizeof text, "%lld", (long long)value);
  const size_t before = session->reply->size;
  put_number(session, &key, entry, text, (size_t)size, false);
  if (session->reply->size == before) reply_integer(session->reply, value);
}

void cmd_incr(struct session *session, const struct request *request) { add(session, request, 1); }

void cmd_decr(struct session *session, const struct request *request) { add(session, request, -1); }

void cmd_incrby(struct session *session, const struct request *request) {
  int64_t amount;
  if (arg_number(session, &request->args[2], &amount)) add(session, request, amount);
}

void cmd_decrby(struct session *session, const struct request *request) {
  int64_t amount;
  if (!arg_number(session, &request->args[2], &amount)) return;
  if (amount == INT64_MIN) {
    reply_error(session->reply, "ERR decrement would overflow");
    return;
  }
  add(session, request, -amount);
}

bool parse_double(const char *text, size_t size, long double *out) {
  char copy[DOUBLE_TEXT_BYTES];
  if (size == 0 || size >= sizeof copy || (text[0] >= '\t' && text[0] <= '\r') || text[0] == ' ')
    return false;
  memcpy(copy, text, size);
  copy[size] = '\0';
  char *end;
  errno = 0;
  const long double value = strtold(copy, &end);
  const bool is_out_of_range = errno == ERANGE && (isinf(value) || value == 0);
  if (end != copy + size || isnan(value) || is_out_of_range) return false;
  *out = value;
  return true;
}

// Prints a number with 17 digits after the point, without the zeros at the end.
static size_t print_double(long double value, char *out, size_t room) {
  size_t size = (size_t)snprintf(out, room, "%.*Lf", DIGITS, value);
  if (memchr(out, '.', size) != NULL) {
    while (out[size - 1] == '0') size--;
    if (out[size - 1] == '.') size--;
  }
  if (size == 2 && out[0] == '-' && out[1] == '0') {
    out[0] = '0';
    size = 1;
  }
  return size;
}

void cmd_incrbyfloat(struct session *session, const struct request *request) {
  const struct key key = session_key(session, &request->args[1]);
  struct entry *entry =
      store_find(&session->kv->store, session->database, &key, session->worker->now_ms);
  long double value = 0, amount;
  if ((entry != NULL && !parse_double(entry_value(entry), entry->value_size, &value)) ||
      !parse_double(request->args[2].data, request->args[2].size, &amount)) {
    reply_error(session->reply, "ERR value is not a valid float");
    return;
  }
  value += amount;
  if (isnan(value) || isinf(value)) {
    reply_error(session->reply, "ERR increment would produce NaN or Infinity");
    return;
  }
  char text[DOUBLE_TEXT_BYTES];
  const size_t size = print_double(value, text, sizeof text);
  const size_t before = session->reply->size;
  put_number(session, &key, entry, text, size, true);
  if (session->reply->size == before) reply_bulk(session->reply, text, size);
}
