// The parser of requests.
//
//   START --'*'--> COUNT --> LENGTH <--> BULK --> DONE
//         --else--> INLINE ---------------------> DONE
//
// DONE is left by the next call. Redis searches a line's end with strchr(3), so a NUL in a line
// hides the end from it: the line is "too big" after 64 KiB. The parser does the same.
#include "examples/kv/resp.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct resp_limits resp_limits_default = {
    .args_max = INT_MAX,
    .bulk_bytes_max = 512 * 1024 * 1024,
};

enum state {
  START = 0,
  INLINE,
  COUNT,
  LENGTH,
  BULK,
  DONE,
};

// The result of find_end.
enum end {
  END_FOUND,
  END_MISSING,  // more bytes are needed
  END_TOO_FAR,
};

int resp_parse_number(const char *text, size_t size, int64_t *out) {
  const bool negative = size > 0 && text[0] == '-';
  const size_t first = negative ? 1 : 0;
  // 19 digits do not overflow uint64_t.
  if (size == first || size - first > 19) return -1;
  if (text[first] == '0' && size > 1) return -1;
  uint64_t value = 0;
  for (size_t i = first; i < size; i++) {
    const unsigned digit = (unsigned)(unsigned char)text[i] - '0';
    if (digit > 9) return -1;
    value = value * 10 + digit;
  }
  if (value > (uint64_t)INT64_MAX + (negative ? 1 : 0)) return -1;
  *out = negative ? (int64_t)(0 - value) : (int64_t)value;
  return 0;
}

// Searches the end of the line at request->line from request->at on. Sets request->at to the offset
// of the end, or to the size if there is none.
static enum end find_end(struct resp_request *request, const char *data, size_t size, char end) {
  // The line's first RESP_LINE_BYTES_MAX + 1 bytes contain its end.
  const size_t limit = RESP_LINE_BYTES_MAX + 1;
  const size_t left = size - request->line;
  const size_t stop = request->line + (left < limit ? left : limit);
  size_t at = request->at;
  while (at < stop && data[at] != end && data[at] != '\0') at++;
  request->at = at;
  if (at < stop && data[at] == end) return END_FOUND;
  return left < limit ? END_MISSING : END_TOO_FAR;
}

// Reads the line of a number with one digit, the usual one. Returns false if it is another line.
static bool read_digit(struct resp_request *request, const char *data, size_t size,
                       int64_t *out_number) {
  const size_t line = request->line;
  if (size - line < 4 || data[line] != (request->state == LENGTH ? '$' : '*') ||
      data[line + 1] < '0' || data[line + 1] > '9' || data[line + 2] != '\r')
    return false;
  *out_number = data[line + 1] - '0';
  request->at = request->line = line + 4;
  return true;
}

// Reads the number of the line at request->line, after its first byte. The line ends with CR and
// any byte, as in Redis.
//
// Returns: 1: *out_number is valid, and request->at is the offset of the next line.
//          0: more bytes are needed.
// Errors:  too_big; invalid if the text is not a number.
static int read_number(struct resp_request *request, const char *data, size_t size,
                       enum resp_error too_big, enum resp_error invalid, int64_t *out_number) {
  if (read_digit(request, data, size, out_number)) return 1;
  const enum end end = find_end(request, data, size, '\r');
  if (end == END_TOO_FAR) return too_big;
  if (end == END_MISSING || size - request->at < 2) return 0;
  const size_t line = request->line;
  if (request->state == LENGTH && data[line] != '$') {
    const char byte = data[line];
    request->unexpected = byte == '\r' || byte == '\n' ? ' ' : byte;
    return RESP_EXPECTED_DOLLAR;
  }
  if (resp_parse_number(data + line + 1, request->at - line - 1, out_number) < 0) return invalid;
  request->at += 2;
  request->line = request->at;
  return 1;
}

