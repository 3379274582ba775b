// Names are looked up on threads that all reactors of the process share (internal/lookup_pool.h),
// as getaddrinfo(3) may block for seconds. The result comes to the reactor's own thread.
//
// The option lookup_threads_max bounds how many lookups run simultaneously in the process; the
// others wait, in order. A reactor that ends while getaddrinfo blocks does not wait for it. Memory
// of a lookup is malloc's, whatever the reactor's allocator, which may be gone when it returns.
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
  EVNET_RESOLVER_WAITING_MAX = 1024,  // lookups of a reactor that no thread has taken up yet
  EVNET_RESOLVER_ADDRESSES_MAX = 64,  // of one name
};

// One name that is being looked up.
struct evnet_lookup;

// Tells what became of a lookup. It may start another one and cancel any.
//
//   status     0, or EVNET_STATUS_ADDRESS, with a line in the log that names the text.
//   addresses  the name's, in the order in which to try them; valid during the call.
//   count      1 to EVNET_RESOLVER_ADDRESSES_MAX; 0 when status is negative.
typedef void (*evnet_resolved_fn)(void *arg, int status, const struct evnet_address *addresses,
                                  size_t count);

// evnet_resolver_look_up begins to look up an address with a name in it; it never blocks. A numeric
// address takes the same way, and needs none: evnet_address_parse reads it at once.
//
//   address_text  as net/base/address.h reads it; copied.
//   done          called once with `arg`, on the reactor and never from inside this call, unless
//                 the lookup is cancelled or the reactor ends before.
//   out_lookup    for evnet_resolver_cancel; valid until `done` is called.
//
// Returns: 0.
// Errors:  -EAGAIN when EVNET_RESOLVER_WAITING_MAX wait already, or no thread can be made; -ENOMEM;
//          -ESHUTDOWN when the reactor has ended. Nothing is called then.
// Thread:  the reactor's.
EVNET_WARN_UNUSED int evnet_resolver_look_up(struct evnet_reactor *reactor,
                                             const char *address_text, evnet_resolved_fn done,
                                             void *arg, struct evnet_lookup **out_lookup);

// evnet_resolver_cancel drops a lookup: `done` is not called any more.
//
// Thread:  the reactor's.
void evnet_resolver_cancel(struct evnet_lookup *lookup);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_RESOLVER_H_
