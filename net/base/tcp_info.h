// The kernel's data on a TCP connection.
#ifndef EVNET_NET_BASE_TCP_INFO_H_
#define EVNET_NET_BASE_TCP_INFO_H_

#include <stdint.h>

// The states of RFC 9293 section 3.3.2, with the numbers of the BSDs.
enum evnet_tcp_state {
  EVNET_TCP_CLOSED = 0,  // also after a reset, or if the kernel dropped the connection
  EVNET_TCP_LISTEN = 1,
  EVNET_TCP_SYN_SENT = 2,
  EVNET_TCP_SYN_RECEIVED = 3,
  EVNET_TCP_ESTABLISHED = 4,
  EVNET_TCP_CLOSE_WAIT = 5,  // the peer has closed its side, this side is open
  EVNET_TCP_FIN_WAIT_1 = 6,
  EVNET_TCP_CLOSING = 7,
  EVNET_TCP_LAST_ACK = 8,
  EVNET_TCP_FIN_WAIT_2 = 9,  // this side is closed and acknowledged, the peer's is open
  EVNET_TCP_TIME_WAIT = 10,
};

// A snapshot of a connection. A field that the system does not report is 0; comments name the
// systems that report a field, unless all do.
struct evnet_tcp_info {
  enum evnet_tcp_state state;           // of the connection
  uint32_t rtt_us;                      // smoothed round-trip time; macOS: in steps of 1,000
  uint32_t rtt_variance_us;             // of the round-trip time; macOS: in steps of 1,000
  uint32_t rtt_min_us;                  // Linux: the minimum of the last five minutes
  uint32_t retransmit_timeout_us;       // the current one
  uint32_t timeouts_in_a_row;           // Linux: since the last acknowledgement
  uint64_t retransmitted_packets;       // since the connection was made
  uint32_t segment_bytes_max;           // of a segment that is sent
  uint64_t congestion_window_bytes;     // that may be in flight
  uint64_t slow_start_threshold_bytes;  // UINT64_MAX: nothing was lost yet

  // Taken by the kernel and not acknowledged by the peer, sent or not: the Send-Q of ss(8). A sent
  // end-of-stream counts as one.
  uint64_t unacknowledged_bytes;

  uint64_t unsent_bytes;               // Linux: those of unacknowledged_bytes that were never sent
  uint64_t acknowledged_bytes;         // Linux: since the connection was made
  uint64_t received_bytes;             // Linux and macOS: since the connection was made
  uint64_t delivery_rate_bytes_per_s;  // Linux: the recent rate of acknowledged bytes
};

#endif  // EVNET_NET_BASE_TCP_INFO_H_
