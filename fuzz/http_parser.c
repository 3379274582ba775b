// Parses a stream of HTTP requests in one piece and in parts, and aborts if the results differ, if
// a result breaks the contract of examples/http/parser.h, or if it contradicts a second, simple
// reading of the head.
//
// Input: four bytes of limits, a byte that seeds the sizes of the parts, then the stream.
// http_parser_seeds.py writes inputs by name.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "examples/http/parser.h"

enum { HEADER_BYTES = 5 };

#define CHECK(expression) ((expression) ? (void)0 : check_failed(#expression, __LINE__))

static void check_failed(const char *expression, int line) {
  fprintf(stderr, "http_parser.c:%d: not true: %s\n", line, expression);
  abort();
}

// Everything that a caller learns from a stream, as a hash, so that two readings can be compared.
struct reading {
  struct http_limits limits;
  struct http_request request;
  struct http_body body;
  bool in_body;
  int status;           // of the error that ended the stream
  size_t requests;      // complete ones
  uint64_t body_bytes;  // of the current request
  uint64_t hash;
};

static void add(struct reading *reading, const void *data, size_t size) {
  const uint8_t *bytes = data;
  for (size_t i = 0; i < size; i++) reading->hash = (reading->hash ^ bytes[i]) * 0x100000001b3;
}

static void add_span(struct reading *reading, const uint8_t *head, size_t size,
                     struct http_span span) {
  CHECK(span.offset <= size && span.size <= size - span.offset);
  add(reading, &span.size, sizeof span.size);
  add(reading, head + span.offset, span.size);
}

// A second reading of the framing: searches the complete head for the lines that decide it. The
// head is valid, so each line ends with CRLF and has a colon.
static void check_framing(const struct http_request *request, const uint8_t *head, size_t size) {
  size_t lengths = 0, codings = 0, hosts = 0, lines = 0;
  for (size_t at = 0; at + 1 < size; at++) {
    // Every control character is a part of a CRLF, or a tab.
    CHECK(head[at] >= ' ' || head[at] == '\t' || head[at] == '\r' || head[at] == '\n');
    CHECK((head[at] == '\r') == (head[at + 1] == '\n'));
    if (head[at] != '\n') continue;
    const char *line = (const char *)head + at + 1;
    const size_t left = size - at - 1;
    CHECK(*line != ' ' && *line != '\t');
    lines++;
    lengths += left > 15 && strncasecmp(line, "content-length:", 15) == 0;
    codings += left > 18 && strncasecmp(line, "transfer-encoding:", 18) == 0;
    hosts += left > 5 && strncasecmp(line, "host:", 5) == 0;
  }
  CHECK(lines >= 2 || size > 0);
  CHECK(hosts <= 1 && (hosts == 1 || request->minor == 0));
  CHECK(lengths == (request->framing == HTTP_BODY_LENGTH ? 1u : 0u));
  CHECK((codings > 0) == (request->framing == HTTP_BODY_CHUNKED));
}

static size_t read_head(struct reading *reading, const uint8_t *data, size_t size) {
  const int result = http_request_parse(&reading->request, &reading->limits, data, size);
  CHECK(result <= (int)size);
  if (result <= 0) {
    reading->status = result;
    return 0;
  }
  const struct http_request *request = &reading->request;
  const size_t head_size = (size_t)result;
  CHECK(head_size >= 4 && memcmp(data + head_size - 4, "\r\n\r\n", 4) == 0);
  check_framing(request, data, head_size);
  const struct http_span spans[] = {request->method_name, request->target, request->authority,
                                    request->path, request->query};
  for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++)
    add_span(reading, data, head_size, spans[i]);
  for (size_t i = 0; i < HTTP_FIELD_COUNT; i++)
    add_span(reading, data, head_size, request->fields[i]);
  const uint8_t facts[] = {request->method, request->form,       request->framing,
                           request->minor,  request->keep_alive, request->expect_continue};
  add(reading, facts, sizeof facts);
  add(reading, &request->content_length, sizeof request->content_length);
  struct http_span name, value;
  size_t count = 0;
  for (uint32_t at = 0; http_request_field(request, data, &at, &name, &value); count++) {
    CHECK(name.size > 0);
    add_span(reading, data, head_size, name);
    add_span(reading, data, head_size, value);
  }
  CHECK(count <= reading->limits.fields_max);
  http_body_init(&reading->body, request);
  reading->in_body = true;
  reading->body_bytes = 0;
  return head_size;
}

