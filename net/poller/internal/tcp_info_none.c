// OpenBSD, whose TCP_INFO evnet does not read.
#include <errno.h>

#include "net/poller/internal/socket_system.h"

int evnet_socket_system_tcp_info(int descriptor, struct evnet_tcp_info *out_info) {
  (void)descriptor;
  (void)out_info;
  return -EOPNOTSUPP;
}

int64_t evnet_socket_system_unacked_bytes(int descriptor) {
  (void)descriptor;
  return -EOPNOTSUPP;
}
