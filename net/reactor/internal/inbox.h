// Runs messages that other threads have posted.
#ifndef EVNET_NET_REACTOR_INTERNAL_INBOX_H_
#define EVNET_NET_REACTOR_INTERNAL_INBOX_H_

#include "net/reactor/internal/names.h"

struct evnet_reactor;

// inbox_run runs posted messages, once a turn and up to a bound.
void inbox_run(struct evnet_reactor *reactor);

// inbox_end runs all posted messages, and seals the mailbox.
void inbox_end(struct evnet_reactor *reactor);

#endif  // EVNET_NET_REACTOR_INTERNAL_INBOX_H_
