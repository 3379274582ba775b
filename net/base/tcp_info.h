// What the kernel knows of a TCP connection.
#ifndef EVNET_NET_BASE_TCP_INFO_H_
#define EVNET_NET_BASE_TCP_INFO_H_

#include <stdint.h>

// RFC 9293 section 3.3.2; the numbers are those of the BSDs.
enum evnet_tcp_state {
  EVNET_TCP_CLOSED = 0,  // also: reset, or given up
  EVNET_TCP_LISTEN = 1,
  EVNET_TCP_SYN_SENT = 2,
  EVNET_TCP_SYN_RECEIVED = 3,
  EVNET_TCP_ESTABLISHED = 4,
  EVNET_TCP_CLOSE_WAIT = 5,  // the peer's end has come, ours is still open
  EVNET_TCP_FIN_WAIT_1 = 6,
  EVNET_TCP_CLOSING = 7,
  EVNET_TCP_LAST_ACK = 8,
  EVNET_TCP_FIN_WAIT_2 = 9,  // our end has been acknowledged, the peer's is still to come
  EVNET_TCP_TIME_WAIT = 10,
};

// A moment's picture. What the system does not tell is 0; where only some do, they are named.
struct evnet_tcp_info {
  enum evnet_tcp_state state;
  uint32_t rtt_us;           // smoothed round-trip time; macOS: in steps of 1,000
  uint32_t rtt_variance_us;  // likewise
  uint32_t rtt_min_us;       // Linux: the least seen within five minutes
  uint32_t retransmit_timeout_us;
  uint32_t timeouts_in_a_row;      // Linux: of that timeout since the last acknowledgement
  uint64_t retransmitted_packets;  // since the connection was made
  uint32_t segment_bytes_max;      // what is sent at most in one
  uint64_t congestion_window_bytes;
  uint64_t slow_start_threshold_bytes;  // UINT64_MAX: nothing was lost yet
  uint64_t unacknowledged_bytes;  // that the kernel has taken and the peer has not acknowledged,
                                  // sent or not: ss(8)'s Send-Q, in which our end counts as one
  uint64_t unsent_bytes;          // Linux: of these, those never sent yet
  uint64_t acknowledged_bytes;    // Linux: by the peer since the connection was made
  uint64_t received_bytes;        // Linux and macOS: from the peer since then
  uint64_t delivery_rate_bytes_per_s;  // Linux: how fast the peer has acknowledged of late
};

#endif  // EVNET_NET_BASE_TCP_INFO_H_
