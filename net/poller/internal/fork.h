// Whether fork(2) may have put duplicates of this process's descriptors into a child. While a child
// that does not call exec(2) lives, close(2) alone ends no connection, because the child still has
// the connection open.
//
// Children of clone(2) and _Fork(3) are not noticed, because those calls run no handlers of
// pthread_atfork(3). Children of vfork(2) and posix_spawn(3) are not noticed either, but they only
// call exec(2), which closes evnet's descriptors.
#ifndef EVNET_NET_POLLER_INTERNAL_FORK_H_
#define EVNET_NET_POLLER_INTERNAL_FORK_H_

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

// evnet_fork_watch starts noticing calls of fork(2) in the process. Call it before the first socket
// is opened. Calling it again has no effect.
//
// Thread:  any.
void evnet_fork_watch(void);

// evnet_fork_has_happened returns whether the process has called fork(2) since evnet_fork_watch.
//
// Thread:  any.
bool evnet_fork_has_happened(void);

// evnet_fork_hold makes fork(2) calls of other threads wait until evnet_fork_release. Otherwise a
// fork could duplicate a descriptor between the check that it has no duplicate and its close(2).
//
// Returns: as evnet_fork_has_happened.
// Thread:  any; only for the few instructions around one close(2), never in a signal handler.
bool evnet_fork_hold(void);
void evnet_fork_release(void);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_INTERNAL_FORK_H_
