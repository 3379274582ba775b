// DragonFly: tcp(4). Sockets that share a port by SO_REUSEPORT each receive a share, unless an administrator
// clears the sysctl net.inet.tcp.reuseport_ext.
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "net/poller/internal/socket_system.h"

const struct evnet_socket_option_names evnet_socket_system_options = {
    .keepalive_idle = TCP_KEEPIDLE,
    .keepalive_interval = TCP_KEEPINTVL,
    .keepalive_count = TCP_KEEPCNT,
    .reuse_port = SO_REUSEPORT,
    .reuse_port_spreads = true,
};

int evnet_socket_system_share_by_cpu(int descriptor, const struct evnet_port_cpus *cpus) {
  (void)descriptor;
  (void)cpus;
  return -EOPNOTSUPP;
}
