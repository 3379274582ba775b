// The resources of the program: what each request does.
//
//   GET  /        the page
//   POST /login   name=NAME: begins a session
//   GET  /notes   the user's notes, as JSON
//   POST /notes   adds the body as a note
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "examples/webapp/exchange.h"
#include "examples/webapp/page.h"
#include "examples/webapp/text.h"

static const char plain[] = "Content-Type: text/plain; charset=utf-8\r\n";
static const char json[] = "Content-Type: application/json\r\n";

static void answer_text(struct exchange *exchange, const char *status, const char *text) {
  exchange_answer(exchange, status, plain, text, strlen(text));
}

static void answer_unavailable(struct exchange *exchange) {
  static const char fields[] =
      "Content-Type: text/plain; charset=utf-8\r\nRetry-After: 1\r\nCache-Control: no-store\r\n";
  static const char text[] = "A database is not available.\n";
  exchange_answer(exchange, "503 Service Unavailable", fields, text, sizeof text - 1);
}

// Login

// Takes NAME from the body name=NAME.
static bool take_name(struct exchange *exchange) {
  static const char key[] = "name=";
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
  if (strncmp(exchange->body, key, sizeof key - 1) != 0) return false;
  const char *name = exchange->body + sizeof key - 1;
  size_t size = strspn(name, allowed);
  if (size == 0 || size > NAME_BYTES_MAX || name + size != exchange->body + exchange->body_size)
    return false;
  memcpy(exchange->name, name, size + 1);
  return true;
}

static bool make_token(char token[TOKEN_DIGITS + 1]) {
  uint8_t bytes[TOKEN_DIGITS / 2];
  if (getentropy(bytes, sizeof bytes) != 0) return false;
  for (size_t i = 0; i < sizeof bytes; i++) {
    token[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
    token[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
  }
  token[TOKEN_DIGITS] = '\0';
  return true;
}

static void on_stored(void *user, int status, const char *name) {
  (void)name;
  struct exchange *exchange = user;
  exchange->session_request = NULL;
  if (status < 0) {
    answer_unavailable(exchange);
    return;
  }
  struct text fields = {0}, content = {0};
  text_printf(&fields, "%sSet-Cookie: session=%s; Path=/; HttpOnly; SameSite=Strict\r\n", json,
              exchange->token);
  text_append(&content, "{\"name\":", 8);
  text_json(&content, exchange->name);
  text_append(&content, "}\n", 2);
  if (fields.failed || content.failed) {
    answer_unavailable(exchange);
  } else {
    text_append(&fields, "", 1);  // ends the string
    exchange_answer(exchange, "200 OK", fields.data, content.data, content.size);
  }
  text_free(&fields);
  text_free(&content);
}

static void login(struct exchange *exchange) {
  if (!take_name(exchange)) {
    answer_text(exchange, "400 Bad Request",
                "Send name=NAME, with 1 to 32 letters, digits, - or _.\n");
    return;
  }
  if (make_token(exchange->token)) {
    exchange->session_request = sessions_store(exchange->backends->sessions, exchange->token,
                                               exchange->name, on_stored, exchange);
  }
  if (exchange->session_request == NULL) answer_unavailable(exchange);
}

// Notes

static void on_listed(void *user, int status, const PGresult *rows) {
  struct exchange *exchange = user;
  exchange->note_request = NULL;
  struct text content = {0};
  if (status == 0) {
    text_append(&content, "[", 1);
    for (int row = 0; row < PQntuples(rows); row++) {
      text_printf(&content, "%s{\"id\":%s,\"text\":", row > 0 ? "," : "", PQgetvalue(rows, row, 0));
      text_json(&content, PQgetvalue(rows, row, 1));
      text_append(&content, "}", 1);
    }
    text_append(&content, "]\n", 2);
  }
  if (status < 0 || content.failed) {
    answer_unavailable(exchange);
  } else {
    exchange_answer(exchange, "200 OK", json, content.data, content.size);
  }
  text_free(&content);
}

static void on_added(void *user, int status, const PGresult *rows) {
  (void)rows;
  struct exchange *exchange = user;
  exchange->note_request = NULL;
  if (status == 0) {
    answer_text(exchange, "200 OK", "added\n");
  } else if (status == -EINVAL) {
    answer_text(exchange, "400 Bad Request", "The text is not valid UTF-8.\n");
  } else {
    answer_unavailable(exchange);
  }
}

static void on_found(void *user, int status, const char *name) {
  struct exchange *exchange = user;
  exchange->session_request = NULL;
  if (status == -ENOENT) {
    answer_text(exchange, "401 Unauthorized", "Log in first.\n");
    return;
  }
  if (status == 0) {
    struct notes *notes = exchange->backends->notes;
    exchange->note_request = exchange->request.method == HTTP_POST
                                 ? notes_add(notes, name, exchange->body, on_added, exchange)
                                 : notes_list(notes, name, on_listed, exchange);
  }
  if (exchange->note_request == NULL) answer_unavailable(exchange);
}

static void notes(struct exchange *exchange) {
  if (exchange->token[0] == '\0') {
    answer_text(exchange, "401 Unauthorized", "Log in first.\n");
    return;
  }
  // PostgreSQL's text cannot contain a 0 byte.
  bool is_post = exchange->request.method == HTTP_POST;
  if (is_post && (exchange->body_size == 0 || strlen(exchange->body) != exchange->body_size)) {
    answer_text(exchange, "400 Bad Request", "The text is empty or has a 0 byte.\n");
    return;
  }
  exchange->session_request =
      sessions_find(exchange->backends->sessions, exchange->token, on_found, exchange);
  if (exchange->session_request == NULL) answer_unavailable(exchange);
}

static void page(struct exchange *exchange) {
  static const char fields[] =
      "Content-Type: text/html; charset=utf-8\r\n"
      "Content-Security-Policy: default-src 'self'; style-src 'unsafe-inline'; "
      "script-src 'unsafe-inline'\r\n";
  exchange_answer(exchange, "200 OK", fields, page_html, page_html_size);
}

void respond(struct exchange *exchange) {
  static const struct {
    const char *path;
    bool get, post;
    void (*handle)(struct exchange *exchange);
  } routes[] = {
      {"/", true, false, page},
      {"/login", false, true, login},
      {"/notes", true, true, notes},
  };
  const int method = exchange->request.method;
  for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
    if (strcmp(exchange->path, routes[i].path) != 0) continue;
    bool is_get = method == HTTP_GET || method == HTTP_HEAD;
    if ((is_get && routes[i].get) || (method == HTTP_POST && routes[i].post)) {
      routes[i].handle(exchange);
    } else {
      exchange_answer(exchange, "405 Method Not Allowed",
                      !routes[i].get    ? "Allow: POST\r\n"
                      : !routes[i].post ? "Allow: GET, HEAD\r\n"
                                        : "Allow: GET, HEAD, POST\r\n",
                      "", 0);
    }
    return;
  }
  answer_text(exchange, "404 Not Found", "There is no such resource.\n");
}
