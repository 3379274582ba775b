// HTTP for the program: one request at a time on each connection, with a small body, answered later.
//
//   on_data --> request complete: respond(exchange) --> exchange_answer, now or later
//
// While a request is being answered, the connection is held: a graceful shutdown waits for the
// answer, and holds_max 1 stops reading, so that pipelined requests wait in the kernel.
#ifndef EVNET_EXAMPLES_WEBAPP_EXCHANGE_H_
#define EVNET_EXAMPLES_WEBAPP_EXCHANGE_H_

#include <stdbool.h>
#include <stddef.h>

#include "evnet/evnet.h"
#include "examples/http/parser.h"
#include "examples/webapp/notes.h"
#include "examples/webapp/sessions.h"

enum {
  PATH_BYTES_MAX = 255,
  TOKEN_DIGITS = 32,
  BODY_BYTES_MAX = 4096,
  NAME_BYTES_MAX = 32,

  // A request that is not answered within this time gets 503.
  ANSWER_MS_MAX = 3000,

  // A request that is not complete this long after its first bytes gets 408.
  REQUEST_MS_MAX = 10000,
};

// The backends and settings of one reactor.
struct backends {
  struct http_limits limits;
  struct sessions *sessions;
  struct notes *notes;
};

// A connection and the request on it. It is the connection's user pointer.
struct exchange {
  struct evnet_conn *conn;
  struct backends *backends;

  // The request, valid while `busy`.
  struct http_request request;
  char path[PATH_BYTES_MAX + 1];
  char token[TOKEN_DIGITS + 1];  // of the session cookie; empty: none
  char body[BODY_BYTES_MAX + 1];
  size_t body_size;

  char name[NAME_BYTES_MAX + 1];            // of the user, once the session is known
  struct session_request *session_request;  // in progress; NULL: none
  struct note_request *note_request;        // in progress; NULL: none

  bool has_head;
  struct http_body reader;  // of the body, if has_head
  bool incomplete;          // a part of a request has arrived, and `timeout` runs
  bool busy;                // the request is being answered, and `timeout` runs
  struct evnet_timer timeout;
};

// Called when a request is complete. It calls exchange_answer once, before or after it returns.
void respond(struct exchange *exchange);

// exchange_answer sends the response and takes up the next request.
//
//   status   such as "200 OK".
//   fields   field lines, each with CRLF.
//   content  of `size` bytes.
void exchange_answer(struct exchange *exchange, const char *status, const char *fields,
                     const char *content, size_t size);

// The callbacks of the server.
enum evnet_action exchange_on_open(struct evnet_conn *conn, void *user);
enum evnet_action exchange_on_data(struct evnet_conn *conn, void *user);
enum evnet_action exchange_on_close(struct evnet_conn *conn, int reason, void *user);

#endif  // EVNET_EXAMPLES_WEBAPP_EXCHANGE_H_
