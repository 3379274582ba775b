#include "examples/http/response.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char greeting[] = "Hello, World!";

// Names of days and months do not depend on the locale.
static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void http_date_format(time_t time_s, char out[HTTP_DATE_BYTES]) {
  struct tm utc;
  if (gmtime_r(&time_s, &utc) == NULL || utc.tm_year > 9999 - 1900 || utc.tm_year < -1900) {
    time_s = 0;
    gmtime_r(&time_s, &utc);
  }
  snprintf(out, HTTP_DATE_BYTES, "%s, %02u %s %04u %02u:%02u:%02u GMT", days[utc.tm_wday],
           (unsigned)utc.tm_mday % 100, months[utc.tm_mon], (unsigned)(utc.tm_year + 1900) % 10000,
           (unsigned)utc.tm_hour % 100, (unsigned)utc.tm_min % 100, (unsigned)utc.tm_sec % 100);
}

bool http_date_parse(const char *text, size_t size, time_t *out) {
  static const char *const forms[] = {
      "%a, %d %b %Y %H:%M:%S GMT",  // IMF-fixdate
      "%A, %d-%b-%y %H:%M:%S GMT",  // RFC 850
      "%a %b %d %H:%M:%S %Y",       // asctime
  };
  char copy[64];
  if (size >= sizeof copy) return false;
  memcpy(copy, text, size);
  copy[size] = '\0';
  for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
    struct tm utc = {0};
    const char *end = strptime(copy, forms[i], &utc);
    if (end == NULL || *end != '\0') continue;
    *out = timegm(&utc);
    return true;
  }
  return false;
}

void worker_update_date(struct worker *worker) {
  // On Linux, time(2) reads a page that the kernel shares, without a system call.
  const time_t now_s = time(NULL);
  if (now_s == worker->now_s) return;
  worker->now_s = now_s;
  http_date_format(now_s, worker->date);
  worker->greeting_size = (size_t)snprintf(worker->greetings, HTTP_GREETING_BYTES_MAX,
                                           "HTTP/1.1 200 OK\r\n"
                                           "Date: %s\r\n"
                                           "Server: evnet\r\n"
                                           "Content-Type: text/plain; charset=utf-8\r\n"
                                           "Content-Length: %zu\r\n"
                                           "\r\n"
                                           "%s",
                                           worker->date, sizeof greeting - 1, greeting);
  for (size_t i = 1; i < HTTP_GREETINGS_MAX; i++)
    memcpy(worker->greetings + i * worker->greeting_size, worker->greetings, worker->greeting_size);
}

// RFC 9110 section 15.
static const char *reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 431:
      return "Request Header Fields Too Large";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Internal Server Error";
  }
}

void response_begin(struct response *response, struct client *client, int status) {
  struct worker *worker = client->worker;
  const struct http_request *request = &client->request;
  worker_update_date(worker);
  worker_add(&worker->responses[status / 100 % HTTP_CLASSES], 1);
  response->client = client;
  response->size = 0;
  response_add(response, "HTTP/1.1 %d %s\r\nDate: %s\r\nServer: evnet\r\n", status,
               reason_of(status), worker->date);
  if (client->close) {
    response_add(response, "Connection: close\r\n");
  } else if (request->minor == 0) {
    response_add(response, "Connection: keep-alive\r\n");
  }
}

void response_add(struct response *response, const char *format, ...) {
  const size_t room = sizeof response->text - response->size;
  va_list arguments;
  va_start(arguments, format);
  const int size = vsnprintf(response->text + response->size, room, format, arguments);
  va_end(arguments);
  // Every text that is passed here is bounded. A line that did not fit would be left out whole.
  if (size > 0 && (size_t)size < room) response->size += (size_t)size;
}

void response_end(struct response *response, const void *body, size_t size) {
  response_add(response, "\r\n");
  const struct iovec pieces[] = {
      {.iov_base = response->text, .iov_len = response->size},
      {.iov_base = (void *)(uintptr_t)body, .iov_len = size},
  };
  // A write only fails if the connection is closing, and then its on_close follows.
  if (evnet_conn_writev(response->client->conn, pieces, 2) < 0) response->client->close = true;
  response->client->begun = true;
}

void response_send(struct client *client, int status, const char *media_type, const char *body,
                   size_t size) {
  struct response response;
  response_begin(&response, client, status);
  response_add(&response, "Content-Type: %s\r\nContent-Length: %zu\r\n", media_type, size);
  response_end(&response, body, client->request.method == HTTP_HEAD ? 0 : size);
}

void response_send_error(struct client *client, int status, const char *extra_fields) {
  struct response response;
  char body[64];
  const int size = snprintf(body, sizeof body, "%d %s\n", status, reason_of(status));
  response_begin(&response, client, status);
  response_add(&response, "%s", extra_fields);
  response_add(&response, "Content-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n",
               size);
  response_end(&response, body, client->request.method == HTTP_HEAD ? 0 : (size_t)size);
}
