// TCP_INFO (tcp(7)). New kernels append fields to its struct; fields that the running kernel does
// not have stay 0. Only fields of Linux 4.9 are used, so that older headers suffice.
#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "net/poller/internal/socket_system.h"

// Translates the states of the kernel's include/net/tcp_states.h.
static enum evnet_tcp_state state_of(unsigned state) {
  static const enum evnet_tcp_state states[] = {
      [1] = EVNET_TCP_ESTABLISHED, [2] = EVNET_TCP_SYN_SENT,   [3] = EVNET_TCP_SYN_RECEIVED,
      [4] = EVNET_TCP_FIN_WAIT_1,  [5] = EVNET_TCP_FIN_WAIT_2, [6] = EVNET_TCP_TIME_WAIT,
      [7] = EVNET_TCP_CLOSED,      [8] = EVNET_TCP_CLOSE_WAIT, [9] = EVNET_TCP_LAST_ACK,
      [10] = EVNET_TCP_LISTEN,     [11] = EVNET_TCP_CLOSING,   [12] = EVNET_TCP_SYN_RECEIVED,
  };
  return state < sizeof states / sizeof states[0] ? states[state] : EVNET_TCP_CLOSED;
}

// Windows are counted in segments. TCP_INFINITE_SSTHRESH, 0x7fffffff, means no threshold.
static uint64_t threshold_of(const struct tcp_info *info) {
  if (info->tcpi_snd_ssthresh >= 0x7fffffff) return UINT64_MAX;
  return (uint64_t)info->tcpi_snd_ssthresh * info->tcpi_snd_mss;
}

int evnet_socket_system_tcp_info(int descriptor, struct evnet_tcp_info *out_info) {
  struct tcp_info info = {0};
  socklen_t size = sizeof info;
  if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return -errno;
  int queued = 0;
  // Fails with -EINVAL for a listener, which sends nothing.
  (void)ioctl(descriptor, SIOCOUTQ, &queued);
  *out_info = (struct evnet_tcp_info){
      .state = state_of(info.tcpi_state),
      .rtt_us = info.tcpi_rtt,
      .rtt_variance_us = info.tcpi_rttvar,
      // ~0 means that there is no sample.
      .rtt_min_us = info.tcpi_min_rtt == UINT32_MAX ? 0 : info.tcpi_min_rtt,
      .retransmit_timeout_us = info.tcpi_rto,
      .timeouts_in_a_row = info.tcpi_retransmits,
      .retransmitted_packets = info.tcpi_total_retrans,
      .segment_bytes_max = info.tcpi_snd_mss,
      .congestion_window_bytes = (uint64_t)info.tcpi_snd_cwnd * info.tcpi_snd_mss,
      .slow_start_threshold_bytes = threshold_of(&info),
      .unacknowledged_bytes = (uint64_t)(queued > 0 ? queued : 0),
      .unsent_bytes = info.tcpi_notsent_bytes,
      .acknowledged_bytes = info.tcpi_bytes_acked,
      .received_bytes = info.tcpi_bytes_received,
      .delivery_rate_bytes_per_s = info.tcpi_delivery_rate,
  };
  return 0;
}

int64_t evnet_socket_system_unacked_bytes(int descriptor) {
  int queued = 0;
  return ioctl(descriptor, SIOCOUTQ, &queued) == 0 ? queued : -errno;
}
