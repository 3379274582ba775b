// Parts that the files of the parser share: classes of bytes, field lines, lists.
#ifndef EVNET_EXAMPLES_HTTP_LINE_H_
#define EVNET_EXAMPLES_HTTP_LINE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "examples/http/parser.h"

// Classes of bytes.
enum http_class {
  HTTP_CLASS_TOKEN = 1,   // tchar, RFC 9110 section 5.6.2
  HTTP_CLASS_VALUE = 2,   // VCHAR, obs-text, SP, HTAB: a field value, RFC 9110 section 5.5
  HTTP_CLASS_TARGET = 4,  // VCHAR without #: a request target, RFC 9112 section 3.2
  HTTP_CLASS_HOST = 8,    // reg-name, RFC 3986 section 3.2.2
};

extern const uint8_t http_classes[256];

static inline bool http_is(uint8_t byte, enum http_class class_bit) {
  return (http_classes[byte] & class_bit) != 0;
}

static inline bool http_is_space(uint8_t byte) { return byte == ' ' || byte == '\t'; }

static inline bool http_is_digit(uint8_t byte) { return byte >= '0' && byte <= '9'; }

enum http_line_result {
  HTTP_LINE_BAD = -400,
  HTTP_LINE_MORE = 0,   // all bytes were read, and the line goes on
  HTTP_LINE_FIELD = 1,  // the end of a field line
  HTTP_LINE_EMPTY = 2,  // the end of the empty line, which ends the section
};

// http_line_scan reads a field line from data[*at] on, and sets *at after its last byte. Clear
// *line before each line.
//
// Returns: an enum http_line_result.
int http_line_scan(struct http_line *line, const uint8_t *data, size_t size, size_t *at);

// http_equals returns whether the text equals `lower`, which has no upper-case letters, without
// regard to case.
static inline bool http_equals(const uint8_t *data, size_t size, const char *lower) {
  if (strlen(lower) != size) return false;
  for (size_t i = 0; i < size; i++) {
    const uint8_t byte = data[i];
    const bool upper = byte >= 'A' && byte <= 'Z';
    if ((upper ? byte + ('a' - 'A') : byte) != (uint8_t)lower[i]) return false;
  }
  return true;
}

// http_next_element returns the next element of a comma-separated list, without the whitespace
// around it. It may be empty. *at is 0 for the first one. Returns false after the last one.
bool http_next_element(const uint8_t *value, size_t size, size_t *at, struct http_span *out);

// http_field_take stores or checks the field line of `name_size` bytes at `name` if its name is
// known. The value is a part of the head.
//
// Returns: 0; -400.
int http_field_take(struct http_request *request, const uint8_t *head, struct http_span name,
                    struct http_span value);

// http_field_end checks the fields of a complete head together.
//
// Returns: 0, or an error of http_request_parse.
int http_field_end(struct http_request *request, const struct http_limits *limits);

// http_is_host returns whether the text is uri-host [":" port] (RFC 9110 section 7.2). It may be
// empty.
bool http_is_host(const uint8_t *text, size_t size);

#endif  // EVNET_EXAMPLES_HTTP_LINE_H_
