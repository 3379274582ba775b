// A connection: requests in order, one at a time.
//
//                 head complete            body complete
//   [ head ] ----------------------> [ body ] ----------> [ head ] ...
//       |                               |
//       +-- error, 408, close ----------+--> response, then EVNET_CLOSE
//
// A request that follows while a response is still queued stays unread once the output has reached
// HTTP_OUTBOUND_HIGH_BYTES, or while a file is being sent. So the memory of a connection is bounded
// whether or not the client reads, and answers are in order.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "examples/http/app.h"
#include "examples/http/response.h"

// The purpose of a client's timer.
enum timed {
  TIMED_NOTHING = 0,  // it does not run
  TIMED_HEAD,
  TIMED_BODY,
  TIMED_EARLIER,  // it runs for an earlier head or body
};

// Ends the request with an error. If its response has begun, the client sees that it is incomplete.
static void fail(struct client *client, int status) {
  client->close = true;
  client->in_body = false;
  if (!client->begun) response_send_error(client, status, "");
}

// Bodies

static void begin_echo(struct client *client) {
  struct response response;
  response_begin(&response, client, 200);
  response_add(&response, "Content-Type: application/octet-stream\r\n");
  if (client->request.framing == HTTP_BODY_CHUNKED) {
    response_add(&response, "Transfer-Encoding: chunked\r\n");
  } else {
    response_add(&response, "Content-Length: %llu\r\n",
                 (unsigned long long)client->request.content_length);
  }
  response_end(&response, NULL, 0);
}

static void write_bytes(struct client *client, const void *data, size_t size) {
  if (evnet_conn_write(client->conn, data, size) < 0) client->close = true;
}

static void echo_piece(struct client *client, const uint8_t *piece, size_t size) {
  // The head waits for the first piece, so that an error before it gets its own status.
  if (!client->begun) begin_echo(client);
  if (client->request.framing != HTTP_BODY_CHUNKED) {
    write_bytes(client, piece, size);
    return;
  }
  char line[24];
  const int line_size = snprintf(line, sizeof line, "%zx\r\n", size);
  const struct iovec pieces[] = {
      {.iov_base = line, .iov_len = (size_t)line_size},
      {.iov_base = (void *)(uintptr_t)piece, .iov_len = size},
      {.iov_base = (void *)(uintptr_t) "\r\n", .iov_len = 2},
  };
  if (evnet_conn_writev(client->conn, pieces, 3) < 0) client->close = true;
}

static void end_request(struct client *client) {
  if (client->body_use == HTTP_ECHO) {
    if (!client->begun) begin_echo(client);
    if (client->request.framing == HTTP_BODY_CHUNKED) write_bytes(client, "0\r\n\r\n", 5);
  }
  client->in_body = false;
  client->begun = false;
  client->request = (struct http_request){0};
  if (client->timed != TIMED_NOTHING) client->timed = TIMED_EARLIER;
}

// Reads a part of the body. Returns the number of bytes consumed; 0 if more are needed.
static size_t read_body(struct client *client, const uint8_t *data, size_t size) {
  size_t consumed = 0, piece_size = 0;
  const uint8_t *piece = NULL;
  const int event = http_body_parse(&client->body, &client->worker->app->limits, data, size,
                                    &consumed, &piece, &piece_size);
  if (event < 0) {
    fail(client, -event);
  } else if (event == HTTP_BODY_END) {
    end_request(client);
  } else if (event == HTTP_BODY_PIECE) {
    client->body_bytes += piece_size;
    worker_add(&client->worker->body_bytes_received, piece_size);
    if (client->body_use == HTTP_ECHO) {
      echo_piece(client, piece, piece_size);
    } else if (client->body_bytes > HTTP_DISCARD_BYTES_MAX) {
      fail(client, 413);  // the response has been sent, so this only closes
    }
  }
  return consumed;
}

// Heads

// A head that was read in this turn. Pipelined requests often repeat the one before them byte for
// byte, and the same bytes have the same meaning, so they are compared and not parsed again.
struct last_head {
  const uint8_t *data;
  size_t size;  // 0: none whose answer is a greeting
};

// Returns how many times the head before is repeated at the beginning of `data`.
static size_t count_repeats(const struct client *client, const struct last_head *last,
                            const uint8_t *data, size_t size) {
  size_t count = 0;
  if (last->size == 0 || client->close || client->request.at > 0) return 0;
  while (count < HTTP_GREETINGS_MAX && size >= last->size &&
         memcmp(data, last->data, last->size) == 0) {
    data += last->size;
    size -= last->size;
    count++;
  }
  return count;
}

