#include "examples/kv/reply.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY_MIN = 16 * 1024, NUMBER_BYTES = 24, ERROR_BYTES = 512 };

// Makes room for `size` more bytes.
static bool reserve(struct reply *reply, size_t size) {
  if (reply->capacity - reply->size >= size) return true;
  size_t capacity = reply->capacity < CAPACITY_MIN ? CAPACITY_MIN : 2 * reply->capacity;
  if (capacity < reply->size + size) capacity = reply->size + size;
  char *data = realloc(reply->data, capacity);
  if (data == NULL) {
    reply->has_failed = true;
    return false;
  }
  reply->data = data;
  reply->capacity = capacity;
  return true;
}

// Appends without a check.
static void append(struct reply *reply, const char *data, size_t size) {
  memcpy(reply->data + reply->size, data, size);
  reply->size += size;
}

// Writes a type, a number and CRLF. Returns the size.
static size_t head(char *to, char type, int64_t number) {
  char digits[NUMBER_BYTES];
  size_t count = 0, size = 0;
  uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
  do {
    digits[count++] = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest > 0);
  to[size++] = type;
  if (number < 0) to[size++] = '-';
  while (count > 0) to[size++] = digits[--count];
  to[size++] = '\r';
  to[size++] = '\n';
  return size;
}

static void put_head(struct reply *reply, char type, int64_t number) {
  char text[NUMBER_BYTES + 4];
  reply_bytes(reply, text, head(text, type, number));
}

void reply_bytes(struct reply *reply, const char *data, size_t size) {
  if (reserve(reply, size)) append(reply, data, size);
}

static void line(struct reply *reply, char type, const char *text, size_t size) {
  if (!reserve(reply, size + 3)) return;
  append(reply, &type, 1);
  append(reply, text, size);
  append(reply, "\r\n", 2);
}

void reply_status(struct reply *reply, const char *text) { line(reply, '+', text, strlen(text)); }

void reply_ok(struct reply *reply) { reply_bytes(reply, "+OK\r\n", 5); }

void reply_integer(struct reply *reply, int64_t number) { put_head(reply, ':', number); }

void reply_bulk(struct reply *reply, const char *data, size_t size) {
  if (!reserve(reply, size + NUMBER_BYTES + 6)) return;
  reply->size += head(reply->data + reply->size, '$', (int64_t)size);
  append(reply, data, size);
  append(reply, "\r\n", 2);
}

void reply_text(struct reply *reply, const char *text) { reply_bulk(reply, text, strlen(text)); }

void reply_null(struct reply *reply) { reply_bytes(reply, "$-1\r\n", 5); }

void reply_null_array(struct reply *reply) { reply_bytes(reply, "*-1\r\n", 5); }

void reply_array(struct reply *reply, size_t count) { put_head(reply, '*', (int64_t)count); }

void reply_error(struct reply *reply, const char *text) {
  const size_t start = reply->size;
  line(reply, '-', text, strlen(text));
  for (size_t i = start; i + 2 < reply->size; i++) {
    if (reply->data[i] == '\r' || reply->data[i] == '\n') reply->data[i] = ' ';
  }
}

void reply_error_format(struct reply *reply, const char *format, ...) {
  char text[ERROR_BYTES];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  reply_error(reply, text);
}

void reply_reset(struct reply *reply, size_t keep) {
  if (reply->capacity > keep) {
    free(reply->data);
    *reply = (struct reply){0};
  }
  reply->size = 0;
  reply->has_failed = false;
}
