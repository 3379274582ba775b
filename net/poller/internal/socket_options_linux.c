// Linux: tcp(7), socket(7), ip(7).
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "net/poller/internal/socket_system.h"

const struct evnet_socket_option_names evnet_socket_system_options = {
    .keepalive_idle = TCP_KEEPIDLE,
    .keepalive_interval = TCP_KEEPINTVL,
    .keepalive_count = TCP_KEEPCNT,
    .user_timeout = TCP_USER_TIMEOUT,
    .notsent_lowat = TCP_NOTSENT_LOWAT,
    .fast_open = TCP_FASTOPEN,
    .defer_accept = TCP_DEFER_ACCEPT,
    .bind_to_device = SO_BINDTODEVICE,
    .bind_address_no_port = IP_BIND_ADDRESS_NO_PORT,
    .reuse_port = SO_REUSEPORT,
    .reuse_port_may_be_late = true,
    .reuse_port_spreads = true,
};

enum { PORT_CPUS_MAX = 1024 };

// A program of classic BPF that returns the index of a socket in the group (socket(7)). If the
// index is too large, the kernel uses its hash.
int evnet_socket_system_share_by_cpu(int descriptor, const struct evnet_port_cpus *cpus) {
  struct sock_filter code[2 * PORT_CPUS_MAX + 3];
  unsigned short size = 0;
  code[size++] =
      (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_CPU));
  for (uint32_t i = 0; i < cpus->cpu_count && i < PORT_CPUS_MAX; i++) {
    code[size++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, cpus->cpus[i], 0, 1);
    code[size++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, i % cpus->socket_count);
  }
  code[size++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, cpus->socket_count);
  code[size++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
  const struct sock_fprog program = {.len = size, .filter = code};
  const int status =
      setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program);
  return status == 0 ? 0 : -errno;
}
