// Files of --root. Opening, reading and sending block the reactor while the disk is busy, so this
// is for files that the page cache holds.
//
// No name leads out of the directory: each component of the path is opened relative to the one
// before, without following a symbolic link, and ".." is not a component.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "examples/http/app.h"
#include "examples/http/file_time.h"
#include "examples/http/response.h"

enum {
  // evnet copies files of up to this size, because read(2) and a write cost less than sendfile(2).
  COPY_BYTES_MAX = 64 * 1024,
  TAG_BYTES = 64,
};

// A file that was found.
struct file {
  int descriptor;
  int64_t size;
  time_t modified_s;
  const char *media_type;
  char tag[TAG_BYTES];  // its entity tag, with quotation marks
  char modified[HTTP_DATE_BYTES];
};

// A range of a file.
struct range {
  int64_t offset;
  int64_t size;
};

int files_open_root(const char *path) {
  const int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return descriptor < 0 ? -errno : descriptor;
}

// Names

static int hex_digit(uint8_t byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  return byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : -1;
}

// Decodes a path and ends it with a 0 byte. Returns 0, or the status of the error. An encoded slash
// is an error, because it would be a part of a name.
static int decode(const uint8_t *path, size_t size, char out[PATH_MAX]) {
  size_t used = 0;
  for (size_t i = 0; i < size; i++) {
    uint8_t byte = path[i];
    if (byte == '%') {
      const int high = i + 1 < size ? hex_digit(path[i + 1]) : -1;
      const int low = i + 2 < size ? hex_digit(path[i + 2]) : -1;
      if (high < 0 || low < 0) return 400;
      byte = (uint8_t)(high << 4 | low);
      if (byte == '\0') return 400;
      if (byte == '/') return 404;
      i += 2;
    }
    if (used == PATH_MAX - 1) return 414;
    out[used++] = (char)byte;
  }
  out[used] = '\0';
  return 0;
}

// Opens what a path names, component by component. Returns a descriptor, or -errno. Empty
// components and "." name the directory itself.
static int open_path(int root, char *path) {
  int directory = root;
  char *rest = path;
  for (;;) {
    while (*rest == '/') rest++;
    char *name = rest;
    rest += strcspn(rest, "/");
    const bool last = rest[strspn(rest, "/")] == '\0';
    if (*rest == '/') *rest++ = '\0';
    const bool leaves = strcmp(name, "..") == 0;
    // O_NONBLOCK: opening a FIFO does not wait for its writer.
    const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    const int next =
        leaves ? -1
               : openat(directory, *name == '\0' ? "." : name, last ? flags : flags | O_DIRECTORY);
    const int error = leaves ? ENOENT : errno;
    if (directory != root) close(directory);
    if (next < 0) return -error;
    if (last) return next;
    directory = next;
  }
}

static const char *media_type_of(const char *path) {
  static const struct {
    const char *suffix, *type;
  } types[] = {
      {"html", "text/html; charset=utf-8"},
      {"htm", "text/html; charset=utf-8"},
      {"css", "text/css; charset=utf-8"},
      {"js", "text/javascript; charset=utf-8"},
      {"mjs", "text/javascript; charset=utf-8"},
      {"json", "application/json"},
      {"txt", "text/plain; charset=utf-8"},
      {"md", "text/markdown; charset=utf-8"},
      {"csv", "text/csv; charset=utf-8"},
      {"xml", "application/xml"},
      {"svg", "image/svg+xml"},
      {"png", "image/png"},
      {"jpg", "image/jpeg"},
      {"jpeg", "image/jpeg"},
      {"gif", "image/gif"},
      {"webp", "image/webp"},
      {"avif", "image/avif"},
      {"ico", "image/vnd.microsoft.icon"},
      {"mp3", "audio/mpeg"},
      {"mp4", "video/mp4"},
      {"webm", "video/webm"},
      {"woff2", "font/woff2"},
      {"wasm", "application/wasm"},
      {"pdf", "application/pdf"},
      {"gz", "application/gzip"},
      {"zip", "application/zip"},
  };
  const char *dot = strrchr(path, '.');
  for (size_t i = 0; dot != NULL && i < sizeof types / sizeof types[0]; i++) {
    if (strcasecmp(dot + 1, types[i].suffix) == 0) return types[i].type;
  }
  return "application/octet-stream";
}