// Doubles the room for arguments.
static int grow(struct resp_request *request) {
  const size_t capacity = request->many == NULL ? 4 * RESP_ARGS_FEW : 2 * request->args_capacity;
  struct resp_arg *many = realloc(request->many, capacity * sizeof *many);
  if (many == NULL) return RESP_NO_MEMORY;
  if (request->many == NULL) memcpy(many, request->few, sizeof request->few);
  request->many = many;
  request->args_capacity = capacity;
  return 0;
}

static int append(struct resp_request *request, size_t offset, size_t size) {
  const size_t capacity = request->many == NULL ? (size_t)RESP_ARGS_FEW : request->args_capacity;
  if (request->args_count == capacity && grow(request) < 0) return RESP_NO_MEMORY;
  struct resp_arg *args = request->many == NULL ? request->few : request->many;
  // The bytes can move until the request is complete, so the pointer is an offset until then.
  args[request->args_count++] = (struct resp_arg){(const char *)(uintptr_t)offset, size};
  return 0;
}

// Completes the request, whose arguments are in the bytes at base.
static ssize_t complete(struct resp_request *request, const char *base) {
  struct resp_arg *args = request->many == NULL ? request->few : request->many;
  for (size_t i = 0; i < request->args_count; i++) args[i].data = base + (uintptr_t)args[i].data;
  request->args = args;
  request->state = DONE;
  return (ssize_t)request->at;
}

// Reads the arguments of the array form. Returns as resp_parse.
static ssize_t read_bulks(struct resp_request *request, const struct resp_limits *limits,
                          const char *data, size_t size) {
  while (request->args_left > 0) {
    if (request->state == LENGTH) {
      const int result = read_number(request, data, size, RESP_TOO_BIG_LENGTH, RESP_INVALID_LENGTH,
                                     &request->bulk_size);
      if (result <= 0) return result;
      if (request->bulk_size < 0 || request->bulk_size > limits->bulk_bytes_max)
        return RESP_INVALID_LENGTH;
      request->state = BULK;
    }
    const size_t bulk_size = (size_t)request->bulk_size;
    if (size - request->at < bulk_size + 2) return 0;
    if (append(request, request->at, bulk_size) < 0) return RESP_NO_MEMORY;
    request->args_left--;
    request->at += bulk_size + 2;
    request->line = request->at;
    request->state = LENGTH;
  }
  return complete(request, data);
}

