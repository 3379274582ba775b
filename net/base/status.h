// Status codes: the results of evnet's functions and the reasons of on_close.
//
// 0 and positive numbers are good; -1 to -4095 is a negated errno; evnet's own codes are below
// -4096. All three fit one int, so a status can be passed on unchanged and printed by one function.
// evnet's headers do not include <errno.h>. A program that compares a status with -EAGAIN or
// another errno includes it.
#ifndef EVNET_NET_BASE_STATUS_H_
#define EVNET_NET_BASE_STATUS_H_

#if defined(__SIZEOF_POINTER__) && __SIZEOF_POINTER__ < 8
#error \
    "evnet supports 64-bit systems only: it reserves address space for connections_max connections"
#endif

#if defined(__GNUC__)
// Makes the compiler warn if the result of a function is not used.
#define EVNET_WARN_UNUSED __attribute__((warn_unused_result))
// Makes the compiler check the arguments of a function against its format, as for printf(3).
#define EVNET_PRINTF(format_index, first_index) \
  __attribute__((format(printf, format_index, first_index)))
#else
#define EVNET_WARN_UNUSED
#define EVNET_PRINTF(format_index, first_index)
#endif

#if defined(__GNUC__)
// Exports a function from the library; everything else is compiled with -fvisibility=hidden.
#define EVNET_API __attribute__((visibility("default")))
#else
#define EVNET_API
#endif

// Follows a field of a struct that callers fill. In C++14 and later the field then has a default of
// zero, so that no compiler warns about an initializer that leaves the field out
// (-Wmissing-field-initializers). C needs no default.
#if defined(__cplusplus) && __cplusplus >= 201402L
#define EVNET_ZERO = {}
#else
#define EVNET_ZERO
#endif

#ifdef __cplusplus
extern "C" {
#endif

// Why a connection closed, if no errno describes it. on_close gets one of these or a negated errno.
enum evnet_reason {
  EVNET_REASON_PEER = -4097,      // the peer closed its side, and everything was delivered
  EVNET_REASON_LOCAL = -4098,     // EVNET_CLOSE or evnet_conn_close
  EVNET_REASON_ABORTED = -4099,   // evnet_conn_abort
  EVNET_REASON_SHUTDOWN = -4100,  // the server stopped and the connection had nothing left to do
  EVNET_REASON_DRAIN_DEADLINE = -4101,     // the server stopped and the deadline came first
  EVNET_REASON_IDLE_TIMEOUT = -4102,       // no byte in either direction for idle_timeout_ms
  EVNET_REASON_READ_TIMEOUT = -4103,       // no byte arrived for read_timeout_ms while reading
  EVNET_REASON_WRITE_TIMEOUT = -4104,      // the kernel took no byte for write_timeout_ms
  EVNET_REASON_LIFETIME = -4105,           // open for lifetime_ms
  EVNET_REASON_INBOUND_OVERFLOW = -4106,   // inbound_bytes_max bytes were unread
  EVNET_REASON_OUTBOUND_OVERFLOW = -4107,  // a write would have exceeded outbound_bytes_max
  EVNET_REASON_HIGH_WATER = -4108,  // output reached the high-water mark, with EVNET_HIGH_CLOSE
  EVNET_REASON_FILE_SHORT = -4109,  // evnet_conn_sendfile: the file is shorter than the range
};

// Errors that no errno describes well.
enum evnet_status {
  EVNET_STATUS_ADDRESS = -4201,  // an address is malformed or its name is unknown; the log names it
  EVNET_STATUS_OPTION = -4202,   // an option is out of bounds; the log names it and its value
  EVNET_STATUS_LOOKUP = -4203,   // no name server answered, or it failed; a later try may succeed
};

// evnet_status_name returns the identifier of a code: "ECONNRESET", "EVNET_REASON_PEER".
//
// Returns: a constant string, never NULL; "OK" from 0 up, "UNKNOWN" for an unknown code.
// Thread:  any.
EVNET_API const char *evnet_status_name(int status);

// evnet_status_message returns a short phrase for a code: "connection reset by peer".
//
// Returns: a constant string, never NULL, without a full stop.
// Thread:  any.
EVNET_API const char *evnet_status_message(int status);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_BASE_STATUS_H_
