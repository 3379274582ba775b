// Control messages of a datagram (cmsg(3)).
#include <string.h>

#include "net/poller/internal/datagram_system.h"

void evnet_datagram_add_control(struct msghdr *header, int level, int type, const void *data,
                                size_t size) {
  // Each CMSG_SPACE keeps the next message aligned.
  void *end = (uint8_t *)header->msg_control + header->msg_controllen;
  struct cmsghdr *control = end;
  control->cmsg_level = level;
  control->cmsg_type = type;
  // Its type is size_t in glibc, and socklen_t in musl, macOS and the BSDs.
  control->cmsg_len = (__typeof__(control->cmsg_len))CMSG_LEN(size);
  memcpy(CMSG_DATA(control), data, size);
  header->msg_controllen += (__typeof__(header->msg_controllen))CMSG_SPACE(size);
}

const struct cmsghdr *evnet_datagram_first_control(const struct msghdr *header) {
  return header->msg_controllen >= sizeof(struct cmsghdr) ? header->msg_control : NULL;
}

const struct cmsghdr *evnet_datagram_next_control(const struct msghdr *header,
                                                  const struct cmsghdr *control) {
  const uint8_t *begin = (const uint8_t *)control;
  const size_t left =
      (size_t)((const uint8_t *)header->msg_control + header->msg_controllen - begin);
  if (control->cmsg_len < CMSG_LEN(0) || control->cmsg_len > left) return NULL;
  const size_t space = CMSG_SPACE(control->cmsg_len - CMSG_LEN(0));
  if (space > left || left - space < sizeof *control) return NULL;
  return (const struct cmsghdr *)(const void *)(begin + space);
}
