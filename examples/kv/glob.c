// Patterns of KEYS, SCAN and PSUBSCRIBE: * ? [a-z] [^a] and \ before a character.
#include "examples/kv/kv.h"

struct pattern {
  const unsigned char *at, *end;
};

// Matches a set, whose '[' has been read, with a byte. A set without ']' ends with the pattern.
static bool match_set(struct pattern *pattern, unsigned char byte) {
  bool matches = false;
  const bool is_negated = pattern->at < pattern->end && *pattern->at == '^';
  if (is_negated) pattern->at++;
  while (pattern->at < pattern->end && *pattern->at != ']') {
    const size_t left = (size_t)(pattern->end - pattern->at);
    if (*pattern->at == '\\' && left >= 2) {
      matches = matches || pattern->at[1] == byte;
      pattern->at += 2;
    } else if (left >= 3 && pattern->at[1] == '-') {
      const unsigned char one = pattern->at[0], other = pattern->at[2];
      matches =
          matches || (one <= other ? byte >= one && byte <= other : byte >= other && byte <= one);
      pattern->at += 3;
    } else {
      matches = matches || *pattern->at == byte;
      pattern->at++;
    }
  }
  if (pattern->at < pattern->end) pattern->at++;
  return matches != is_negated;
}

// Matches one element of the pattern, which is no '*', with a byte.
static bool match_one(struct pattern *pattern, unsigned char byte) {
  unsigned char first = *pattern->at++;
  if (first == '?') return true;
  if (first == '[') return match_set(pattern, byte);
  if (first == '\\' && pattern->at < pattern->end) first = *pattern->at++;
  return first == byte;
}

// Redis gives up at so many '*' that are not the last byte of a pattern.
enum { STARS_MAX = 1000 };

// Only the last '*' needs to be tried again with more bytes, so the time is at most the product of both sizes.
bool glob_matches(const char *pattern_data, size_t pattern_size, const char *text_data,
                  size_t text_size) {
  const unsigned char *text = (const unsigned char *)text_data, *const end = text + text_size;
  struct pattern pattern = {(const unsigned char *)pattern_data,
                            (const unsigned char *)pattern_data + pattern_size};
  const unsigned char *star = NULL,
                      *star_text = NULL;  // after the last '*', and what it ends before
  int stars = 0;
  for (;;) {
    if (pattern.at < pattern.end && *pattern.at == '*') {
      while (pattern.at < pattern.end && *pattern.at == '*') pattern.at++;
      if (pattern.at < pattern.end && ++stars > STARS_MAX) return false;
      star = pattern.at;
      star_text = text;
      continue;
    }
    if (text == end) return pattern.at == pattern.end;
    if (pattern.at < pattern.end && match_one(&pattern, *text)) {
      text++;
      continue;
    }
    if (star == NULL) return false;
    pattern.at = star;
    text = ++star_text;
  }
}