// Reads a head. Returns its size; 0 if it is not complete, or wrong.
static size_t read_head(struct client *client, struct last_head *last, const uint8_t *data,
                        size_t size) {
  struct http_request *request = &client->request;
  const size_t repeats = count_repeats(client, last, data, size);
  if (repeats > 0) {
    worker_add(&client->worker->requests, repeats);
    resource_greet(client, repeats);
    return repeats * last->size;
  }
  const int result = http_request_parse(request, &client->worker->app->limits, data, size);
  if (result < 0) fail(client, -result);
  if (result <= 0) return 0;
  worker_add(&client->worker->requests, 1);
  if (client->timed != TIMED_NOTHING) client->timed = TIMED_EARLIER;
  client->body_use = HTTP_DISCARD;
  client->body_bytes = client->body_mark = 0;
  if (!request->keep_alive) client->close = true;
  last->data = data;
  last->size = resource_is_greeting(client, request) ? (size_t)result : 0;
  resource_answer(client, data);
  const bool has_body = request->framing == HTTP_BODY_CHUNKED ||
                        (request->framing == HTTP_BODY_LENGTH && request->content_length > 0);
  if (!has_body) {
    end_request(client);
  } else if (client->body_use == HTTP_ECHO || !client->close) {
    http_body_init(&client->body, request);
    client->in_body = true;
    // RFC 9110 section 10.1.1: not needed if a part of the body has arrived.
    if (client->body_use == HTTP_ECHO && request->expect_continue && (size_t)result == size)
      write_bytes(client, "HTTP/1.1 100 Continue\r\n\r\n", 25);
  }
  return (size_t)result;
}

// Returns whether the next request or piece of a body may be read.
static bool may_read(struct client *client) {
  if (client->close && !client->in_body) return false;
  if (client->events_link != NULL) return false;
  client->stalled = client->file_queued;
  if (!client->stalled && evnet_conn_outbound_bytes(client->conn) >= HTTP_OUTBOUND_HIGH_BYTES) {
    // If the kernel does not take it, evnet stops reading, because its high mark is the same. It
    // calls on_data again once the output has drained.
    client->stalled = evnet_conn_flush(client->conn) >= HTTP_OUTBOUND_HIGH_BYTES;
  }
  return !client->stalled;
}

// Timeouts

static void expired(struct evnet_timer *timer, void *user);

static void start_timer(struct client *client, enum timed timed) {
  const struct app *app = client->worker->app;
  client->timed = (uint8_t)timed;
  client->body_mark = client->body_bytes;
  evnet_timer_start(evnet_conn_reactor(client->conn), &client->timer,
                    (uint64_t)(timed == TIMED_HEAD ? app->head_timeout_ms : app->body_timeout_ms),
                    expired, client);
}

// Sets the timer after reading. A head has one deadline for all of it. A body has periods, each of
// which must bring HTTP_BODY_BYTES_MIN, so that a slow network is served and a trickle is not.
static void update_timer(struct client *client) {
  enum timed wanted = TIMED_NOTHING;
  if (client->stalled || client->events_link != NULL || (client->close && !client->in_body)) {
    wanted = TIMED_NOTHING;
  } else if (client->in_body) {
    wanted = TIMED_BODY;
  } else if (client->request.at > 0) {
    wanted = TIMED_HEAD;
  }
  if (wanted == client->timed) return;
  if (wanted != TIMED_NOTHING) {
    start_timer(client, wanted);
  } else {
    client->timed = TIMED_NOTHING;
    evnet_timer_stop(evnet_conn_reactor(client->conn), &client->timer);
  }
}

static void expired(struct evnet_timer *timer, void *user) {
  struct client *client = user;
  (void)timer;
  // While the client does not read, evnet does not read the body, and write_timeout_ms applies.
  const bool goes_on = client->body_bytes - client->body_mark >= HTTP_BODY_BYTES_MIN ||
                       evnet_conn_outbound_bytes(client->conn) > 0;
  if (client->timed == TIMED_BODY && goes_on) {
    start_timer(client, TIMED_BODY);
    return;
  }
  client->timed = TIMED_NOTHING;
  fail(client, 408);
  evnet_conn_close(client->conn);
}

