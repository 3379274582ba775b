#include "examples/webapp/exchange.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "examples/webapp/text.h"

// Answers

static void cancel(struct exchange *exchange) {
  session_request_cancel(exchange->session_request);
  note_request_cancel(exchange->note_request);
  exchange->session_request = NULL;
  exchange->note_request = NULL;
  evnet_timer_stop(evnet_conn_reactor(exchange->conn), &exchange->timeout);
}

static void send_response(struct exchange *exchange, const char *status, const char *fields,
                          const char *content, size_t size) {
  struct text head = {0};
  text_printf(&head, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s%s\r\n", status, size, fields,
              exchange->request.keep_alive ? "" : "Connection: close\r\n");
  if (head.failed) {
    evnet_conn_abort(exchange->conn);
    return;
  }
  const struct iovec pieces[] = {
      {.iov_base = head.data, .iov_len = head.size},
      {.iov_base = (char *)content, .iov_len = exchange->request.method == HTTP_HEAD ? 0 : size},
  };
  evnet_conn_writev(exchange->conn, pieces, 2);
  text_free(&head);
}

void exchange_answer(struct exchange *exchange, const char *status, const char *fields,
                     const char *content, size_t size) {
  cancel(exchange);
  send_response(exchange, status, fields, content, size);
  if (!exchange->request.keep_alive) evnet_conn_close(exchange->conn);
  exchange->busy = false;
  exchange->has_head = false;
  exchange->request = (struct http_request){0};
  // Reading resumes, and on_data is called if the next request is there.
  evnet_conn_release(exchange->conn);
}

static void answer_too_late(struct evnet_timer *timer, void *user) {
  (void)timer;
  static const char text[] = "The database does not answer.\n";
  exchange_answer(user, "503 Service Unavailable", "Retry-After: 1\r\n", text, sizeof text - 1);
}

// Ends a connection whose request is malformed.
static enum evnet_action refuse(struct exchange *exchange, int status) {
  static const struct {
    int status;
    const char *line;
  } lines[] = {
      {-408, "408 Request Timeout"},
      {-413, "413 Content Too Large"},
      {-414, "414 URI Too Long"},
      {-417, "417 Expectation Failed"},
      {-431, "431 Request Header Fields Too Large"},
      {-501, "501 Not Implemented"},
      {-505, "505 HTTP Version Not Supported"},
  };
  const char *line = "400 Bad Request";
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
    if (lines[i].status == status) line = lines[i].line;
  }
  exchange->request = (struct http_request){0};
  send_response(exchange, line, "", "", 0);
  return EVNET_CLOSE;
}

static void request_too_late(struct evnet_timer *timer, void *user) {
  (void)timer;
  struct exchange *exchange = user;
  (void)refuse(exchange, -408);
  evnet_conn_close(exchange->conn);
}

// Requests

static bool copy(char *out, size_t out_size, const uint8_t *data, size_t size) {
  if (size >= out_size) return false;
  memcpy(out, data, size);
  out[size] = '\0';
  return true;
}

// Takes the cookie "session" of a Cookie field (RFC 6265 section 4.2.1).
static void take_cookie(struct exchange *exchange, const uint8_t *value, size_t size) {
  static const char name[] = "session=";
  const size_t name_size = sizeof name - 1;
  for (size_t at = 0; at + name_size + TOKEN_DIGITS <= size; at++) {
    bool begins = at == 0 || value[at - 1] == ' ' || value[at - 1] == ';';
    if (!begins || memcmp(value + at, name, name_size) != 0) continue;
    const uint8_t *token = value + at + name_size;
    for (size_t i = 0; i < TOKEN_DIGITS; i++) {
      if (strchr("0123456789abcdef", token[i]) == NULL || token[i] == '\0') return;
    }
    (void)copy(exchange->token, sizeof exchange->token, token, TOKEN_DIGITS);
    return;
  }
}

