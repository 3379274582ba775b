// macOS: tcp(4). The idle time is its TCP_KEEPALIVE. Two of its options are not used: TCP_FASTOPEN,
// which needs a listening socket, and binding to an interface, which takes the interface's index
// and one option for each family. If sockets share a port by SO_REUSEPORT, one receives everything.
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "net/poller/internal/socket_system.h"

const struct evnet_socket_option_names evnet_socket_system_options = {
    .keepalive_idle = TCP_KEEPALIVE,
    .keepalive_interval = TCP_KEEPINTVL,
    .keepalive_count = TCP_KEEPCNT,
    .notsent_lowat = TCP_NOTSENT_LOWAT,
    .reuse_port = SO_REUSEPORT,
};

int evnet_socket_system_share_by_cpu(int descriptor, const struct evnet_port_cpus *cpus) {
  (void)descriptor;
  (void)cpus;
  return -EOPNOTSUPP;
}
