// The mailbox once more, for tests only: mailbox.c itself, with a hook in front of each of its
// atomic operations. A program links this or the real one, not both.
#ifndef EVNET_NET_REACTOR_MAILBOX_STEPS_H_
#define EVNET_NET_REACTOR_MAILBOX_STEPS_H_

#include "net/reactor/mailbox.h"

#ifdef __cplusplus
extern "C" {
#endif

// Runs before each atomic operation, in the thread that is about to do it; NULL: nothing does. What
// it does to the mailbox, another thread could have done at that moment.
extern void (*evnet_mailbox_step)(void);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_MAILBOX_STEPS_H_
