// The credentials of a Unix socket's peer.
#ifndef EVNET_NET_BASE_CREDENTIALS_H_
#define EVNET_NET_BASE_CREDENTIALS_H_

#include <sys/types.h>

// The peer's user, group and process as the kernel recorded them when the connection was made.
// Later changes of the peer do not show.
struct evnet_credentials {
  uid_t user;     // effective
  gid_t group;    // effective
  pid_t process;  // 0 where the system does not report it: macOS and the BSDs
};

#endif  // EVNET_NET_BASE_CREDENTIALS_H_
