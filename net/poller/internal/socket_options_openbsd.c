// OpenBSD has none of these for one socket: what there is, sysctl(2) sets for all.
#include "net/poller/internal/socket_system.h"

const struct evnet_socket_option_names evnet_socket_system_options = {0};
