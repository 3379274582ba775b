// NetBSD: tcp(4). One of the sockets that share a port by SO_REUSEPORT receives everything
// (setsockopt(2)).
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "net/poller/internal/socket_system.h"

const struct evnet_socket_option_names evnet_socket_system_options = {
    .keepalive_idle = TCP_KEEPIDLE,
    .keepalive_interval = TCP_KEEPINTVL,
    .keepalive_count = TCP_KEEPCNT,
    .reuse_port = SO_REUSEPORT,
};

int evnet_socket_system_share_by_cpu(int descriptor, const struct evnet_port_cpus *cpus) {
  (void)descriptor;
  (void)cpus;
  return -EOPNOTSUPP;
}
