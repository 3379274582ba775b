// FreeBSD: TCP_INFO of tcp(4), and FIONWRITE of <sys/filio.h>.
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/filio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "net/poller/internal/socket_system.h"

int evnet_socket_system_tcp_info(int descriptor, struct evnet_tcp_info *out_info) {
  struct tcp_info info = {0};
  socklen_t size = sizeof info;
  if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return -errno;
  int queued = 0;
  (void)ioctl(descriptor, FIONWRITE, &queued);
  // The kernel's initial threshold, until the first loss: TCP_MAXWIN << TCP_MAX_WINSHIFT, which is
  // 65,535 << 14.
  const uint32_t no_threshold = (uint32_t)65535 << 14;
  *out_info = (struct evnet_tcp_info){
      .state = (enum evnet_tcp_state)info.tcpi_state,  // TCPS_* of <netinet/tcp_fsm.h>
      .rtt_us = info.tcpi_rtt,
      .rtt_variance_us = info.tcpi_rttvar,
      .retransmit_timeout_us = info.tcpi_rto,
      .retransmitted_packets = info.tcpi_snd_rexmitpack,
      .segment_bytes_max = info.tcpi_snd_mss,
      .congestion_window_bytes = info.tcpi_snd_cwnd,
      .slow_start_threshold_bytes =
          info.tcpi_snd_ssthresh >= no_threshold ? UINT64_MAX : info.tcpi_snd_ssthresh,
      .unacknowledged_bytes = (uint64_t)(queued > 0 ? queued : 0),
  };
  return 0;
}

int64_t evnet_socket_system_unacked_bytes(int descriptor) {
  int queued = 0;
  return ioctl(descriptor, FIONWRITE, &queued) == 0 ? queued : -errno;
}
