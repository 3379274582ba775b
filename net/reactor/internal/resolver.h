// The lookups of a reactor by id, and their end.
#ifndef EVNET_NET_REACTOR_INTERNAL_RESOLVER_H_
#define EVNET_NET_REACTOR_INTERNAL_RESOLVER_H_

#include "net/reactor/internal/names.h"
#include "net/reactor/resolver.h"

// resolver_find returns the lookup with this id, which may be any; NULL if there is none.
struct evnet_lookup *resolver_find(struct evnet_reactor *reactor, struct evnet_lookup_id id);

// resolver_end ends all lookups with -ESHUTDOWN, before the mailbox is sealed.
void resolver_end(struct evnet_reactor *reactor);

#endif  // EVNET_NET_REACTOR_INTERNAL_RESOLVER_H_
