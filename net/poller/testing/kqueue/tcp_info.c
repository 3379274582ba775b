// getsockopt(2) of TCP_CONNECTION_INFO, which Linux does not have, based on Linux's TCP_INFO. The
// linker (--wrap) directs every getsockopt here.
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int __real_getsockopt(int descriptor, int level, int name, void *out_value, socklen_t *size);
int __wrap_getsockopt(int descriptor, int level, int name, void *out_value, socklen_t *size);

// The offset of tcpi_bytes_received in linux/tcp.h, which has it since Linux 4.1.
enum { BYTES_RECEIVED_OFFSET = 128 };

// Translates Linux's state numbers to those of macOS's <netinet/tcp_fsm.h>.
static uint8_t state_of(unsigned state) {
  static const uint8_t states[] = {
      [TCP_ESTABLISHED] = 4, [TCP_SYN_SENT] = 2,   [TCP_SYN_RECV] = 3, [TCP_FIN_WAIT1] = 6,
      [TCP_FIN_WAIT2] = 9,   [TCP_TIME_WAIT] = 10, [TCP_CLOSE] = 0,    [TCP_CLOSE_WAIT] = 5,
      [TCP_LAST_ACK] = 8,    [TCP_LISTEN] = 1,     [TCP_CLOSING] = 7,
  };
  return state < sizeof states ? states[state] : 0;
}

int __wrap_getsockopt(int descriptor, int level, int name, void *out_value, socklen_t *size) {
  if (level == IPPROTO_TCP && name == TCP_KEEPALIVE) name = TCP_KEEPIDLE;
  if (level != IPPROTO_TCP || name != TCP_CONNECTION_INFO) {
    return __real_getsockopt(descriptor, level, name, out_value, size);
  }
  if (*size != sizeof(struct tcp_connection_info)) {
    errno = EINVAL;
    return -1;
  }
  // linux/tcp.h only appends to its struct. The C library's copy may end before bytes_received.
  uint64_t words[64] = {0};
  socklen_t info_size = sizeof words;
  if (__real_getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, words, &info_size) != 0) return -1;
  struct tcp_info info;
  memcpy(&info, words, sizeof info);
  int queued = 0;
  (void)ioctl(descriptor, SIOCOUTQ, &queued);
  const struct tcp_connection_info told = {
      .tcpi_state = state_of(info.tcpi_state),
      .tcpi_rto = info.tcpi_rto / 1000,
      .tcpi_maxseg = info.tcpi_snd_mss,
      // The initial value of macOS; Linux's is 0x7fffffff.
      .tcpi_snd_ssthresh = info.tcpi_snd_ssthresh < 0x7fffffff
                               ? info.tcpi_snd_ssthresh * info.tcpi_snd_mss
                               : (uint32_t)65535 << 14,
      .tcpi_snd_cwnd = info.tcpi_snd_cwnd * info.tcpi_snd_mss,
      .tcpi_snd_sbbytes = (uint32_t)queued,
      .tcpi_srtt = (info.tcpi_rtt + 999) / 1000,
      .tcpi_rttvar = (info.tcpi_rttvar + 999) / 1000,
      .tcpi_rxbytes = words[BYTES_RECEIVED_OFFSET / sizeof words[0]],
      .tcpi_txretransmitpackets = info.tcpi_total_retrans,
  };
  memcpy(out_value, &told, sizeof told);
  return 0;
}