static void describe(const struct worker *worker, const struct stat *facts, struct file *file) {
  const struct timespec modified = file_time_modified(facts);
  file->size = facts->st_size;
  file->modified_s = modified.tv_sec;
  // RFC 9110 section 8.8.2.1: Last-Modified is not later than Date.
  const time_t modified_s = modified.tv_sec < worker->now_s ? modified.tv_sec : worker->now_s;
  snprintf(file->tag, sizeof file->tag, "\"%llx-%llx-%llx\"", (unsigned long long)modified.tv_sec,
           (unsigned long long)modified.tv_nsec, (unsigned long long)facts->st_size);
  http_date_format(modified_s, file->modified);
}

// Opens the file that a decoded path names. Returns 0, or a status: 301 for a directory whose path
// does not end with a slash.
static int find(struct worker *worker, char path[PATH_MAX], struct file *out) {
  struct stat facts;
  const size_t size = strlen(path);
  const bool is_directory = path[size - 1] == '/';
  if (is_directory) {
    if (size + sizeof "index.html" > PATH_MAX) return 414;
    memcpy(path + size, "index.html", sizeof "index.html");
  }
  *out = (struct file){.media_type = media_type_of(path)};
  out->descriptor = open_path(worker->app->root, path);
  if (out->descriptor == -EMFILE || out->descriptor == -ENFILE) return 503;
  if (out->descriptor < 0) return 404;
  const bool known = fstat(out->descriptor, &facts) == 0;
  if (!known || !S_ISREG(facts.st_mode)) {
    close(out->descriptor);
    return known && S_ISDIR(facts.st_mode) && !is_directory ? 301 : 404;
  }
  describe(worker, &facts, out);
  return 0;
}

// Conditions and ranges

static const char *text_of(const uint8_t *head, struct http_span span) {
  return (const char *)head + span.offset;
}

// Compares a list of entity tags with the file's, weakly (RFC 9110 section 8.8.3.2).
static bool has_tag(const struct file *file, const char *list, size_t size) {
  const size_t tag_size = strlen(file->tag);
  if (size == 1 && *list == '*') return true;
  for (size_t at = 0; at + tag_size <= size; at++) {
    // A tag has no quotation mark inside, so each one found is a whole one.
    if (memcmp(list + at, file->tag, tag_size) == 0) return true;
  }
  return false;
}

// RFC 9110 section 13.2.2, for a server whose resources are only read.
static bool is_unmodified(const struct file *file, const struct http_request *request,
                          const uint8_t *head) {
  const struct http_span tags = request->fields[HTTP_IF_NONE_MATCH];
  const struct http_span since = request->fields[HTTP_IF_MODIFIED_SINCE];
  time_t since_s;
  if (tags.size > 0) return has_tag(file, text_of(head, tags), tags.size);
  return since.size > 0 && http_date_parse(text_of(head, since), since.size, &since_s) &&
         file->modified_s <= since_s;
}

// Whether If-Range permits a range: the file is the one that the client has a part of.
static bool permits_range(const struct file *file, const struct http_request *request,
                          const uint8_t *head) {
  const struct http_span value = request->fields[HTTP_IF_RANGE];
  const char *text = text_of(head, value);
  if (value.size == 0) return true;
  const char *own = *text == '"' ? file->tag : file->modified;
  return strlen(own) == value.size && memcmp(own, text, value.size) == 0;
}

// Reads digits. Returns false if there are none. A number that does not fit is the largest one.
static bool take_number(const char **text, const char *end, int64_t *out) {
  const char *begin = *text;
  for (*out = 0; *text < end && **text >= '0' && **text <= '9'; ++*text) {
    const int digit = **text - '0';
    *out = *out > (INT64_MAX - digit) / 10 ? INT64_MAX : *out * 10 + digit;
  }
  return *text > begin;
}

