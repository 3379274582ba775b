// Control messages of an outgoing datagram (cmsg(3)).
#include <string.h>

#include "net/poller/internal/datagram_system.h"

void evnet_datagram_add_control(struct msghdr *header, int level, int type, const void *data,
                                size_t size) {
  // Each CMSG_SPACE keeps the next message aligned.
  void *end = (uint8_t *)header->msg_control + header->msg_controllen;
  struct cmsghdr *control = end;
  control->cmsg_level = level;
  control->cmsg_type = type;
  control->cmsg_len = CMSG_LEN(size);
  memcpy(CMSG_DATA(control), data, size);
  header->msg_controllen += CMSG_SPACE(size);
}
