// A variant of the mailbox for tests only: mailbox.c with a hook before each of its atomic
// operations. A program links this or the real one, not both.
#ifndef EVNET_NET_REACTOR_MAILBOX_STEPS_H_
#define EVNET_NET_REACTOR_MAILBOX_STEPS_H_

#include "net/reactor/mailbox.h"

#ifdef __cplusplus
extern "C" {
#endif

// Called before each atomic operation, on the thread that is about to perform it; NULL: not called.
// Its changes to the mailbox stand for those that another thread could make at that moment.
extern void (*evnet_mailbox_step)(void);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_MAILBOX_STEPS_H_
