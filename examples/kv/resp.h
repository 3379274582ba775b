// A parser of RESP2 requests, in the array form and in the inline form. It does no I/O and does not
// use evnet.
//
//   *2\r\n$3\r\nGET\r\n$1\r\nk\r\n   -->  {"GET", "k"}
//   GET "k"\r\n                      -->  {"GET", "k"}
//
// It is incremental: any division of the same bytes into calls gives the same result, and reads no
// byte of an argument twice. It accepts, rejects and words its errors as redis-server 7.0 does. It
// allocates only for a request of more than RESP_ARGS_FEW arguments and for an inline request.
#ifndef EVNET_EXAMPLES_KV_RESP_H_
#define EVNET_EXAMPLES_KV_RESP_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  RESP_ARGS_FEW = 8,
  RESP_LINE_BYTES_MAX = 64 * 1024,  // of an inline request, and of the text of a length
  RESP_ERROR_BYTES_MAX = 64,        // of an error message, with its terminating NUL
};

// Limits. resp_limits_default has those of redis-server 7.0.
struct resp_limits {
  int64_t args_max;        // of a request in the array form
  int64_t bulk_bytes_max;  // of one argument in the array form: proto-max-bulk-len
};

extern const struct resp_limits resp_limits_default;

enum resp_error {
  RESP_NO_MEMORY = -1,
  RESP_TOO_BIG_INLINE = -2,
  RESP_UNBALANCED_QUOTES = -3,
  RESP_TOO_BIG_COUNT = -4,    // the line of the number of arguments does not end
  RESP_INVALID_COUNT = -5,    // it is not a number, or above args_max
  RESP_TOO_BIG_LENGTH = -6,   // the line of an argument's length does not end
  RESP_EXPECTED_DOLLAR = -7,  // an argument does not begin with '$'
  RESP_INVALID_LENGTH = -8,   // its length is not a number, below 0 or above bulk_bytes_max
};

// An argument of a complete request. It may contain any byte, and no NUL ends it.
struct resp_arg {
  const char *data;
  size_t size;
};

// A request. All zero is the state before the first byte. The public fields are valid from the call
// that returns a size to the next call, and as long as the caller's bytes are.
struct resp_request {
  const struct resp_arg *args;
  size_t args_count;  // 0: an empty request, which gets no reply

  // The parser's.
  struct resp_arg few[RESP_ARGS_FEW];  // until the request is complete, `data` is an offset
  struct resp_arg *many;               // NULL: the arguments are in `few`
  size_t args_capacity;                // of `many`
  char *text;                          // the arguments of an inline request, without their quotes
  int64_t args_left;                   // arguments that have not been read
  int64_t bulk_size;                   // of the argument that is being read, if state says so
  size_t at;                           // bytes that need not be read again
  size_t line;                         // the offset of the line that is being read
  uint8_t state;
  char unexpected;  // the byte in the place of '$'
};

// resp_parse reads one request.
//
//   request  all zero before the first call of a connection. After a complete request, the next
//            call begins the next one.
//   limits   the same in all calls for a request.
//   data     `size` bytes: all bytes since the first of the request, also those of earlier calls.
//            They may have moved. Bytes after the request are ignored.
//
// Returns: the size of the request, above 0: it is complete.
//          0: it is not complete; call again with more bytes.
// Errors:  an enum resp_error. The framing is lost: the caller writes the message of
//          resp_error_message and closes the connection.
ssize_t resp_parse(struct resp_request *request, const struct resp_limits *limits, const void *data,
                   size_t size);

// resp_error_message writes the message of an error that resp_parse returned, without '-' and CRLF,
// such as "ERR Protocol error: invalid bulk length".
//
//   out  the message, which ends with NUL.
void resp_error_message(const struct resp_request *request, enum resp_error error,
                        char out[RESP_ERROR_BYTES_MAX]);

// resp_deinit frees the request's memory and makes it all zero.
void resp_deinit(struct resp_request *request);

// resp_parse_number parses a decimal 64-bit integer as Redis does: an optional '-' and digits,
// without a leading zero, a plus sign or whitespace.
//
// Returns: 0, or -1 if the text is anything else, with *out unchanged.
int resp_parse_number(const char *text, size_t size, int64_t *out);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_EXAMPLES_KV_RESP_H_
