// Linux's <netinet/tcp.h>, and macOS's data on a TCP connection; see ../tcp_info.c.
#ifndef EVNET_NET_POLLER_TESTING_KQUEUE_NETINET_TCP_H_
#define EVNET_NET_POLLER_TESTING_KQUEUE_NETINET_TCP_H_

#include_next <netinet/tcp.h>

#include <stdint.h>

#define TCP_CONNECTION_INFO 0x106

// Has only the fields that tcp_info_darwin.c reads.
struct tcp_connection_info {
  uint8_t tcpi_state;          // TCPS_* of macOS
  uint32_t tcpi_rto;           // ms
  uint32_t tcpi_maxseg;        // bytes
  uint32_t tcpi_snd_ssthresh;  // bytes
  uint32_t tcpi_snd_cwnd;      // bytes
  uint32_t tcpi_snd_sbbytes;   // in the send buffer, including bytes in flight
  uint32_t tcpi_srtt;          // ms
  uint32_t tcpi_rttvar;        // ms
  uint64_t tcpi_rxbytes;       // received
  uint64_t tcpi_txretransmitpackets;
};

#endif  // EVNET_NET_POLLER_TESTING_KQUEUE_NETINET_TCP_H_
