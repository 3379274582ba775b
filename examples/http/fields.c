// The values of the fields that decide how a request is framed and answered.
#include "examples/http/line.h"

// The known fields beyond enum http_field.
enum {
  FIELD_CONNECTION = HTTP_FIELD_COUNT,
  FIELD_CONTENT_LENGTH,
  FIELD_EXPECT,
  FIELD_TRANSFER_ENCODING,
};

static const struct {
  const char *name;  // in lower case
  uint8_t size;
  uint8_t field;
} known[] = {
    // in the order of their sizes
    {"host", 4, HTTP_HOST},
    {"range", 5, HTTP_RANGE},
    {"expect", 6, FIELD_EXPECT},
    {"if-range", 8, HTTP_IF_RANGE},
    {"connection", 10, FIELD_CONNECTION},
    {"if-none-match", 13, HTTP_IF_NONE_MATCH},
    {"content-length", 14, FIELD_CONTENT_LENGTH},
    {"if-modified-since", 17, HTTP_IF_MODIFIED_SINCE},
    {"transfer-encoding", 17, FIELD_TRANSFER_ENCODING},
};

// A bit for each size of a name in the table above.
enum {
  KNOWN_SIZES = 1 << 4 | 1 << 5 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 13 | 1 << 14 | 1 << 17,
  KNOWN_SIZE_MAX = 17,
};

// request->flags
enum {
  FLAG_CLOSE = 1,        // Connection: close
  FLAG_KEEP_ALIVE = 2,   // Connection: keep-alive
  FLAG_EXPECT = 4,       // Expect: 100-continue
  FLAG_EXPECT_BAD = 8,   // another expectation
  FLAG_CHUNKED = 16,     // chunked is the last transfer coding so far
  FLAG_CODING_BAD = 32,  // the list of transfer codings is invalid
  FLAG_CODING_UNKNOWN = 64,
};

static bool is_ip_literal(const uint8_t *text, size_t size) {
  // RFC 3986 section 3.2.2: hexadecimal digits, colons and dots, or a future version with a v.
  for (size_t i = 0; i < size; i++) {
    if (!http_is(text[i], HTTP_CLASS_HOST) && text[i] != ':') return false;
  }
  return size > 0;
}

bool http_is_host(const uint8_t *text, size_t size) {
  size_t at = 0;
  if (size > 0 && text[0] == '[') {
    while (at < size && text[at] != ']') at++;
    if (at == size || !is_ip_literal(text + 1, at - 1)) return false;
    at++;
  } else {
    while (at < size && http_is(text[at], HTTP_CLASS_HOST)) at++;
  }
  if (at == size) return true;
  if (text[at++] != ':') return false;
  while (at < size && http_is_digit(text[at])) at++;
  return at == size;
}

// RFC 9112 section 6.3: any value but one number is an unrecoverable error. RFC 9110 section 8.6
// lets a recipient repair a list of equal numbers; this one does not.
static int take_length(struct http_request *request, const uint8_t *value, size_t size) {
  uint64_t length = 0;
  if (size == 0) return -400;
  for (size_t i = 0; i < size; i++) {
    if (!http_is_digit(value[i])) return -400;
    const uint64_t digit = (uint64_t)(value[i] - '0');
    // A number that does not fit is larger than every limit.
    length = length > (UINT64_MAX - digit) / 10 ? UINT64_MAX : length * 10 + digit;
  }
  request->content_length = length;
  return 0;
}

static void take_codings(struct http_request *request, const uint8_t *value, size_t size) {
  struct http_span element;
  for (size_t at = 0; http_next_element(value, size, &at, &element);) {
    // RFC 9112 section 6.1: chunked is applied once, and last.
    if (element.size == 0 || (request->flags & FLAG_CHUNKED) != 0) {
      request->flags |= FLAG_CODING_BAD;
    } else if (http_equals(value + element.offset, element.size, "chunked")) {
      request->flags |= FLAG_CHUNKED;
    } else {
      request->flags |= FLAG_CODING_UNKNOWN;
    }
  }
}

static void take_connection(struct http_request *request, const uint8_t *value, size_t size) {
  struct http_span element;
  for (size_t at = 0; http_next_element(value, size, &at, &element);) {
    const uint8_t *text = value + element.offset;
    if (http_equals(text, element.size, "close")) request->flags |= FLAG_CLOSE;
    if (http_equals(text, element.size, "keep-alive")) request->flags |= FLAG_KEEP_ALIVE;
  }
}

static int take(struct http_request *request, unsigned field, bool again, const uint8_t *head,
                struct http_span span) {
  const uint8_t *value = head + span.offset;
  switch (field) {
    case FIELD_CONTENT_LENGTH:
      return again ? -400 : take_length(request, value, span.size);
    case FIELD_TRANSFER_ENCODING:
      take_codings(request, value, span.size);
      return 0;
    case FIELD_CONNECTION:
      take_connection(request, value, span.size);
      return 0;
    case FIELD_EXPECT:
      request->flags |=
          http_equals(value, span.size, "100-continue") ? FLAG_EXPECT : FLAG_EXPECT_BAD;
      return 0;
    case HTTP_HOST:
      // RFC 9112 section 3.2: a second or invalid Host must be rejected.
      if (again || !http_is_host(value, span.size)) return -400;
      break;
    default:
      break;
  }
  request->fields[field] = again ? (struct http_span){0} : span;
  return 0;
}

int http_field_take(struct http_request *request, const uint8_t *head, struct http_span name,
                    struct http_span value) {
  if (name.size > KNOWN_SIZE_MAX || (KNOWN_SIZES >> name.size & 1) == 0) return 0;
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (known[i].size != name.size || !http_equals(head + name.offset, name.size, known[i].name)) {
      continue;
    }
    const unsigned bit = 1u << known[i].field;
    const bool again = (request->seen & bit) != 0;
    request->seen |= (uint16_t)bit;
    return take(request, known[i].field, again, head, value);
  }
  return 0;
}

static bool has(const struct http_request *request, unsigned field) {
  return (request->seen & 1u << field) != 0;
}

// RFC 9112 section 6.3.
static int end_framing(struct http_request *request, const struct http_limits *limits) {
  if (has(request, FIELD_TRANSFER_ENCODING)) {
    // Section 6.1: HTTP/1.0 has no transfer codings, and both fields together are an attack.
    if (request->minor == 0 || has(request, FIELD_CONTENT_LENGTH)) return -400;
    if ((request->flags & FLAG_CODING_BAD) != 0) return -400;
    if ((request->flags & FLAG_CODING_UNKNOWN) != 0) return -501;
    request->framing = HTTP_BODY_CHUNKED;
  } else if (has(request, FIELD_CONTENT_LENGTH)) {
    request->framing = HTTP_BODY_LENGTH;
    if (request->content_length > limits->body_bytes_max) return -413;
  }
  return 0;
}

int http_field_end(struct http_request *request, const struct http_limits *limits) {
  if (request->minor > 0 && !has(request, HTTP_HOST)) return -400;
  const int status = end_framing(request, limits);
  if (status < 0) return status;
  const unsigned flags = request->flags;
  request->keep_alive =
      (flags & FLAG_CLOSE) == 0 && (request->minor > 0 || (flags & FLAG_KEEP_ALIVE) != 0);
  // RFC 9110 section 10.1.1: an expectation in a request of HTTP/1.0 is ignored.
  if (request->minor > 0 && (flags & FLAG_EXPECT_BAD) != 0) return -417;
  request->expect_continue = request->minor > 0 && (flags & FLAG_EXPECT) != 0;
  return 0;
}
