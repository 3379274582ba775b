// Running what other threads have posted.
#ifndef EVNET_NET_REACTOR_INTERNAL_INBOX_H_
#define EVNET_NET_REACTOR_INTERNAL_INBOX_H_

struct evnet_reactor;

// inbox_run runs what was posted, once a turn and up to a bound.
void inbox_run(struct evnet_reactor *reactor);

// inbox_end runs all that was posted; nothing more is taken.
void inbox_end(struct evnet_reactor *reactor);

#endif  // EVNET_NET_REACTOR_INTERNAL_INBOX_H_
