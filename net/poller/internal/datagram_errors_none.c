// Systems other than Linux report no errors of datagrams to a socket that is not connected.
#include <errno.h>

#include "net/poller/internal/datagram_system.h"

int evnet_datagram_system_ask_errors(int descriptor) {
  (void)descriptor;
  return -EOPNOTSUPP;
}

bool evnet_datagram_system_read_failure(int descriptor,
                                        struct evnet_datagram_failure *out_failure) {
  (void)descriptor;
  (void)out_failure;
  return false;
}
