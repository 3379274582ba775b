// FreeBSD: tcp(4). Its TCP_FASTOPEN is on or off, and any number but 0 is on.
#include <netinet/tcp.h>

#include "net/poller/internal/socket_system.h"

const struct evnet_socket_option_names evnet_socket_system_options = {
    .keepalive_idle = TCP_KEEPIDLE,
    .keepalive_interval = TCP_KEEPINTVL,
    .keepalive_count = TCP_KEEPCNT,
    .fast_open = TCP_FASTOPEN,
};
