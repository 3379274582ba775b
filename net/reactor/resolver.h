// The lookups of a reactor, below dials and evnet_resolve. A lookup is served by the resolver of
// the option `resolve`, by a simulated kernel, or by threads that all reactors of the process share
// (internal/lookup_pool.h), because getaddrinfo(3) may block for seconds.
//
// The option lookups_max bounds the lookups of a reactor; lookup_threads_max bounds the lookups in
// progress on threads, and further ones wait, in order. A reactor that ends while getaddrinfo
// blocks does not wait for it. The memory of a lookup comes from malloc, because the reactor's
// allocator may be gone when getaddrinfo returns.
#ifndef EVNET_NET_REACTOR_RESOLVER_H_
#define EVNET_NET_REACTOR_RESOLVER_H_

#include <stddef.h>

#include "../base/address.h"
#include "../base/host.h"
#include "../base/status.h"
#include "reactor.h"
#include "resolve.h"

#ifdef __cplusplus
extern "C" {
#endif

// One lookup.
struct evnet_lookup;

// Receives the result of a lookup. It may start other lookups and cancel any.
//
//   status     0, or a status as for the `done` of evnet_resolve. A line in the log names the host.
//   addresses  of the name, in the order in which to try them; valid during the call.
//   count      1 to EVNET_RESOLVER_ADDRESSES_MAX; 0 if status is negative.
typedef void (*evnet_resolved_fn)(void *arg, int status, const struct evnet_address *addresses,
                                  size_t count);

// Receives the result of a reverse lookup: the name, or NULL if status is negative.
typedef void (*evnet_named_fn)(void *arg, int status, const char *name);

// evnet_resolver_look_up starts the lookup of a name. It never blocks.
//
//   host        copied.
//   done        called once with `arg`, on the reactor's thread and never from inside this call,
//               unless the lookup is cancelled. If the reactor ends first, it gets -ESHUTDOWN.
//   out_lookup  for evnet_resolver_cancel; valid until `done` is called.
//
// Returns: 0.
// Errors:  -EAGAIN at lookups_max, or if no thread can be created.
//          -ESHUTDOWN if the reactor has ended.
//          -ENOMEM if memory runs out.
//          those of the resolver's find_addresses and begin.
//          After an error nothing is called.
// Thread:  the reactor's.
EVNET_WARN_UNUSED int evnet_resolver_look_up(struct evnet_reactor *reactor,
                                             const struct evnet_host *host, evnet_resolved_fn done,
                                             void *arg, struct evnet_lookup **out_lookup);

// evnet_resolver_find_name starts the lookup of an IP address's name, likewise.
EVNET_WARN_UNUSED int evnet_resolver_find_name(struct evnet_reactor *reactor,
                                               const struct evnet_address *address,
                                               evnet_named_fn done, void *arg,
                                               struct evnet_lookup **out_lookup);

// evnet_resolver_give_address makes a lookup that finds this address, for a host that is a number.
EVNET_WARN_UNUSED int evnet_resolver_give_address(struct evnet_reactor *reactor,
                                                  const struct evnet_address *address,
                                                  evnet_resolved_fn done, void *arg,
                                                  struct evnet_lookup **out_lookup);

// evnet_resolver_cancel cancels a lookup: `done` is not called.
//
// Thread:  the reactor's.
void evnet_resolver_cancel(struct evnet_lookup *lookup);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_RESOLVER_H_
