// FreeBSD: tcp(4). Its TCP_FASTOPEN is a switch; any number but 0 enables it. With its
// SO_REUSEPORT, the socket that was bound last receives everything. SO_REUSEPORT_LB, since FreeBSD
// 12, gives each socket a share (setsockopt(2)).
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "net/poller/internal/socket_system.h"

const struct evnet_socket_option_names evnet_socket_system_options = {
    .keepalive_idle = TCP_KEEPIDLE,
    .keepalive_interval = TCP_KEEPINTVL,
    .keepalive_count = TCP_KEEPCNT,
    .fast_open = TCP_FASTOPEN,
    .reuse_port = SO_REUSEPORT_LB,
    .reuse_port_spreads = true,
};

int evnet_socket_system_share_by_cpu(int descriptor, const struct evnet_port_cpus *cpus) {
  (void)descriptor;
  (void)cpus;
  return -EOPNOTSUPP;
}
