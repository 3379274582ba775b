// OpenBSD. It supports only SO_REUSEPORT for a single socket, and one of the sockets that share a
// port receives everything. The other settings are system-wide, set by sysctl(2).
#include <errno.h>
#include <sys/socket.h>

#include "net/poller/internal/socket_system.h"

const struct evnet_socket_option_names evnet_socket_system_options = {
    .reuse_port = SO_REUSEPORT,
};

int evnet_socket_system_share_by_cpu(int descriptor, const struct evnet_port_cpus *cpus) {
  (void)descriptor;
  (void)cpus;
  return -EOPNOTSUPP;
}
