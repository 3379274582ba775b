#include "examples/webapp/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Makes room for `size` more bytes. Returns false if memory runs out.
static bool reserve(struct text *text, size_t size) {
  if (text->failed) return false;
  if (text->capacity - text->size >= size) return true;
  size_t capacity = text->capacity > 0 ? text->capacity : 512;
  while (capacity - text->size < size) capacity *= 2;
  char *data = realloc(text->data, capacity);
  if (data == NULL) {
    text->failed = true;
    return false;
  }
  text->data = data;
  text->capacity = capacity;
  return true;
}

void text_append(struct text *text, const char *data, size_t size) {
  if (size == 0 || !reserve(text, size)) return;
  memcpy(text->data + text->size, data, size);
  text->size += size;
}

void text_printf(struct text *text, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int size = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  // vsnprintf needs room for its 0 byte.
  if (size < 0 || !reserve(text, (size_t)size + 1)) return;
  va_start(arguments, format);
  (void)vsnprintf(text->data + text->size, (size_t)size + 1, format, arguments);
  va_end(arguments);
  text->size += (size_t)size;
}

void text_json(struct text *text, const char *string) {
  text_append(text, "\"", 1);
  for (const char *c = string; *c != '\0'; c++) {
    if (*c == '"' || *c == '\\') {
      text_printf(text, "\\%c", *c);
    } else if ((unsigned char)*c < 0x20) {
      text_printf(text, "\\u%04x", (unsigned)*c);
    } else {
      text_append(text, c, 1);
    }
  }
  text_append(text, "\"", 1);
}

void text_free(struct text *text) {
  free(text->data);
  *text = (struct text){0};
}
