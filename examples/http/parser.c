#include "examples/http/parser.h"

#include <string.h>

#include "examples/http/line.h"

const struct http_limits http_limits_default = {
    .request_line_bytes_max = 8192,
    .fields_bytes_max = 32768,
    .fields_max = 100,
    .chunk_digits_max = 16,
    .chunk_extension_bytes_max = 256,
    .body_bytes_max = UINT64_C(1) << 40,
};

// RFC 9112 section 3: a method that is longer than every known one is answered with 501.
enum { METHOD_BYTES_MAX = 32, VERSION_BYTES = 8 };

// The states of a head, in order. A head of zeros is at its beginning.
enum {
  STATE_START = 0,  // an empty line may come first
  STATE_START_LF,
  STATE_METHOD,
  STATE_TARGET,
  STATE_VERSION,
  STATE_VERSION_LF,
  STATE_FIELDS,
  STATE_DONE,
};

// request->flags, above those of fields.c
enum { FLAG_EMPTY_LINE = 1 << 15 };

static bool equals(const uint8_t *text, size_t size, const char *word) {
  return strlen(word) == size && memcmp(text, word, size) == 0;
}

static enum http_method method_of(const uint8_t *text, size_t size) {
  static const char *const names[] = {
      [HTTP_GET] = "GET",         [HTTP_HEAD] = "HEAD",     [HTTP_POST] = "POST",
      [HTTP_PUT] = "PUT",         [HTTP_DELETE] = "DELETE", [HTTP_CONNECT] = "CONNECT",
      [HTTP_OPTIONS] = "OPTIONS", [HTTP_TRACE] = "TRACE",   [HTTP_PATCH] = "PATCH",
  };
  if (size == 3 && memcmp(text, "GET", 3) == 0) return HTTP_GET;  // by far the most frequent
  for (size_t i = HTTP_GET; i < sizeof names / sizeof names[0]; i++) {
    if (equals(text, size, names[i])) return (enum http_method)i;
  }
  return HTTP_METHOD_UNKNOWN;
}

static void split_path(struct http_request *request, const uint8_t *head, uint32_t begin,
                       uint32_t end) {
  const uint8_t *question = memchr(head + begin, '?', end - begin);
  const uint32_t path_end = question == NULL ? end : (uint32_t)(question - head);
  request->path = (struct http_span){.offset = begin, .size = path_end - begin};
  if (question != NULL) {
    request->query = (struct http_span){.offset = path_end + 1, .size = end - path_end - 1};
  }
}

// RFC 9112 section 3.2.2. Returns 0 or -400.
static int split_absolute(struct http_request *request, const uint8_t *head, uint32_t begin,
                          uint32_t end) {
  uint32_t at = begin;
  while (at < end && head[at] != ':') at++;
  if (!http_equals(head + begin, at - begin, "http") &&
      !http_equals(head + begin, at - begin, "https")) {
    return -400;
  }
  if (end - at < 3 || memcmp(head + at, "://", 3) != 0) return -400;
  const uint32_t host = at + 3;
  for (at = host; at < end && head[at] != '/' && head[at] != '?';) at++;
  // RFC 9110 sections 4.2.1 and 4.2.4: an empty host is invalid, and user information is an error,
  // which the check of the host rejects.
  if (at == host || head[host] == ':' || !http_is_host(head + host, at - host)) return -400;
  request->form = HTTP_FORM_ABSOLUTE;
  request->authority = (struct http_span){.offset = host, .size = at - host};
  split_path(request, head, at, end);
  return 0;
}

// RFC 9112 section 3.2.3. Returns 0 or -400.
static int split_authority(struct http_request *request, const uint8_t *head,
                           struct http_span target) {
  const uint8_t *text = head + target.offset;
  // The port is required: a digit is last, and a colon before it.
  if (text[0] == ':' || !http_is_host(text, target.size)) return -400;
  uint32_t at = target.size;
  while (at > 0 && http_is_digit(text[at - 1])) at--;
  if (at == target.size || at == 0 || text[at - 1] != ':') return -400;
  request->form = HTTP_FORM_AUTHORITY;
  request->authority = target;
  return 0;
}

