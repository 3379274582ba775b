// Who is at the other end of a Unix socket.
#ifndef EVNET_NET_BASE_CREDENTIALS_H_
#define EVNET_NET_BASE_CREDENTIALS_H_

#include <sys/types.h>

// As the kernel noted them when the connection was made; what the peer does later changes nothing.
struct evnet_credentials {
  uid_t user;     // effective
  gid_t group;    // effective
  pid_t process;  // 0 where the system does not tell: macOS and the BSDs
};

#endif  // EVNET_NET_BASE_CREDENTIALS_H_