static ssize_t read_count(struct resp_request *request, const struct resp_limits *limits,
                          const char *data, size_t size) {
  const int result =
      read_number(request, data, size, RESP_TOO_BIG_COUNT, RESP_INVALID_COUNT, &request->args_left);
  if (result <= 0) return result;
  if (request->args_left > limits->args_max) return RESP_INVALID_COUNT;
  request->state = LENGTH;
  return read_bulks(request, limits, data, size);
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const int letter = c | 0x20;
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

// Copies the byte that the escape after a backslash means. Returns the number of bytes of the line
// that it consists of, without the backslash.
static size_t unescape(const char *text, size_t size, char *out) {
  if (size >= 3 && text[0] == 'x' && hex_digit(text[1]) >= 0 && hex_digit(text[2]) >= 0) {
    *out = (char)(hex_digit(text[1]) * 16 + hex_digit(text[2]));
    return 3;
  }
  static const char names[] = "nrtba", bytes[] = "\n\r\t\b\a";
  const char *name = memchr(names, text[0], sizeof names - 1);
  *out = name == NULL ? text[0] : bytes[name - names];
  return 1;
}

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Reads the rest of a quoted part, after its opening quote.
//
// Returns: the number of bytes read, with the closing quote, or 0 if the quotes are not balanced: a
//          closing quote must end the argument.
static size_t read_quoted(const char *text, size_t size, char quote, char **to) {
  for (size_t at = 0; at < size;) {
    const char c = text[at++];
    if (c == quote) return at == size || is_space(text[at]) ? at : 0;
    if (c == '\\' && at < size && quote == '"') {
      at += unescape(text + at, size - at, (*to)++);
    } else if (c == '\\' && at < size && text[at] == quote) {
      *(*to)++ = text[at++];
    } else {
      *(*to)++ = c;
    }
  }
  return 0;
}

// Reads one argument, which begins at text[0] and is not empty. Returns the number of bytes read,
// or 0 if the quotes are not balanced.
static size_t read_argument(const char *text, size_t size, char **to) {
  size_t at = 0;
  while (at < size) {
    const char c = text[at];
    // Other whitespace separates arguments, but does not end one.
    if (c == ' ' || c == '\t' || c == '\r') break;
    at++;
    if (c == '"' || c == '\'') {
      const size_t quoted = read_quoted(text + at, size - at, c, to);
      return quoted == 0 ? 0 : at + quoted;
    }
    *(*to)++ = c;
  }
  return at;
}

// Splits a line as redis-cli and redis-server do. The line contains no NUL and no LF.
static int split(struct resp_request *request, const char *line, size_t size) {
  // Without quotes and escapes, the arguments are not larger than the line.
  request->text = malloc(size + 1);
  if (request->text == NULL) return RESP_NO_MEMORY;
  char *to = request->text;
  for (size_t at = 0;;) {
    while (at < size && is_space(line[at])) at++;
    if (at == size) return 0;
    const char *begin = to;
    const size_t used = read_argument(line + at, size - at, &to);
    if (used == 0) return RESP_UNBALANCED_QUOTES;
    at += used;
    if (append(request, (size_t)(begin - request->text), (size_t)(to - begin)) < 0)
      return RESP_NO_MEMORY;
  }
}

static ssize_t read_inline(struct resp_request *request, const char *data, size_t size) {
  const enum end end = find_end(request, data, size, '\n');
  if (end == END_TOO_FAR) return RESP_TOO_BIG_INLINE;
  if (end == END_MISSING) return 0;
  size_t line_size = request->at;
  if (line_size > 0 && data[line_size - 1] == '\r') line_size--;
  const int result = split(request, data, line_size);
  if (result < 0) return result;
  request->at++;
  return complete(request, request->text);
}

// Begins the next request.
static void begin(struct resp_request *request) {
  if (request->many != NULL) free(request->many);
  if (request->text != NULL) free(request->text);
  request->args = NULL;
  request->args_count = 0;
  request->many = NULL;
  request->text = NULL;
  request->at = 0;
  request->line = 0;
  request->state = START;
}

ssize_t resp_parse(struct resp_request *request, const struct resp_limits *limits, const void *data,
                   size_t size) {
  const char *text = data;
  if (request->state == DONE) begin(request);
  if (size == 0) return 0;
  if (request->state == START) request->state = text[0] == '*' ? COUNT : INLINE;
  switch ((enum state)request->state) {
    case COUNT:
      return read_count(request, limits, text, size);
    case LENGTH:
    case BULK:
      return read_bulks(request, limits, text, size);
    default:
      return read_inline(request, text, size);
  }
}

void resp_error_message(const struct resp_request *request, enum resp_error error,
                        char out[RESP_ERROR_BYTES_MAX]) {
  const char *text = "";
  switch (error) {
    case RESP_NO_MEMORY:
      snprintf(out, RESP_ERROR_BYTES_MAX, "ERR out of memory");
      return;
    case RESP_EXPECTED_DOLLAR:
      snprintf(out, RESP_ERROR_BYTES_MAX, "ERR Protocol error: expected '$', got '%c'",
               request->unexpected);
      return;
    case RESP_TOO_BIG_INLINE:
      text = "too big inline request";
      break;
    case RESP_UNBALANCED_QUOTES:
      text = "unbalanced quotes in request";
      break;
    case RESP_TOO_BIG_COUNT:
      text = "too big mbulk count string";
      break;
    case RESP_INVALID_COUNT:
      text = "invalid multibulk length";
      break;
    case RESP_TOO_BIG_LENGTH:
      text = "too big bulk count string";
      break;
    case RESP_INVALID_LENGTH:
      text = "invalid bulk length";
      break;
  }
  snprintf(out, RESP_ERROR_BYTES_MAX, "ERR Protocol error: %s", text);
}

void resp_deinit(struct resp_request *request) {
  begin(request);
  *request = (struct resp_request){0};
}
