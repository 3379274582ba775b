// An HTTP/1.1 request parser (RFC 9110, RFC 9112). It allocates nothing, does no I/O and does not
// use evnet.
//
//   http_request_parse   bytes of the head --> method, target, known fields, framing of the body
//   http_body_parse      bytes after the head --> pieces of the body, chunked coding removed
//
// Both are incremental: any division of the same bytes into calls gives the same result. Both are
// strict where two servers could disagree about the end of a request (request smuggling): they
// reject what RFC 9112 lets a recipient repair. After an error the framing is unknown, so the
// caller answers with the status and closes the connection.
#ifndef EVNET_EXAMPLES_HTTP_PARSER_H_
#define EVNET_EXAMPLES_HTTP_PARSER_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Limits. http_limits_default has a value for each. The first two are below 2^30.
struct http_limits {
  uint32_t request_line_bytes_max;     // without its CRLF; above: 414
  uint32_t fields_bytes_max;           // all field lines of a head or trailer section; 431
  uint32_t fields_max;                 // number of field lines of either; above: 431
  uint32_t chunk_digits_max;           // of a chunk size, leading zeros included; above: 413
  uint32_t chunk_extension_bytes_max;  // of one chunk; above: 400
  uint64_t body_bytes_max;             // without chunked coding; above: 413
};

extern const struct http_limits http_limits_default;

// The methods of RFC 9110 section 9.3, and PATCH (RFC 5789).
enum http_method {
  HTTP_METHOD_UNKNOWN = 0,
  HTTP_GET,
  HTTP_HEAD,
  HTTP_POST,
  HTTP_PUT,
  HTTP_DELETE,
  HTTP_CONNECT,
  HTTP_OPTIONS,
  HTTP_TRACE,
  HTTP_PATCH,
};

// The forms of a request target (RFC 9112 section 3.2).
enum http_form {
  HTTP_FORM_ORIGIN = 0,  // /path?query
  HTTP_FORM_ABSOLUTE,    // http://authority/path?query
  HTTP_FORM_AUTHORITY,   // host:port, for CONNECT only
  HTTP_FORM_ASTERISK,    // *, for OPTIONS only
};

// The length of the body (RFC 9112 section 6.3).
enum http_framing {
  HTTP_BODY_NONE = 0,  // no body
  HTTP_BODY_LENGTH,    // content_length bytes
  HTTP_BODY_CHUNKED,   // chunked transfer coding
};

// Fields whose values the caller may need as text.
enum http_field {
  HTTP_HOST = 0,
  HTTP_IF_MODIFIED_SINCE,
  HTTP_IF_NONE_MATCH,
  HTTP_IF_RANGE,
  HTTP_RANGE,
  HTTP_FIELD_COUNT,
};

// A part of the head; a size of 0 is an empty or missing part.
struct http_span {
  uint32_t offset;  // from the first byte of the head
  uint32_t size;
};

// The place in a field line; the parser's.
struct http_line {
  uint32_t size;         // bytes of the line so far
  uint32_t name_size;    // valid once the colon was read
  uint32_t value_begin;  // valid once the value has begun
  uint8_t state;
};

// A request head. All zero is the state before its first byte. The public fields are valid once
// http_request_parse has returned a size.
struct http_request {
  uint64_t content_length;  // if framing is HTTP_BODY_LENGTH
  struct http_span method_name;
  struct http_span target;     // as sent
  struct http_span authority;  // of the absolute and the authority form, which override Host
  struct http_span path;       // of the origin and the absolute form; may be empty in the latter
  struct http_span query;      // after the question mark

  // Values without the whitespace around them. A field that occurs twice is left empty: the
  // response is then the one without the field. (A second Host is an error.)
  struct http_span fields[HTTP_FIELD_COUNT];

  uint8_t method;        // enum http_method
  uint8_t form;          // enum http_form
  uint8_t framing;       // enum http_framing
  uint8_t minor;         // 0: HTTP/1.0; otherwise HTTP/1.1 or a later minor version
  bool keep_alive;       // the client can send another request on the connection
  bool expect_continue;  // the client waits for 100 (Continue) before it sends the body

  // The parser's.
  uint8_t state;
  uint8_t version_size;  // bytes of the version so far
  uint16_t seen;         // a bit for each known field
  uint16_t flags;
  uint32_t at;     // bytes that need not be read again
  uint32_t begin;  // the offset of the request line, then of the first field line
  uint32_t mark;   // the offset of the token or line that is being read
  uint32_t fields_count;
  struct http_line line;
};

// http_request_parse reads a request head, up to and including its empty line.
//
//   request  all zero before the first call for a head.
//   limits   the same in all calls for a head.
//   head     `size` bytes: all bytes since the first of the head, also those of earlier calls. They
//            may have moved. Bytes after the head are ignored.
//
// Returns: the size of the head, above 0: it is complete, and the bytes after it are the body's.
//          0: the head is not complete; call again with more bytes.
// Errors:  -400 if the request is malformed or ambiguous.
//          -413 if Content-Length exceeds body_bytes_max.
//          -414, -431 if a limit is exceeded.
//          -417 if Expect has another value than 100-continue.
//          -501 if a transfer coding is unknown, or the method is longer than every known one.
//          -505 if the major version is not 1.
int http_request_parse(struct http_request *request, const struct http_limits *limits,
                       const void *head, size_t size);

// http_request_field returns the next field line of a complete head. Set *at to 0 for the first.
//
// Returns: false after the last field line.
bool http_request_field(const struct http_request *request, const void *head, uint32_t *at,
                        struct http_span *out_name, struct http_span *out_value);

// A message body. http_body_init fills it.
struct http_body {
  uint64_t left;   // bytes of the body or of the chunk that have not been read
  uint64_t total;  // bytes of the body that were returned, or belong to a chunk that was announced
  uint32_t count;  // digits of the chunk size, then bytes of the chunk extension
  uint32_t fields_count;
  uint32_t fields_bytes;
  uint8_t state;
  struct http_line line;
};

// The events that http_body_parse returns.
enum http_body_event {
  HTTP_BODY_MORE = 0,   // all bytes were consumed; call again with more
  HTTP_BODY_PIECE = 1,  // a piece of the body
  HTTP_BODY_END = 2,    // the end of the body; later calls consume nothing
};

// http_body_init prepares for the body of a complete request head.
void http_body_init(struct http_body *body, const struct http_request *request);

// http_body_parse reads the body, up to the next piece of its content. Trailer fields are checked
// and discarded (RFC 9112 section 7.1.2).
//
//   data          the `size` bytes after those of the last call that were consumed.
//   out_consumed  the number of bytes that need not be passed again.
//   out_piece     if the return value is HTTP_BODY_PIECE: the piece, a part of data.
//   out_size      its size, above 0.
//
// Returns: an enum http_body_event.
// Errors:  -400 if the chunked coding or a trailer field is malformed.
//          -413 if body_bytes_max or chunk_digits_max is exceeded.
//          -431 if the trailer section exceeds fields_bytes_max or fields_max.
int http_body_parse(struct http_body *body, const struct http_limits *limits, const void *data,
                    size_t size, size_t *out_consumed, const uint8_t **out_piece, size_t *out_size);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_EXAMPLES_HTTP_PARSER_H_
