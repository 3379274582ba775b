#include "examples/http/line.h"

#include <string.h>

// Bits of enum http_class for each byte.
const uint8_t http_classes[256] = {
    // clang-format off
     0,  0,  0,  0,  0,  0,  0,  0,  0,  2,  0,  0,  0,  0,  0,  0,  // 0x00
     0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  // 0x10
     2, 15,  6,  3, 15, 15, 15, 15, 14, 14, 15, 15, 14, 15, 15,  6,  // 0x20
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15,  6, 14,  6, 14,  6,  6,  // 0x30
     6, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,  // 0x40
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,  6,  6,  6,  7, 15,  // 0x50
     7, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,  // 0x60
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,  6,  7,  6, 15,  0,  // 0x70
     2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  // 0x80
     2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  // 0x90
     2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  // 0xa0
     2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  // 0xb0
     2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  // 0xc0
     2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  // 0xd0
     2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  // 0xe0
     2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  // 0xf0
    // clang-format on
};

// The states of a line. A line of zeros is at its beginning.
enum {
  LINE_BEGIN = 0,
  LINE_NAME,
  LINE_SPACE,  // after the colon, before the value
  LINE_VALUE,
  LINE_LF,        // the CR of a field line was read
  LINE_EMPTY_LF,  // the CR of the empty line was read
};

// Reads one byte, which does not continue a run of bytes of the same class. Returns 0 to continue.
static int line_step(struct http_line *line, uint8_t byte) {
  switch (line->state) {
    case LINE_BEGIN:
      if (byte == '\r') {
        line->state = LINE_EMPTY_LF;
        return 0;
      }
      // RFC 9112 section 5.2: a line that begins with whitespace is obsolete line folding.
      if (!http_is(byte, HTTP_CLASS_TOKEN)) return HTTP_LINE_BAD;
      line->state = LINE_NAME;
      return 0;
    case LINE_NAME:
      // RFC 9112 section 5.1: whitespace before the colon must be rejected.
      if (byte != ':') return HTTP_LINE_BAD;
      line->name_size = line->size - 1;
      line->state = LINE_SPACE;
      line->value_begin = line->size;
      return 0;
    case LINE_SPACE:
    case LINE_VALUE:
      // RFC 9112 section 2.2: a bare LF ends a line for some recipients only.
      if (byte != '\r') return HTTP_LINE_BAD;
      line->state = LINE_LF;
      return 0;
    default:
      if (byte != '\n') return HTTP_LINE_BAD;
      return line->state == LINE_LF ? HTTP_LINE_FIELD : HTTP_LINE_EMPTY;
  }
}

int http_line_scan(struct http_line *line, const uint8_t *data, size_t size, size_t *at) {
  size_t i = *at;
  int result = HTTP_LINE_MORE;
  while (i < size && result == HTTP_LINE_MORE) {
    const size_t run = i;
    if (line->state == LINE_NAME) {
      while (i < size && http_is(data[i], HTTP_CLASS_TOKEN)) i++;
    } else if (line->state == LINE_SPACE) {
      while (i < size && (data[i] == ' ' || data[i] == '\t')) i++;
    } else if (line->state == LINE_VALUE) {
      while (i < size && http_is(data[i], HTTP_CLASS_VALUE)) i++;
    }
    line->size += (uint32_t)(i - run);
    if (line->state == LINE_SPACE) {
      line->value_begin = line->size;
      if (i < size && http_is(data[i], HTTP_CLASS_VALUE)) {
        line->state = LINE_VALUE;
        continue;
      }
    }
    if (i == size) break;
    line->size++;
    result = line_step(line, data[i++]);
  }
  *at = i;
  return result;
}

bool http_next_element(const uint8_t *value, size_t size, size_t *at, struct http_span *out) {
  if (*at > size) return false;
  size_t begin = *at;
  size_t end = begin;
  while (end < size && value[end] != ',') end++;
  *at = end + 1;
  while (begin < end && http_is_space(value[begin])) begin++;
  while (end > begin && http_is_space(value[end - 1])) end--;
  *out = (struct http_span){.offset = (uint32_t)begin, .size = (uint32_t)(end - begin)};
  return true;
}