// Holds the connection while a body is echoed, so that a stop of the server waits for it.
static void update_hold(struct client *client) {
  const bool wanted = client->in_body && client->body_use == HTTP_ECHO;
  if (wanted && !client->held) {
    client->held = evnet_conn_hold(client->conn) == 0;
  } else if (!wanted && client->held) {
    client->held = false;
    evnet_conn_release(client->conn);
  }
}

// Files

// The kernel has taken the file, or the connection has closed.
static void on_file_sent(struct evnet_conn_id id, int status, void *user) {
  struct client *client = user;
  (void)id;
  client->file_queued = false;
  if (client->conn == NULL) {
    free(client);
  } else if (status == 0) {
    if (client->stalled) evnet_conn_resume_reading(client->conn);
    if (client->ended && evnet_conn_inbound_bytes(client->conn) == 0)
      evnet_conn_close(client->conn);
  }
}

void client_write_file(struct client *client, int descriptor, int64_t offset, int64_t size) {
  if (evnet_conn_sendfile(client->conn, descriptor, offset, size) < 0) {
    // The head has announced the bytes, so the response cannot be completed.
    client->close = true;
    return;
  }
  if (client->close) return;
  // `done` of an empty write is called when all earlier output was sent.
  if (evnet_async_write(client->worker->app->server, evnet_conn_get_id(client->conn), "", 0,
                        on_file_sent, client) == 0) {
    client->file_queued = true;
  } else {
    client->close = true;
  }
}

// Callbacks

enum evnet_action client_on_open(struct evnet_conn *conn, void *user) {
  struct app *app = user;
  struct client *client = calloc(1, sizeof *client);
  if (client == NULL) return EVNET_CLOSE;
  client->worker = &app->workers[evnet_conn_get_id(conn).reactor];
  client->worker->app = app;
  client->conn = conn;
  evnet_conn_set_user(conn, client);
  return EVNET_NONE;
}

enum evnet_action client_on_data(struct evnet_conn *conn, void *user) {
  struct client *client = evnet_conn_user(conn);
  (void)user;
  const struct evnet_bytes in = evnet_conn_peek(conn);
  size_t used = 0;
  struct last_head last = {0};
  worker_update_date(client->worker);
  client->stalled = false;
  while (may_read(client)) {
    const bool in_body = client->in_body;
    const size_t consumed = in_body ? read_body(client, in.data + used, in.size - used)
                                    : read_head(client, &last, in.data + used, in.size - used);
    used += consumed;
    if (consumed == 0 && in_body == client->in_body) break;
  }
  const bool closes = client->close && !client->in_body && client->events_link == NULL;
  // After the last request, and of a client that receives events, input is ignored.
  if (closes || client->events_link != NULL) used = in.size;
  evnet_conn_discard(conn, used);
  if (client->file_queued && used < in.size) {
    client->stalled = true;
    evnet_conn_pause_reading(conn);
  }
  update_timer(client);
  update_hold(client);
  if (client->ended && !client->stalled && !client->file_queued) return EVNET_CLOSE;
  return closes ? EVNET_CLOSE : EVNET_NONE;
}

enum evnet_action client_on_half_close(struct evnet_conn *conn, void *user) {
  struct client *client = evnet_conn_user(conn);
  (void)conn;
  (void)user;
  client->ended = true;
  if (client->events_link != NULL) return EVNET_CLOSE;
  // Requests that were read are answered.
  if (client->stalled || client->file_queued) return EVNET_NONE;
  if (client->in_body || client->request.at > 0) fail(client, 400);
  update_hold(client);
  return EVNET_CLOSE;
}

enum evnet_action client_on_close(struct evnet_conn *conn, int reason, void *user) {
  struct client *client = evnet_conn_user(conn);
  (void)reason;
  (void)user;
  if (client == NULL) return EVNET_NONE;
  monitor_leave(client);
  evnet_timer_stop(evnet_conn_reactor(conn), &client->timer);
  client->conn = NULL;
  if (!client->file_queued) free(client);
  return EVNET_NONE;
}

void client_on_stopping(struct evnet_conn *conn, void *user) {
  struct client *client = evnet_conn_user(conn);
  (void)user;
  if (client == NULL) return;
  client->close = true;  // a request that is being read is the last one
  if (client->events_link != NULL) evnet_conn_close(conn);
}
