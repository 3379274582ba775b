// The end of a reactor's lookups.
#ifndef EVNET_NET_REACTOR_INTERNAL_RESOLVER_H_
#define EVNET_NET_REACTOR_INTERNAL_RESOLVER_H_

struct evnet_reactor;

// resolver_end drops all lookups, before the mailbox is sealed.
void resolver_end(struct evnet_reactor *reactor);

#endif  // EVNET_NET_REACTOR_INTERNAL_RESOLVER_H_
