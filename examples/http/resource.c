// The resources of the server: which methods each has, and its answer.
#include <string.h>

#include "examples/http/app.h"
#include "examples/http/response.h"

static const char read_only[] = "Allow: GET, HEAD, OPTIONS\r\n";

static void answer_hello(struct client *client) {
  static const char body[] = "Hello, World!";
  response_send(client, 200, "text/plain; charset=utf-8", body, sizeof body - 1);
}

static void answer_status(struct client *client) {
  response_send(client, 200, "text/html; charset=utf-8", http_status_page,
                strlen(http_status_page));
}

static void answer_events(struct client *client) {
  struct response response;
  client->close = true;  // the stream ends with the connection
  response_begin(&response, client, 200);
  response_add(&response, "Content-Type: text/event-stream\r\nCache-Control: no-store\r\n");
  response_end(&response, NULL, 0);
  if (client->request.method == HTTP_GET) monitor_join(client);
}

static void answer_echo(struct client *client) { client->body_use = HTTP_ECHO; }

// The resources beside the files of --root.
static const struct resource {
  const char *path;
  const char *allow;
  bool posted;  // POST is its method; otherwise GET and HEAD are
  void (*answer)(struct client *client);
} resources[] = {
    {"/", read_only, false, answer_hello},
    {"/echo", "Allow: POST, OPTIONS\r\n", true, answer_echo},
    {"/metrics", read_only, false, monitor_answer_metrics},
    {"/status", read_only, false, answer_status},
    {"/events", read_only, false, answer_events},
};

static const struct resource *find(const uint8_t *head, struct http_span path) {
  // RFC 9110 section 4.2.3: an empty path is the same as "/".
  if (path.size == 0) return &resources[0];
  for (size_t i = 0; i < sizeof resources / sizeof resources[0]; i++) {
    const char *known = resources[i].path;
    if (strlen(known) == path.size && memcmp(known, head + path.offset, path.size) == 0)
      return &resources[i];
  }
  return NULL;
}

static void answer_options(struct client *client, const char *allow) {
  struct response response;
  response_begin(&response, client, 204);
  response_add(&response, "%s", allow);
  response_end(&response, NULL, 0);
}

static bool is_read(const struct http_request *request) {
  return request->method == HTTP_GET || request->method == HTTP_HEAD;
}

// Returns whether a body that the resource does not want ends the connection. A client that waits
// for 100 (Continue) may or may not send it after another status, so its end would be unknown.
static bool body_closes(const struct http_request *request) {
  return request->expect_continue ||
         (request->framing == HTTP_BODY_LENGTH && request->content_length > HTTP_DISCARD_BYTES_MAX);
}

bool resource_is_greeting(const struct client *client, const struct http_request *request) {
  return request->method == HTTP_GET && request->path.size == 1 && request->minor > 0 &&
         request->keep_alive && request->framing == HTTP_BODY_NONE && !client->close &&
         client->worker->app->root < 0;
}

void resource_greet(struct client *client, size_t count) {
  struct worker *worker = client->worker;
  worker_add(&worker->responses[2], count);
  if (evnet_conn_write(client->conn, worker->greetings, count * worker->greeting_size) < 0)
    client->close = true;
}

void resource_answer(struct client *client, const uint8_t *head) {
  const struct http_request *request = &client->request;
  const int root = client->worker->app->root;
  if (resource_is_greeting(client, request)) {
    resource_greet(client, 1);
    return;
  }
  const struct resource *resource = find(head, request->path);
  const bool is_post = request->method == HTTP_POST;
  const bool echoes = resource != NULL && resource->posted && is_post;
  if (!echoes && body_closes(request)) client->close = true;
  if (request->form == HTTP_FORM_ASTERISK) {
    answer_options(client, "Allow: GET, HEAD, POST, OPTIONS\r\n");
  } else if (request->method == HTTP_METHOD_UNKNOWN) {
    response_send_error(client, 501, "");
  } else if (request->form == HTTP_FORM_AUTHORITY) {
    client->close = true;  // RFC 9110 section 9.3.6: what follows CONNECT is not HTTP
    response_send_error(client, 405, "Allow: GET, HEAD, POST, OPTIONS\r\n");
  } else if (resource == NULL && root < 0) {
    response_send_error(client, 404, "");
  } else if (request->method == HTTP_OPTIONS) {
    answer_options(client, resource != NULL ? resource->allow : read_only);
  } else if (resource != NULL && resource->posted ? !is_post : !is_read(request)) {
    response_send_error(client, 405, resource != NULL ? resource->allow : read_only);
  } else if (resource != NULL && resource != &resources[0]) {
    resource->answer(client);
  } else if (root < 0 || !files_answer(client, head)) {
    answer_hello(client);
  }
}
