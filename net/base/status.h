// Status codes: what every evnet function returns and every close gives as its reason.
//
// 0 or a positive number is good; -1 to -4095 is a negated errno; below -4096 are evnet's own
// codes. One int carries all three, so a status can be passed up unchanged and printed by one
// function.
#ifndef EVNET_NET_BASE_STATUS_H_
#define EVNET_NET_BASE_STATUS_H_

#if defined(__GNUC__)
#define EVNET_WARN_UNUSED __attribute__((warn_unused_result))
#define EVNET_PRINTF(format_index, first_index) \
  __attribute__((format(printf, format_index, first_index)))
#else
#define EVNET_WARN_UNUSED
#define EVNET_PRINTF(format_index, first_index)
#endif

// What the facade exports; everything else is compiled with -fvisibility=hidden.
#if defined(__GNUC__)
#define EVNET_API __attribute__((visibility("default")))
#else
#define EVNET_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

// Why a connection closed, when no errno says it. on_close gets one of these or a negated errno.
enum evnet_reason {
  EVNET_REASON_PEER = -4097,      // the peer shut down its side, all was delivered
  EVNET_REASON_LOCAL = -4098,     // EVNET_CLOSE or evnet_conn_close
  EVNET_REASON_ABORTED = -4099,   // evnet_conn_abort
  EVNET_REASON_SHUTDOWN = -4100,  // the server stopped and the connection had nothing more to do
  EVNET_REASON_DRAIN_DEADLINE = -4101,     // the server stopped and the deadline came first
  EVNET_REASON_IDLE_TIMEOUT = -4102,       // no byte either way for idle_timeout_ms
  EVNET_REASON_READ_TIMEOUT = -4103,       // no byte in while reading for read_timeout_ms
  EVNET_REASON_WRITE_TIMEOUT = -4104,      // the kernel took no byte for write_timeout_ms
  EVNET_REASON_LIFETIME = -4105,           // open for lifetime_ms
  EVNET_REASON_INBOUND_OVERFLOW = -4106,   // inbound_bytes_max stand unread
  EVNET_REASON_OUTBOUND_OVERFLOW = -4107,  // a write would exceed outbound_bytes_max
  EVNET_REASON_HIGH_WATER = -4108,  // the high mark was crossed and the action is EVNET_HIGH_CLOSE
  EVNET_REASON_FILE_SHORT = -4109,  // evnet_conn_sendfile: the file ends before the range does
};

// Refusals that no errno names well.
enum evnet_status {
  EVNET_STATUS_ADDRESS = -4201,  // an address that does not parse or resolve; the log names it
  EVNET_STATUS_OPTION = -4202,   // an option out of its range; the log names it and its value
};

// evnet_status_name gives a code as its identifier: "ECONNRESET", "EVNET_REASON_PEER".
//
// Returns: a constant string, never NULL; "OK" from 0 up, "UNKNOWN" for what is not in the table.
// Thread:  any.
EVNET_API const char *evnet_status_name(int status);

// evnet_status_message gives a code as a short phrase for logs: "connection reset by peer".
//
// Returns: a constant string, never NULL, without a full stop.
// Thread:  any.
EVNET_API const char *evnet_status_message(int status);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_BASE_STATUS_H_
