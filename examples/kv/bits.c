// Commands on the bits of values. Bit 0 is the most significant one of the first byte.
#include <string.h>

#include "examples/kv/kv.h"

static bool parse_offset(struct session *session, const struct resp_arg *arg, uint64_t *out) {
  int64_t offset;
  const int64_t bits_max =
      8 * atomic_load_explicit(&session->kv->settings.bulk_bytes_max, memory_order_relaxed);
  if (resp_parse_number(arg->data, arg->size, &offset) < 0 || offset < 0 || offset >= bits_max ||
      offset >= (int64_t)TABLE_STRING_BYTES_MAX * 8) {
    reply_error(session->reply, "ERR bit offset is not an integer or out of range");
    return false;
  }
  *out = (uint64_t)offset;
  return true;
}

void cmd_setbit(struct session *session, const struct request *request) {
  uint64_t offset;
  if (!parse_offset(session, &request->args[2], &offset)) return;
  int64_t on;
  if (resp_parse_number(request->args[3].data, request->args[3].size, &on) < 0 || on < 0 ||
      on > 1) {
    reply_error(session->reply, "ERR bit is not an integer or out of range");
    return;
  }
  const struct key key = session_key(session, &request->args[1]);
  struct store *store = &session->kv->store;
  struct entry *entry = store_find(store, session->database, &key, session->worker->now_ms);
  const bool is_new = entry == NULL;
  const size_t at = (size_t)(offset / 8);
  if (is_new) entry = store_put(store, session->database, &key, "", 0, -1, session->worker->now_ms);
  struct entry *larger = entry;
  if (entry != NULL && entry->value_size <= at) {
    larger = store_resize(store, session->database, &key, entry, at + 1);
  } else if (entry != NULL) {
    store_changed(store, session->database, &key);
  }
  if (larger == NULL) {
    if (entry != NULL && is_new) store_remove(store, session->database, &key, entry);
    reply_no_memory(session);
    return;
  }
  char *byte = entry_value(larger) + at;
  const unsigned mask = 0x80u >> (offset % 8);
  const bool before = ((unsigned char)*byte & mask) != 0;
  *byte = (char)(on != 0 ? ((unsigned char)*byte | mask) : ((unsigned char)*byte & ~mask));
  larger->was_changed = 1;
  reply_integer(session->reply, before);
}

void cmd_getbit(struct session *session, const struct request *request) {
  uint64_t offset;
  if (!parse_offset(session, &request->args[2], &offset)) return;
  const struct key key = session_key(session, &request->args[1]);
  struct entry *entry = read_entry(session, &key);
  const size_t at = (size_t)(offset / 8);
  const bool is_set = entry != NULL && at < entry->value_size &&
                      ((unsigned char)entry_value(entry)[at] & (0x80u >> (offset % 8))) != 0;
  reply_integer(session->reply, is_set);
}

static int64_t count_bytes(const char *data, size_t size) {
  int64_t count = 0;
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    uint64_t word;
    memcpy(&word, data + i, sizeof word);
    count += __builtin_popcountll(word);
  }
  for (; i < size; i++) count += __builtin_popcount((unsigned char)data[i]);
  return count;
}

// Counts the bits from the first to the last, both included.
static int64_t count_bits(const char *data, int64_t first, int64_t last) {
  int64_t count = count_bytes(data + first / 8, (size_t)(last / 8 - first / 8 + 1));
  count -= __builtin_popcount((unsigned char)data[first / 8] & ~(0xffu >> (first % 8)) & 0xff);
  count -= __builtin_popcount((unsigned char)data[last / 8] & (0x7fu >> (last % 8)));
  return count;
}

void cmd_bitcount(struct session *session, const struct request *request) {
  int64_t start = 0, end = -1;
  bool is_bit = false;
  const struct key key = session_key(session, &request->args[1]);
  struct entry *entry = read_entry(session, &key);
  if (entry == NULL) {  // before the other arguments are looked at, as in Redis
    reply_integer(session->reply, 0);
    return;
  }
  if (request->count == 3 || request->count > 5) {
    reply_syntax_error(session);
    return;
  }
  if (request->count > 3) {
    if (!arg_number(session, &request->args[2], &start) ||
        !arg_number(session, &request->args[3], &end))
      return;
    if (start < 0 && end < 0 && start > end) {
      reply_integer(session->reply, 0);
      return;
    }
    if (request->count == 5) {
      is_bit = arg_is(&request->args[4], "bit");
      if (!is_bit && !arg_is(&request->args[4], "byte")) {
        reply_syntax_error(session);
        return;
      }
    }
  }
  if (entry->value_size == 0) {
    reply_integer(session->reply, 0);
    return;
  }
  const int64_t size = (int64_t)entry->value_size * (is_bit ? 8 : 1);
  if (start < 0) start = start < -size ? 0 : start + size;
  if (end < 0) end = end < -size ? 0 : end + size;
  if (end >= size) end = size - 1;
  if (start > end) {
    reply_integer(session->reply, 0);
  } else if (is_bit) {
    reply_integer(session->reply, count_bits(entry_value(entry), start, end));
  } else {
    reply_integer(session->reply,
                  count_bytes(entry_value(entry) + start, (size_t)(end - start + 1)));
  }
}
