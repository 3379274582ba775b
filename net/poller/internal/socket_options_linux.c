// Linux: tcp(7), socket(7), ip(7).
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
