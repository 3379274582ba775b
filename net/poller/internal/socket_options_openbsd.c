// OpenBSD has none of these for one socket but SO_REUSEPORT, of whose sockets one gets all: what
// else there is, sysctl(2) sets for all.
#include <sys/socket.h>

#include "net/poller/internal/socket_system.h"

const struct evnet_socket_option_names evnet_socket_system_options = {
    .reuse_port = SO_REUSEPORT,
};
