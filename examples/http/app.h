// The parts of the HTTP server example and what they share.
//
//   http.c      options, and the handler of evnet
//   client.c    a connection: requests in order, bodies, back-pressure, timeouts
//   resource.c  what each path and method answers
//   files.c     --root: names, conditions, ranges
//   monitor.c   /metrics and /events; page.c: /status
//   response.c  the head of a response
//   parser.h    the parser, which does not use evnet
//
// Each reactor has a worker. Only its reactor's thread uses it, except for the counters, which any
// thread may read.
#ifndef EVNET_EXAMPLES_HTTP_APP_H_
#define EVNET_EXAMPLES_HTTP_APP_H_

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "evnet/evnet.h"
#include "examples/http/parser.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  // Output of one connection at which it reads no further requests or body.
  HTTP_OUTBOUND_HIGH_BYTES = 256 * 1024,
  // Input of one connection that is read in one turn, and so the largest unread input.
  HTTP_READ_TURN_BYTES = 64 * 1024,
  // A request body that no resource wants is read up to this size, so that the connection can stay.
  HTTP_DISCARD_BYTES_MAX = 64 * 1024,
  // A body must bring this many bytes in each --body-timeout-ms.
  HTTP_BODY_BYTES_MIN = 1024,
  HTTP_HEAD_BYTES_MAX = 1024,  // of a response
  HTTP_GREETING_BYTES_MAX = 224,
  HTTP_GREETINGS_MAX = 16,  // that are written in one call; together less than a page
};

struct client;

// The classes of status codes: 1xx to 5xx.
enum { HTTP_CLASSES = 6 };

struct worker {
  // Its own cache lines, so that counting on one reactor does not slow another.
  _Alignas(64) struct app *app;

  // Written by the reactor's thread, read by any.
  atomic_uint_fast64_t requests;
  atomic_uint_fast64_t responses[HTTP_CLASSES];  // by the first digit of the status code
  atomic_uint_fast64_t body_bytes_received;      // of requests, without chunked coding

  time_t now_s;          // the time of `date`
  char date[30];         // as in the Date field
  size_t greeting_size;  // of one greeting
  // Responses to GET / on a connection that stays open, one after another.
  char greetings[HTTP_GREETINGS_MAX * HTTP_GREETING_BYTES_MAX];

  struct client *events;            // the first client of /events
  struct evnet_timer events_timer;  // runs while there is one
};

struct app {
  struct evnet_server *server;
  struct http_limits limits;
  long head_timeout_ms;
  long body_timeout_ms;
  int root;                // the directory of --root; -1: none
  struct worker *workers;  // EVNET_REACTORS_MAX of them
};

// The use of the current request's body.
enum http_body_use {
  HTTP_DISCARD = 0,
  HTTP_ECHO,
};

struct client {
  struct worker *worker;
  struct evnet_conn *conn;  // NULL: closed
  struct http_request request;
  struct http_body body;
  struct evnet_timer timer;  // the deadline of a head, or the end of a period of a body
  uint64_t body_bytes;       // of the current body so far
  uint64_t body_mark;        // body_bytes at the beginning of the timer's period
  struct client *events_next;
  struct client **events_link;  // the pointer to this client; NULL: not in a list
  uint8_t body_use;             // enum http_body_use
  uint8_t timed;                // enum timed of client.c
  bool in_body;                 // the head was read, the body was not
  bool begun;                   // the head of the current response was written
  bool close;                   // no further request is read; the connection closes after this one
  bool held;                    // the connection is held, because a body is not complete
  bool ended;                   // the peer has closed its sending side
  bool file_queued;             // a file is being sent; no further request is read until then
  bool stalled;                 // input stays unread until output was sent
};

// client.c: the handler's callbacks.
enum evnet_action client_on_open(struct evnet_conn *conn, void *user);
enum evnet_action client_on_data(struct evnet_conn *conn, void *user);
enum evnet_action client_on_half_close(struct evnet_conn *conn, void *user);
enum evnet_action client_on_close(struct evnet_conn *conn, int reason, void *user);
void client_on_stopping(struct evnet_conn *conn, void *user);

// client_write_file sends a range of a file after what was written. No further request is read
// until the kernel has taken it, because evnet bounds the files of a connection.
void client_write_file(struct client *client, int descriptor, int64_t offset, int64_t size);

// resource.c

// resource_is_greeting returns whether the answer to a complete head is a response of
// worker->greetings.
bool resource_is_greeting(const struct client *client, const struct http_request *request);

// resource_greet answers `count` such requests, at most HTTP_GREETINGS_MAX.
void resource_greet(struct client *client, size_t count);

// resource_answer answers the request whose head is complete, or sets client->body_use to
// HTTP_ECHO. It sets client->close if the connection cannot be used again.
//
//   head  the bytes of the head.
void resource_answer(struct client *client, const uint8_t *head);

// files.c

// files_open_root opens the directory of --root. Returns a descriptor, or -errno.
int files_open_root(const char *path);

// files_answer answers GET or HEAD with a file. Returns false, with nothing written, if the path is
// "/" and the directory has no index.html.
bool files_answer(struct client *client, const uint8_t *head);

// monitor.c

// monitor_answer_metrics answers with the counters in Prometheus's text format.
void monitor_answer_metrics(struct client *client);

// monitor_join sends events to the client from now on, once a second.
void monitor_join(struct client *client);

// monitor_leave ends that; the client may be in no list.
void monitor_leave(struct client *client);

// page.c
extern const char http_status_page[];

// Counts on the worker's thread. Others only read, so no read-modify-write is needed.
static inline void worker_add(atomic_uint_fast64_t *counter, uint64_t count) {
  atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + count,
                        memory_order_relaxed);
}

#ifdef __cplusplus
}
#endif

#endif  // EVNET_EXAMPLES_HTTP_APP_H_
