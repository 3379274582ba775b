// A growing text, for responses.
#ifndef EVNET_EXAMPLES_WEBAPP_TEXT_H_
#define EVNET_EXAMPLES_WEBAPP_TEXT_H_

#include <stdbool.h>
#include <stddef.h>

// All zero is an empty text. If memory runs out, the text is marked and the functions do nothing.
struct text {
  char *data;
  size_t size;
  size_t capacity;
  bool failed;
};

void text_append(struct text *text, const char *data, size_t size);

void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Appends a string as JSON (RFC 8259 section 7), with quotation marks.
void text_json(struct text *text, const char *string);

void text_free(struct text *text);

#endif  // EVNET_EXAMPLES_WEBAPP_TEXT_H_
