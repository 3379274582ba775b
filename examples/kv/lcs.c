// LCS: the longest common subsequence of two values, by dynamic programming.
#include <stdlib.h>

#include "examples/kv/kv.h"

struct lcs_options {
  bool wants_length, wants_ranges, wants_match_lengths;
  int64_t length_min;
};

// lengths[i * (b_size + 1) + j] is the length for the first i bytes of a and the first j bytes of b.
struct lcs {
  const char *a, *b;
  uint32_t a_size, b_size;
  uint32_t *lengths;
};

// A range of equal bytes, both ends included.
struct range {
  bool is_set;
  uint32_t a_start, a_end, b_start, b_end;
};

static uint32_t *length_at(const struct lcs *lcs, uint32_t i, uint32_t j) {
  return &lcs->lengths[(size_t)i * (lcs->b_size + 1) + j];
}

static bool parse_options(struct session *session, const struct request *request,
                          struct lcs_options *options) {
  for (size_t i = 3; i < request->count; i++) {
    const struct resp_arg *arg = &request->args[i];
    if (arg_is(arg, "idx")) {
      options->wants_ranges = true;
    } else if (arg_is(arg, "len")) {
      options->wants_length = true;
    } else if (arg_is(arg, "withmatchlen")) {
      options->wants_match_lengths = true;
    } else if (arg_is(arg, "minmatchlen") && i + 1 < request->count) {
      if (!arg_number(session, &request->args[++i], &options->length_min)) return false;
    } else {
      reply_syntax_error(session);
      return false;
    }
  }
  if (options->wants_length && options->wants_ranges) {
    reply_error(session->reply,
                "ERR If you want both the length and indexes, please just use IDX.");
    return false;
  }
  return true;
}

static bool compute(struct session *session, struct lcs *lcs) {
  const uint64_t bytes =
      ((uint64_t)lcs->a_size + 1) * ((uint64_t)lcs->b_size + 1) * sizeof *lcs->lengths;
  if (bytes >
      (uint64_t)atomic_load_explicit(&session->kv->settings.bulk_bytes_max, memory_order_relaxed)) {
    reply_error(session->reply,
                "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
    return false;
  }
  lcs->lengths = calloc(1, (size_t)bytes);
  if (lcs->lengths == NULL) {
    reply_error(session->reply,
                "ERR Insufficient memory, failed allocating transient memory for LCS");
    return false;
  }
  for (uint32_t i = 1; i <= lcs->a_size; i++) {
    for (uint32_t j = 1; j <= lcs->b_size; j++) {
      const uint32_t up = *length_at(lcs, i - 1, j), left = *length_at(lcs, i, j - 1);
      *length_at(lcs, i, j) = lcs->a[i - 1] == lcs->b[j - 1] ? *length_at(lcs, i - 1, j - 1) + 1
                              : up > left                    ? up
                                                             : left;
    }
  }
  return true;
}

// Writes a range if it is long enough, and forgets it.
static void end_range(struct range *range, const struct lcs_options *options, struct reply *ranges,
                      size_t *count) {
  const uint32_t length = range->a_end - range->a_start + 1;
  range->is_set = false;
  if (ranges == NULL || (int64_t)length < options->length_min) return;
  reply_array(ranges, options->wants_match_lengths ? 3 : 2);
  reply_array(ranges, 2);
  reply_integer(ranges, range->a_start);
  reply_integer(ranges, range->a_end);
  reply_array(ranges, 2);
  reply_integer(ranges, range->b_start);
  reply_integer(ranges, range->b_end);
  if (options->wants_match_lengths) reply_integer(ranges, length);
  ++*count;
}

// Walks back from the end of both values. Writes the common bytes to text, and the ranges of equal bytes to ranges.
static void trace(const struct lcs *lcs, const struct lcs_options *options, char *text,
                  struct reply *ranges, size_t *count) {
  uint32_t i = lcs->a_size, j = lcs->b_size, at = *length_at(lcs, i, j);
  struct range range = {0};
  while (i > 0 && j > 0) {
    bool ends = false;
    if (lcs->a[i - 1] == lcs->b[j - 1]) {
      text[--at] = lcs->a[i - 1];
      if (!range.is_set) {
        range = (struct range){true, i - 1, i - 1, j - 1, j - 1};
      } else if (range.a_start == i && range.b_start == j) {
        range.a_start--;
        range.b_start--;
      } else {
        ends = true;
      }
      ends = ends || range.a_start == 0 || range.b_start == 0;
      i--;
      j--;
    } else {
      if (*length_at(lcs, i - 1, j) > *length_at(lcs, i, j - 1)) {
        i--;
      } else {
        j--;
      }
      ends = range.is_set;
    }
    if (ends) end_range(&range, options, ranges, count);
  }
}

static void reply_lcs(struct session *session, const struct lcs *lcs,
                      const struct lcs_options *options) {
  struct reply *reply = session->reply;
  const uint32_t length = *length_at(lcs, lcs->a_size, lcs->b_size);
  if (options->wants_length) {
    reply_integer(reply, length);
    return;
  }
  char *text = malloc((size_t)length + 1);
  if (text == NULL) {
    reply_no_memory(session);
    return;
  }
  struct reply ranges = {0};
  size_t count = 0;
  trace(lcs, options, text, options->wants_ranges ? &ranges : NULL, &count);
  if (options->wants_ranges) {
    reply_array(reply, 4);
    reply_text(reply, "matches");
    reply_array(reply, count);
    reply_bytes(reply, ranges.data != NULL ? ranges.data : "", ranges.size);
    if (ranges.has_failed) reply->has_failed = true;
    reply_text(reply, "len");
    reply_integer(reply, length);
  } else {
    reply_bulk(reply, text, length);
  }
  reply_reset(&ranges, 0);
  free(text);
}

void cmd_lcs(struct session *session, const struct request *request) {
  struct lcs_options options = {0};
  const struct key a = session_key(session, &request->args[1]),
                   b = session_key(session, &request->args[2]);
  // The removal of an expired entry may not move another one, so both pointers stay valid.
  struct entry *one = read_entry(session, &a), *other = read_entry(session, &b);
  if (!parse_options(session, request, &options)) return;
  struct lcs lcs = {.a = one != NULL ? entry_value(one) : "",
                    .b = other != NULL ? entry_value(other) : "",
                    .a_size = one != NULL ? one->value_size : 0,
                    .b_size = other != NULL ? other->value_size : 0};
  if (compute(session, &lcs)) reply_lcs(session, &lcs, &options);
  free(lcs.lengths);
}