// Reads the Range field (RFC 9110 section 14.1.2). Returns 206; 416 if no byte of the file is in the
// range; 200 if the field is to be ignored: it is invalid, or has several ranges.
static int read_range(const char *text, size_t size, int64_t file_size, struct range *out) {
  const char *end = text + size;
  int64_t first = 0, last = INT64_MAX;
  if (size < 6 || strncasecmp(text, "bytes=", 6) != 0) return 200;
  text += 6;
  const bool has_first = take_number(&text, end, &first);
  if (text == end || *text++ != '-') return 200;
  const bool has_last = take_number(&text, end, &last);
  if (text != end || (!has_first && !has_last)) return 200;
  if (!has_first) {  // the last bytes
    first = last < file_size ? file_size - last : 0;
    if (last == 0) return 416;
    last = INT64_MAX;
  } else if (!has_last) {
    last = INT64_MAX;
  } else if (last < first) {
    return 200;
  }
  if (first >= file_size) return 416;
  if (last >= file_size) last = file_size - 1;
  *out = (struct range){.offset = first, .size = last - first + 1};
  return 206;
}

// Responses

// Sends a small range as a copy. Returns false if the file has shrunk.
static bool send_copy(struct response *response, const struct file *file, struct range range) {
  static _Thread_local char copy[COPY_BYTES_MAX];
  size_t used = 0;
  while (used < (size_t)range.size) {
    const ssize_t got = pread(file->descriptor, copy + used, (size_t)range.size - used,
                              range.offset + (int64_t)used);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    used += (size_t)got;
  }
  response_end(response, copy, used);
  return true;
}

static void send_file(struct client *client, const struct file *file, int status,
                      struct range range) {
  struct response response;
  response_begin(&response, client, status);
  response_add(&response,
               "ETag: %s\r\nLast-Modified: %s\r\nAccept-Ranges: bytes\r\n"
               "X-Content-Type-Options: nosniff\r\n",
               file->tag, file->modified);
  if (status != 304) {
    response_add(&response, "Content-Type: %s\r\nContent-Length: %lld\r\n", file->media_type,
                 (long long)range.size);
  }
  if (status == 206) {
    response_add(&response, "Content-Range: bytes %lld-%lld/%lld\r\n", (long long)range.offset,
                 (long long)(range.offset + range.size - 1), (long long)file->size);
  }
  if (status == 304 || client->request.method == HTTP_HEAD || range.size == 0) {
    response_end(&response, NULL, 0);
  } else if (range.size > COPY_BYTES_MAX) {
    response_end(&response, NULL, 0);
    client_write_file(client, file->descriptor, range.offset, range.size);
  } else if (!send_copy(&response, file, range)) {
    response_end(&response, NULL, 0);
    client->close = true;  // the client sees that bytes are missing
  }
}

static void answer_file(struct client *client, const uint8_t *head, struct file *file) {
  const struct http_request *request = &client->request;
  struct range range = {.offset = 0, .size = file->size};
  int status = 200;
  if (is_unmodified(file, request, head)) {
    send_file(client, file, 304, range);
    return;
  }
  const struct http_span value = request->fields[HTTP_RANGE];
  if (value.size > 0 && request->method == HTTP_GET && permits_range(file, request, head))
    status = read_range(text_of(head, value), value.size, file->size, &range);
  if (status == 416) {
    char fields[64];
    snprintf(fields, sizeof fields, "Content-Range: bytes */%lld\r\n", (long long)file->size);
    response_send_error(client, 416, fields);
    return;
  }
  send_file(client, file, status, range);
}

// Sends a client from the path of a directory to the path with a slash at its end.
static void redirect(struct client *client, const uint8_t *head) {
  const struct http_span path = client->request.path;
  char location[512];
  // "//host" would be the name of another server.
  const bool is_safe = path.size < sizeof location - 32 && head[path.offset + 1] != '/';
  snprintf(location, sizeof location, "Location: %.*s/\r\n", (int)path.size,
           is_safe ? text_of(head, path) : "");
  response_send_error(client, is_safe ? 301 : 404, is_safe ? location : "");
}

bool files_answer(struct client *client, const uint8_t *head) {
  const struct http_span span = client->request.path;
  char path[PATH_MAX] = "/";
  struct file file = {.descriptor = -1};
  int status = 0;
  if (span.size > 0) status = decode(head + span.offset, span.size, path);
  const bool is_root = status == 0 && strcmp(path, "/") == 0;
  if (status == 0) status = find(client->worker, path, &file);
  if (status == 404 && is_root) return false;
  if (status == 301) {
    redirect(client, head);
  } else if (status != 0) {
    response_send_error(client, status, "");
  } else {
    answer_file(client, head, &file);
    close(file.descriptor);
  }
  return true;
}