// Copies what is needed of a head. Returns false if the path is too long.
static bool take_head(struct exchange *exchange, const uint8_t *head) {
  const struct http_request *request = &exchange->request;
  struct http_span name, value;
  uint32_t at = 0;
  exchange->token[0] = '\0';
  exchange->body_size = 0;
  exchange->has_head = true;
  while (http_request_field(request, head, &at, &name, &value)) {
    if (name.size == 6 && strncasecmp((const char *)head + name.offset, "cookie", 6) == 0)
      take_cookie(exchange, head + value.offset, value.size);
  }
  http_body_init(&exchange->reader, request);
  return copy(exchange->path, sizeof exchange->path, head + request->path.offset,
              request->path.size);
}

// Reads the head of a request from the unread bytes. Returns 1; 0 if bytes are missing; -STATUS.
static int read_head(struct exchange *exchange) {
  const struct evnet_bytes in = evnet_conn_peek(exchange->conn);
  int size = http_request_parse(&exchange->request, &exchange->backends->limits, in.data, in.size);
  if (size <= 0) return size;
  if (!take_head(exchange, in.data)) return -414;
  evnet_conn_discard(exchange->conn, (size_t)size);
  if (exchange->request.expect_continue) {
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    evnet_conn_write(exchange->conn, go_on, sizeof go_on - 1);
  }
  return 1;
}

// Reads the body. Returns as read_head.
static int read_body(struct exchange *exchange) {
  for (;;) {
    const struct evnet_bytes in = evnet_conn_peek(exchange->conn);
    const uint8_t *piece;
    size_t consumed, size;
    int event = http_body_parse(&exchange->reader, &exchange->backends->limits, in.data, in.size,
                                &consumed, &piece, &size);
    if (event < 0) return event;
    // The parser bounds the body by body_bytes_max, the size of `body`.
    if (event == HTTP_BODY_PIECE) {
      memcpy(exchange->body + exchange->body_size, piece, size);
      exchange->body_size += size;
    }
    evnet_conn_discard(exchange->conn, consumed);
    if (event == HTTP_BODY_END) return 1;
    if (event == HTTP_BODY_MORE) return 0;
  }
}

enum evnet_action exchange_on_data(struct evnet_conn *conn, void *user) {
  (void)user;
  struct exchange *exchange = evnet_conn_user(conn);
  // A request is being answered; the release of its hold calls this function again.
  if (exchange->busy) return EVNET_NONE;
  int status = exchange->has_head ? 1 : read_head(exchange);
  if (status > 0) status = read_body(exchange);
  if (status < 0) return refuse(exchange, status);
  if (status == 0) {
    if (!exchange->incomplete && (exchange->has_head || evnet_conn_inbound_bytes(conn) > 0)) {
      exchange->incomplete = true;
      evnet_timer_start(evnet_conn_reactor(conn), &exchange->timeout, REQUEST_MS_MAX,
                        request_too_late, exchange);
    }
    return EVNET_NONE;
  }
  exchange->body[exchange->body_size] = '\0';
  if (evnet_conn_hold(conn) < 0) return EVNET_CLOSE;
  exchange->incomplete = false;
  exchange->busy = true;
  evnet_timer_start(evnet_conn_reactor(conn), &exchange->timeout, ANSWER_MS_MAX, answer_too_late,
                    exchange);
  respond(exchange);
  return EVNET_NONE;
}

enum evnet_action exchange_on_open(struct evnet_conn *conn, void *user) {
  (void)user;
  struct exchange *exchange = calloc(1, sizeof *exchange);
  if (exchange == NULL) return EVNET_CLOSE;
  exchange->conn = conn;
  exchange->backends = evnet_reactor_user(evnet_conn_reactor(conn));
  evnet_conn_set_user(conn, exchange);
  return EVNET_NONE;
}

enum evnet_action exchange_on_close(struct evnet_conn *conn, int reason, void *user) {
  (void)reason;
  (void)user;
  struct exchange *exchange = evnet_conn_user(conn);
  if (exchange == NULL) return EVNET_NONE;
  cancel(exchange);
  free(exchange);
  return EVNET_NONE;
}
