// Whether fork(2) may have put duplicates of this process's descriptors into a child. While a child
// that calls no exec(2) lives, close(2) alone ends no connection: the child still has it open.
//
// Not noticed: children of clone(2) and _Fork(3), which run no handlers of pthread_atfork(3).
// vfork(2) and posix_spawn(3) need not be: their children only call exec(2), which closes what is
// evnet's.
#ifndef EVNET_NET_POLLER_INTERNAL_FORK_H_
#define EVNET_NET_POLLER_INTERNAL_FORK_H_

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

// evnet_fork_watch makes each later fork(2) of the process count. Before the first socket is
// opened; again is free.
//
// Thread:  any.
void evnet_fork_watch(void);

// evnet_fork_has_happened returns whether the process has called fork(2) since evnet_fork_watch.
//
// Thread:  any.
bool evnet_fork_has_happened(void);

// evnet_fork_hold makes a fork(2) of another thread wait until evnet_fork_release, so that a
// descriptor that is closed in between is not duplicated after it was found to be the only one.
//
// Returns: as evnet_fork_has_happened.
// Thread:  any; for the few instructions around one close(2), and never from a signal handler.
bool evnet_fork_hold(void);
void evnet_fork_release(void);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_INTERNAL_FORK_H_
