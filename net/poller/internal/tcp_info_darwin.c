// macOS: TCP_CONNECTION_INFO of <netinet/tcp.h>, with times in milliseconds.
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "net/poller/internal/socket_system.h"

int evnet_socket_system_tcp_info(int descriptor, struct evnet_tcp_info *out_info) {
  struct tcp_connection_info info = {0};
  socklen_t size = sizeof info;
  if (getsockopt(descriptor, IPPROTO_TCP, TCP_CONNECTION_INFO, &info, &size) != 0) return -errno;
  // The kernel's initial threshold, until the first loss: TCP_MAXWIN << TCP_MAX_WINSHIFT, which is
  // 65,535 << 14.
  const uint32_t no_threshold = (uint32_t)65535 << 14;
  *out_info = (struct evnet_tcp_info){
      .state = (enum evnet_tcp_state)info.tcpi_state,  // TCPS_* of <netinet/tcp_fsm.h>
      .rtt_us = info.tcpi_srtt * 1000,
      .rtt_variance_us = info.tcpi_rttvar * 1000,
      .retransmit_timeout_us = info.tcpi_rto * 1000,
      .retransmitted_packets = info.tcpi_txretransmitpackets,
      .segment_bytes_max = info.tcpi_maxseg,
      .congestion_window_bytes = info.tcpi_snd_cwnd,
      .slow_start_threshold_bytes =
          info.tcpi_snd_ssthresh >= no_threshold ? UINT64_MAX : info.tcpi_snd_ssthresh,
      .unacknowledged_bytes = info.tcpi_snd_sbbytes,
      .received_bytes = info.tcpi_rxbytes,
  };
  return 0;
}

int64_t evnet_socket_system_unacked_bytes(int descriptor) {
  struct evnet_tcp_info info;
  int status = evnet_socket_system_tcp_info(descriptor, &info);
  return status < 0 ? status : (int64_t)info.unacknowledged_bytes;
}
