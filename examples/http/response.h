// The head of a response, and short responses.
#ifndef EVNET_EXAMPLES_HTTP_RESPONSE_H_
#define EVNET_EXAMPLES_HTTP_RESPONSE_H_

#include <stddef.h>
#include <time.h>

#include "examples/http/app.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { HTTP_DATE_BYTES = 30 };

// http_date_format writes a date as in "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7).
void http_date_format(time_t time_s, char out[HTTP_DATE_BYTES]);

// http_date_parse reads any of the three forms of that section. Returns false for other text.
bool http_date_parse(const char *text, size_t size, time_t *out);

// worker_update_date renews worker->date and worker->greetings once a second.
void worker_update_date(struct worker *worker);

// A head that is being written.
struct response {
  struct client *client;
  size_t size;
  char text[HTTP_HEAD_BYTES_MAX];
};

// response_begin writes the status line and the fields of every response: Date, Server, and
// Connection where the default does not apply.
void response_begin(struct response *response, struct client *client, int status);

// response_add appends to the head, by a format of printf(3). The text must fit.
__attribute__((format(printf, 2, 3))) void response_add(struct response *response,
                                                        const char *format, ...);

// response_end writes the head, followed by `size` bytes of the body.
void response_end(struct response *response, const void *body, size_t size);

// response_send writes a complete response. HEAD gets only its head.
void response_send(struct client *client, int status, const char *media_type, const char *body,
                   size_t size);

// response_send_error writes a response whose body is its status.
//
//   extra_fields  complete field lines, or "".
void response_send_error(struct client *client, int status, const char *extra_fields);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_EXAMPLES_HTTP_RESPONSE_H_
