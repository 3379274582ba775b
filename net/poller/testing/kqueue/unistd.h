// unistd.h of macOS and the BSDs: the system's, and getpeereid(3), which Linux does not have.
#ifndef EVNET_NET_POLLER_TESTING_KQUEUE_UNISTD_H_
#define EVNET_NET_POLLER_TESTING_KQUEUE_UNISTD_H_

#include_next <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

int getpeereid(int descriptor, uid_t *out_user, gid_t *out_group);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_TESTING_KQUEUE_UNISTD_H_
