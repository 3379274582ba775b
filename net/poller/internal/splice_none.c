// Systems without splice(2).
#include <errno.h>

#include "net/poller/internal/socket_system.h"

int evnet_socket_system_splice_open(int out_pipe[2]) {
  (void)out_pipe;
  return -ENOSYS;
}

void evnet_socket_system_splice(int from, int to, const int pipe[2], size_t size,
                                struct evnet_spliced *out) {
  (void)from;
  (void)to;
  (void)pipe;
  (void)size;
  *out = (struct evnet_spliced){.from_status = -ENOSYS};
}
