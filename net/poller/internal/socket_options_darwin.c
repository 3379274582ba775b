// macOS: tcp(4). The idle time is its TCP_KEEPALIVE. Its TCP_FASTOPEN wants a socket that listens,
// and it binds to interfaces by their number, by one option for each family: neither is used. Of
// those that share a port by its SO_REUSEPORT one gets all.
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
