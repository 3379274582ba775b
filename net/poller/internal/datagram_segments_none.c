// Systems other than Linux neither take nor return several datagrams as one message.
#include <errno.h>

#include "net/poller/internal/datagram_system.h"

bool evnet_datagram_system_has_segments(int descriptor) {
  (void)descriptor;
  return false;
}

void evnet_datagram_system_set_segment(struct msghdr *header, uint16_t bytes) {
  (void)header;
  (void)bytes;
}

uint32_t evnet_datagram_system_segment_allowed(int status, uint32_t bytes) {
  (void)status;
  (void)bytes;
  return UINT32_MAX;
}

int evnet_datagram_system_ask_merged(int descriptor) {
  (void)descriptor;
  return -EOPNOTSUPP;
}

size_t evnet_datagram_system_merged(const struct msghdr *header) {
  (void)header;
  return 0;
}
