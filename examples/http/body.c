// The body of a request: a counted number of bytes, or chunked transfer coding (RFC 9112 section
// 7.1).
//
//   SIZE -+-> EXTENSION... -+-> SIZE_LF --> DATA --> DATA_CR --> DATA_LF --> SIZE
//         +-----------------+      |
//                                  +--> TRAILER (after the chunk of size 0) --> END
#include "examples/http/line.h"

enum {
  STATE_COUNTED = 0,  // without chunked coding: `left` bytes follow
  STATE_SIZE,
  STATE_NAME_BEGIN,  // an extension: ;name or ;name=value or ;name="value"
  STATE_NAME,
  STATE_VALUE_BEGIN,
  STATE_VALUE,
  STATE_QUOTED,
  STATE_QUOTED_PAIR,  // after a backslash
  STATE_QUOTED_END,
  STATE_SIZE_LF,
  STATE_DATA,
  STATE_DATA_CR,
  STATE_DATA_LF,
  STATE_TRAILER,
  STATE_END,
};

void http_body_init(struct http_body *body, const struct http_request *request) {
  *body = (struct http_body){.state = STATE_END};
  if (request->framing == HTTP_BODY_CHUNKED) {
    body->state = STATE_SIZE;
  } else if (request->framing == HTTP_BODY_LENGTH && request->content_length > 0) {
    body->state = STATE_COUNTED;
    body->left = body->total = request->content_length;
  }
}

static int hex_digit(uint8_t byte) {
  if (http_is_digit(byte)) return byte - '0';
  if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  return byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : -1;
}

// The end of a chunk size with its extensions. Whitespace before it would be a bad number.
static int end_size(struct http_body *body, uint8_t byte) {
  if (byte == ';') {
    body->state = STATE_NAME_BEGIN;
    return 0;
  }
  if (byte != '\r') return -400;
  body->state = STATE_SIZE_LF;
  return 0;
}

static int step_size(struct http_body *body, const struct http_limits *limits, uint8_t byte) {
  const int digit = hex_digit(byte);
  if (digit < 0) {
    if (body->count == 0) return -400;
    body->count = 0;
    return end_size(body, byte);
  }
  if (++body->count > limits->chunk_digits_max || body->left >> 60 != 0) return -413;
  body->left = body->left << 4 | (uint64_t)digit;
  return body->left > limits->body_bytes_max - body->total ? -413 : 0;
}

// Reads a byte that belongs to a name or a value, or ends it.
static int step_token(struct http_body *body, uint8_t byte, int within) {
  if (http_is(byte, HTTP_CLASS_TOKEN)) {
    body->state = (uint8_t)within;
    return 0;
  }
  if (body->state == STATE_NAME && byte == '=') {
    body->state = STATE_VALUE_BEGIN;
    return 0;
  }
  if (body->state == STATE_VALUE_BEGIN && byte == '"') {
    body->state = STATE_QUOTED;
    return 0;
  }
  if (body->state == STATE_NAME_BEGIN || body->state == STATE_VALUE_BEGIN) return -400;
  return end_size(body, byte);
}

// Chunk extensions are ignored, within the limit on their size.
static int step_extension(struct http_body *body, const struct http_limits *limits, uint8_t byte) {
  if (byte != '\r' && ++body->count > limits->chunk_extension_bytes_max) return -400;
  switch (body->state) {
    case STATE_NAME_BEGIN:
    case STATE_NAME:
      return step_token(body, byte, STATE_NAME);
    case STATE_VALUE_BEGIN:
    case STATE_VALUE:
      return step_token(body, byte, STATE_VALUE);
    case STATE_QUOTED:
      if (!http_is(byte, HTTP_CLASS_VALUE)) return -400;
      if (byte == '"') body->state = STATE_QUOTED_END;
      if (byte == '\\') body->state = STATE_QUOTED_PAIR;
      return 0;
    case STATE_QUOTED_PAIR:
      if (!http_is(byte, HTTP_CLASS_VALUE)) return -400;
      body->state = STATE_QUOTED;
      return 0;
    default:
      return end_size(body, byte);
  }
}

static int step_size_lf(struct http_body *body, uint8_t byte) {
  if (byte != '\n') return -400;
  body->count = 0;
  body->total += body->left;
  body->state = body->left > 0 ? STATE_DATA : STATE_TRAILER;
  return 0;
}

// Reads one byte of the chunked coding outside of chunk data and trailer. Returns 0 or an error.
static int step(struct http_body *body, const struct http_limits *limits, uint8_t byte) {
  switch (body->state) {
    case STATE_SIZE:
      return step_size(body, limits, byte);
    case STATE_SIZE_LF:
      return step_size_lf(body, byte);
    case STATE_DATA_CR:
      body->state = STATE_DATA_LF;
      return byte == '\r' ? 0 : -400;
    case STATE_DATA_LF:
      body->state = STATE_SIZE;
      return byte == '\n' ? 0 : -400;
    default:
      return step_extension(body, limits, byte);
  }
}

// Reads the trailer section from data[*at] on, up to `size`. Returns 0 or an error.
static int scan_trailer(struct http_body *body, const struct http_limits *limits,
                        const uint8_t *data, size_t size, size_t *at) {
  const uint32_t room = limits->fields_bytes_max - body->fields_bytes;
  const size_t end = size - *at < room ? size : *at + room;
  while (*at < end) {
    const size_t begin = *at;
    const int result = http_line_scan(&body->line, data, end, at);
    body->fields_bytes += (uint32_t)(*at - begin);
    if (result < 0) return result;
    if (result == HTTP_LINE_EMPTY) {
      body->state = STATE_END;
      return 0;
    }
    if (result != HTTP_LINE_FIELD) break;
    if (++body->fields_count > limits->fields_max) return -431;
    body->line = (struct http_line){0};
  }
  return body->fields_bytes == limits->fields_bytes_max ? -431 : 0;
}

// Passes on the part of the body at data[*at].
static int take_piece(struct http_body *body, const uint8_t *data, size_t size, size_t *at,
                      const uint8_t **out_piece, size_t *out_size) {
  *out_piece = data + *at;
  *out_size = size - *at < body->left ? size - *at : (size_t)body->left;
  *at += *out_size;
  body->left -= *out_size;
  if (body->left == 0) body->state = body->state == STATE_COUNTED ? STATE_END : STATE_DATA_CR;
  return HTTP_BODY_PIECE;
}

int http_body_parse(struct http_body *body, const struct http_limits *limits, const void *start,
                    size_t size, size_t *out_consumed, const uint8_t **out_piece,
                    size_t *out_size) {
  const uint8_t *data = start;
  size_t at = 0;
  int result = HTTP_BODY_MORE;
  while (at < size && result == HTTP_BODY_MORE && body->state != STATE_END) {
    if (body->state == STATE_COUNTED || body->state == STATE_DATA) {
      result = take_piece(body, data, size, &at, out_piece, out_size);
    } else if (body->state == STATE_TRAILER) {
      result = scan_trailer(body, limits, data, size, &at);
    } else {
      result = step(body, limits, data[at++]);
    }
  }
  *out_consumed = at;
  return result == HTTP_BODY_MORE && body->state == STATE_END ? HTTP_BODY_END : result;
}