static int split_target(struct http_request *request, const uint8_t *head) {
  const struct http_span target = request->target;
  const uint8_t *text = head + target.offset;
  if (target.size == 0) return -400;
  if (request->method == HTTP_CONNECT) return split_authority(request, head, target);
  if (text[0] == '/') {
    split_path(request, head, target.offset, target.offset + target.size);
    return 0;
  }
  if (equals(text, target.size, "*")) {
    request->form = HTTP_FORM_ASTERISK;
    return request->method == HTTP_OPTIONS ? 0 : -400;
  }
  return split_absolute(request, head, target.offset, target.offset + target.size);
}

// Each parse_ function below reads from request->at to `end`, and returns 0 or an error. At `end` it
// leaves the state as it is, otherwise it sets the next one.

// RFC 9112 section 2.2: one empty line before the request line is ignored.
static int parse_start(struct http_request *request, uint8_t byte) {
  if (request->state == STATE_START_LF) {
    if (byte != '\n') return -400;
    request->flags |= FLAG_EMPTY_LINE;
    request->state = STATE_START;
    request->at++;
    return 0;
  }
  if (byte == '\r' && (request->flags & FLAG_EMPTY_LINE) == 0) {
    request->state = STATE_START_LF;
    request->at++;
    return 0;
  }
  request->begin = request->mark = request->at;
  request->state = STATE_METHOD;
  return 0;
}

static int parse_method(struct http_request *request, const uint8_t *head, uint32_t end) {
  uint32_t at = request->at;
  while (at < end && http_is(head[at], HTTP_CLASS_TOKEN) && at - request->mark <= METHOD_BYTES_MAX)
    at++;
  request->at = at;
  const uint32_t size = at - request->mark;
  if (size > METHOD_BYTES_MAX) return -501;
  if (at == end) return 0;
  if (head[at] != ' ' || size == 0) return -400;
  request->method_name = (struct http_span){.offset = request->mark, .size = size};
  request->method = (uint8_t)method_of(head + request->mark, size);
  request->mark = ++request->at;
  request->state = STATE_TARGET;
  return 0;
}

static int parse_target(struct http_request *request, const uint8_t *head, uint32_t end) {
  uint32_t at = request->at;
  while (at < end && http_is(head[at], HTTP_CLASS_TARGET)) at++;
  request->at = at;
  if (at == end) return 0;
  if (head[at] != ' ') return -400;
  request->target = (struct http_span){.offset = request->mark, .size = at - request->mark};
  request->at++;
  request->state = STATE_VERSION;
  return split_target(request, head);
}

// RFC 9112 section 2.3: "HTTP/" DIGIT "." DIGIT, in upper case.
static int parse_version(struct http_request *request, const uint8_t *head, uint32_t end) {
  static const char form[] = "HTTP/#.#\r";
  if (request->version_size == 0 && end - request->at >= VERSION_BYTES + 2 &&
      memcmp(head + request->at, "HTTP/1.1\r\n", VERSION_BYTES + 2) == 0) {
    request->at += VERSION_BYTES + 1;
    request->state = STATE_VERSION_LF;
    return 0;
  }
  while (request->at < end) {
    const uint8_t byte = head[request->at];
    const char wanted = form[request->version_size];
    if (wanted == '#' ? !http_is_digit(byte) : byte != (uint8_t)wanted) return -400;
    request->at++;
    if (request->version_size++ < VERSION_BYTES) continue;
    request->state = STATE_VERSION_LF;
    return 0;
  }
  return 0;
}

static int parse_version_lf(struct http_request *request, const uint8_t *head) {
  if (head[request->at] != '\n') return -400;
  const uint8_t *version = head + request->at - 1 - VERSION_BYTES;
  if (version[5] != '1') return -505;
  request->minor = (uint8_t)(version[7] - '0');
  request->begin = request->mark = ++request->at;
  request->state = STATE_FIELDS;
  return 0;
}

// Passes a complete field line on.
static int end_line(struct http_request *request, const struct http_limits *limits,
                    const uint8_t *head, struct http_span name, uint32_t value_begin) {
  if (++request->fields_count > limits->fields_max) return -431;
  struct http_span value = {.offset = value_begin, .size = request->at - 2 - value_begin};
  while (value.size > 0 && http_is_space(head[value.offset + value.size - 1])) value.size--;
  request->mark = request->at;
  return http_field_take(request, head, name, value);
}

