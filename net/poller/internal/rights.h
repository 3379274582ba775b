// Descriptors that come with the bytes of a Unix stream (SCM_RIGHTS of unix(7)).
#ifndef EVNET_NET_POLLER_INTERNAL_RIGHTS_H_
#define EVNET_NET_POLLER_INTERNAL_RIGHTS_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/poller/internal/backend.h"

#ifdef __cplusplus
extern "C" {
#endif

// Returns whether the handle's descriptors are wanted (evnet_poller_set_taker).
static inline bool evnet_rights_are_taken(const struct evnet_poller *poller,
                                          struct evnet_handle handle) {
  const struct evnet_taker *taker = poller->taker;
  return taker != NULL && taker->takes(taker->context, handle);
}

// Receives bytes, and passes the descriptors that come with them to the poller's taker. More data
// may follow, although less than requested was received.
//
// Returns: the bytes received; 0 for EOF; -errno of recvmsg(2).
int64_t evnet_rights_receive(const struct evnet_poller *poller, struct evnet_handle handle,
                             int descriptor, void *out_data, size_t size);

// Sends bytes, and a duplicate of a descriptor with the first of them.
//
//   size  above 0.
//
// Returns: the bytes sent; -errno of sendmsg(2), -EAGAIN if the socket is full.
int64_t evnet_rights_send(int descriptor, int passed, const void *data, size_t size);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_INTERNAL_RIGHTS_H_
