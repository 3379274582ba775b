// A writer of RESP2 replies. It does no I/O and does not use evnet.
#ifndef EVNET_EXAMPLES_KV_REPLY_H_
#define EVNET_EXAMPLES_KV_REPLY_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Replies one after another. All zero: none. Without memory, a reply is lost, and has_failed is set: the client must not
// get any more.
struct reply {
  char *data;
  size_t size;
  size_t capacity;
  bool has_failed;
};

void reply_bytes(struct reply *reply, const char *data, size_t size);  // as they are
void reply_status(struct reply *reply, const char *text);              // +text
void reply_ok(struct reply *reply);
void reply_integer(struct reply *reply, int64_t number);
void reply_bulk(struct reply *reply, const char *data, size_t size);
void reply_text(struct reply *reply, const char *text);  // a bulk that ends at NUL
void reply_null(struct reply *reply);
void reply_null_array(struct reply *reply);
void reply_array(struct reply *reply, size_t count);  // the elements follow

// -text, which begins with the kind of error, such as "ERR". Line feeds become spaces.
void reply_error(struct reply *reply, const char *text);
void reply_error_format(struct reply *reply, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// Frees the memory of more than `keep` bytes, and forgets the replies.
void reply_reset(struct reply *reply, size_t keep);

#endif  // EVNET_EXAMPLES_KV_REPLY_H_
