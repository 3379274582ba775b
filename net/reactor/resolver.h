// Names are looked up on threads of their own, as getaddrinfo(3) may block for seconds: a reactor
// only asks, and is told on its own thread.
//
// A reactor has none of these threads before it looks up its first name, and up to
// EVNET_RESOLVER_THREADS_MAX: a slow name server delays one name, not the next. A reactor that goes
// while getaddrinfo blocks does not wait for it: the thread ends by itself when it returns. What
// such a thread uses is of malloc, whatever the reactor's allocator, which may be gone by then.
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
  EVNET_RESOLVER_THREADS_MAX = 4,
  EVNET_RESOLVER_WAITING_MAX = 1024,  // lookups of a reactor that no thread has taken up yet
  EVNET_RESOLVER_ADDRESSES_MAX = 8,   // of one name
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