static size_t read_body(struct reading *reading, const uint8_t *data, size_t size) {
  size_t consumed = 0, piece_size = 0;
  const uint8_t *piece = NULL;
  const int event =
      http_body_parse(&reading->body, &reading->limits, data, size, &consumed, &piece, &piece_size);
  CHECK(consumed <= size);
  if (event == HTTP_BODY_PIECE) {
    CHECK(piece_size > 0 && piece >= data && piece + piece_size <= data + consumed);
    reading->body_bytes += piece_size;
    CHECK(reading->body_bytes <= reading->limits.body_bytes_max);
    add(reading, piece, piece_size);
  } else if (event == HTTP_BODY_END) {
    if (reading->request.framing == HTTP_BODY_LENGTH)
      CHECK(reading->body_bytes == reading->request.content_length);
    reading->in_body = false;
    reading->requests++;
    reading->request = (struct http_request){0};
  } else {
    CHECK(event < 0 || consumed == size);
    reading->status = event < 0 ? event : 0;
  }
  return consumed;
}

// Reads as far as it can. Returns the number of bytes consumed.
static size_t read_some(struct reading *reading, const uint8_t *data, size_t size) {
  size_t at = 0;
  while (reading->status == 0 && (at < size || reading->in_body)) {
    const bool in_body = reading->in_body;
    const size_t consumed = in_body ? read_body(reading, data + at, size - at)
                                    : read_head(reading, data + at, size - at);
    at += consumed;
    if (consumed == 0 && in_body == reading->in_body) break;
  }
  return at;
}

static void check_status(int status) {
  switch (status) {
    case 0:
    case -400:
    case -413:
    case -414:
    case -417:
    case -431:
    case -501:
    case -505:
      return;
    default:
      CHECK(false && "a status that the header does not list");
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < HEADER_BYTES) return 0;
  struct http_limits limits = http_limits_default;
  if (data[0] != 0) limits.request_line_bytes_max = data[0];
  if (data[1] != 0) limits.fields_bytes_max = data[1];
  if (data[2] != 0) limits.body_bytes_max = data[2];
  if (data[3] != 0) {
    limits.fields_max = data[3] & 15;
    limits.chunk_extension_bytes_max = data[3] >> 4;
  }
  uint32_t dice = data[4];
  data += HEADER_BYTES;
  size -= HEADER_BYTES;

  struct reading whole = {.limits = limits};
  const size_t consumed = read_some(&whole, data, size);
  check_status(whole.status);

  struct reading parts = {.limits = limits};
  size_t begin = 0, end = 0;
  while (end < size && parts.status == 0) {
    dice = dice * 1664525 + 1013904223;
    const size_t part = 1 + (dice >> 24) % 16;
    end = size - end < part ? size : end + part;
    // Exactly these bytes, so that AddressSanitizer finds a read beyond them.
    uint8_t *copy = malloc(end - begin);
    if (copy == NULL) abort();
    memcpy(copy, data + begin, end - begin);
    begin += read_some(&parts, copy, end - begin);
    free(copy);
  }
  CHECK(parts.status == whole.status && parts.requests == whole.requests);
  CHECK(parts.hash == whole.hash && parts.in_body == whole.in_body);
  CHECK(parts.body_bytes == whole.body_bytes);
  if (whole.status == 0) CHECK(begin == consumed);
  return 0;
}
