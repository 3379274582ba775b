// Name lookups. They run on threads that all reactors of the process share
// (internal/lookup_pool.h), because getaddrinfo(3) may block for seconds. The reactor's own thread
// receives the result.
//
// The option lookup_threads_max bounds the number of lookups in progress in the process; further
// ones wait, in order. A reactor that ends while getaddrinfo blocks does not wait for it. The
// memory of a lookup comes from malloc, because the reactor's allocator may be gone when
// getaddrinfo returns.
#ifndef EVNET_NET_REACTOR_RESOLVER_H_
#define EVNET_NET_REACTOR_RESOLVER_H_

#include <stddef.h>

#include "../base/address.h"
#include "../base/status.h"
#include "reactor.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  EVNET_RESOLVER_WAITING_MAX = 1024,  // lookups of a reactor that no thread has started yet
  EVNET_RESOLVER_ADDRESSES_MAX = 64,  // addresses of one name
};

// One lookup.
struct evnet_lookup;

// Receives the result of a lookup. It may start other lookups and cancel any.
//
//   status     0, or EVNET_STATUS_ADDRESS or -errno, with a line in the log that names the text.
//   addresses  of the name, in the order in which to try them; valid during the call.
//   count      1 to EVNET_RESOLVER_ADDRESSES_MAX; 0 if status is negative.
typedef void (*evnet_resolved_fn)(void *arg, int status, const struct evnet_address *addresses,
                                  size_t count);

// evnet_resolver_look_up starts the lookup of an address with a name in it. It never blocks. It
// also accepts a numeric address, which evnet_address_parse reads immediately.
//
//   address_text  in the form of net/base/address.h; copied.
//   done          called once with `arg`, on the reactor's thread and never from inside this call,
//                 unless the lookup is cancelled or the reactor ends first.
//   out_lookup    for evnet_resolver_cancel; valid until `done` is called.
//
// Returns: 0.
// Errors:  -EAGAIN if EVNET_RESOLVER_WAITING_MAX lookups wait, or no thread can be created.
//          -ESHUTDOWN if the reactor has ended.
//          -ENOMEM if memory runs out.
//          After an error nothing is called.
// Thread:  the reactor's.
EVNET_WARN_UNUSED int evnet_resolver_look_up(struct evnet_reactor *reactor,
                                             const char *address_text, evnet_resolved_fn done,
                                             void *arg, struct evnet_lookup **out_lookup);

// evnet_resolver_cancel cancels a lookup: `done` is not called.
//
// Thread:  the reactor's.
void evnet_resolver_cancel(struct evnet_lookup *lookup);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_RESOLVER_H_