// Reads a field line that is complete and valid. Returns false, with nothing read, for any other:
// http_line_scan then reads it byte by byte, with the same result in one piece and in parts.
static bool scan_whole_line(struct http_request *request, const uint8_t *head, uint32_t end,
                            struct http_span *out_name, uint32_t *out_value_begin) {
  uint32_t at = request->at;
  while (at < end && http_is(head[at], HTTP_CLASS_TOKEN)) at++;
  if (at == request->at || at == end || head[at] != ':') return false;
  *out_name = (struct http_span){.offset = request->at, .size = at - request->at};
  at++;
  while (at < end && http_is_space(head[at])) at++;
  *out_value_begin = at;
  while (at < end && http_is(head[at], HTTP_CLASS_VALUE)) at++;
  if (end - at < 2 || head[at] != '\r' || head[at + 1] != '\n') return false;
  request->at = at + 2;
  return true;
}

static int parse_fields(struct http_request *request, const struct http_limits *limits,
                        const uint8_t *head, uint32_t end) {
  while (request->at < end) {
    struct http_span name;
    uint32_t value_begin;
    if (request->line.size > 0 || !scan_whole_line(request, head, end, &name, &value_begin)) {
      size_t at = request->at;
      const int result = http_line_scan(&request->line, head, end, &at);
      request->at = (uint32_t)at;
      if (result == HTTP_LINE_MORE || result == HTTP_LINE_BAD) return result;
      if (result == HTTP_LINE_EMPTY) {
        request->state = STATE_DONE;
        return http_field_end(request, limits);
      }
      name = (struct http_span){.offset = request->mark, .size = request->line.name_size};
      value_begin = request->mark + request->line.value_begin;
      request->line = (struct http_line){0};
    }
    const int status = end_line(request, limits, head, name, value_begin);
    if (status < 0) return status;
  }
  return 0;
}

// Reads the request line, up to `size`, and not beyond its limit.
static int parse_request_line(struct http_request *request, const struct http_limits *limits,
                              const uint8_t *head, size_t size) {
  // Two bytes more than the limit belong to the CRLF.
  const uint64_t limit = (uint64_t)request->begin + limits->request_line_bytes_max + 2;
  const uint32_t end = size < limit ? (uint32_t)size : (uint32_t)limit;
  int status = 0;
  while (status == 0 && request->at < end && request->state < STATE_FIELDS) {
    switch (request->state) {
      case STATE_METHOD:
        status = parse_method(request, head, end);
        break;
      case STATE_TARGET:
        status = parse_target(request, head, end);
        break;
      case STATE_VERSION:
        status = parse_version(request, head, end);
        break;
      default:
        status = parse_version_lf(request, head);
        break;
    }
  }
  if (status == 0 && request->at == limit && request->state < STATE_FIELDS) return -414;
  return status;
}

int http_request_parse(struct http_request *request, const struct http_limits *limits,
                       const void *head_start, size_t size) {
  const uint8_t *head = head_start;
  // Offsets have 32 bits, and the limits end a head before this.
  if (size > UINT32_MAX) size = UINT32_MAX;
  while (request->at < size && request->state < STATE_METHOD) {
    const int status = parse_start(request, head[request->at]);
    if (status < 0) return status;
  }
  if (request->state < STATE_METHOD) return 0;
  if (request->state < STATE_FIELDS) {
    const int status = parse_request_line(request, limits, head, size);
    if (status < 0 || request->state < STATE_FIELDS) return status;
  }
  const uint64_t limit = (uint64_t)request->begin + limits->fields_bytes_max;
  const uint32_t end = size < limit ? (uint32_t)size : (uint32_t)limit;
  const int status = parse_fields(request, limits, head, end);
  if (status < 0) return status;
  if (request->state == STATE_DONE) return (int)request->at;
  return request->at == limit ? -431 : 0;
}

bool http_request_field(const struct http_request *request, const void *head_start, uint32_t *at,
                        struct http_span *out_name, struct http_span *out_value) {
  const uint8_t *head = head_start;
  size_t end = *at == 0 ? request->begin : *at;
  const uint32_t begin = (uint32_t)end;
  struct http_line line = {0};
  if (http_line_scan(&line, head, request->at, &end) != HTTP_LINE_FIELD) return false;
  *at = (uint32_t)end;
  *out_name = (struct http_span){.offset = begin, .size = line.name_size};
  *out_value = (struct http_span){.offset = begin + line.value_begin,
                                  .size = line.size - 2 - line.value_begin};
  while (out_value->size > 0 && http_is_space(head[out_value->offset + out_value->size - 1]))
    out_value->size--;
  return true;
}
