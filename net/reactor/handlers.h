// The handlers of a reactor or of all reactors of a server, each with its user. A connection refers
// to one of them by its index, which takes one byte. Handlers that belong to a single connection
// are not in this table (internal/handler.h).
#ifndef EVNET_NET_REACTOR_HANDLERS_H_
#define EVNET_NET_REACTOR_HANDLERS_H_

#include <pthread.h>
#include <stdint.h>

#include "net/base/memory.h"
#include "net/base/status.h"
#include "net/reactor/handler.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  EVNET_HANDLERS_MAX = 255,  // of a table; indexes are below it
  EVNET_HANDLER_FIRST = 0,   // the index of the handler that the table was created with
};

// A handler and the user that its callbacks get.
struct evnet_bound_handler {
  struct evnet_handler handler;
  void *user;
};

// The entries are constant once they have an index, and are never removed. A thread that got an
// index from another thread by a message may therefore read the entry without the mutex.
struct evnet_handlers {
  const struct evnet_allocator *allocator;
  pthread_mutex_t mutex;
  uint32_t count;       // under the mutex
  uint32_t boot_count;  // the first entries, whose on_reactor_boot is called; constant from then on
  struct evnet_bound_handler of[EVNET_HANDLERS_MAX];
};

// evnet_handlers_create creates a table with one entry, EVNET_HANDLER_FIRST.
//
//   handler    copied.
//   user       passed to the handler's callbacks.
//   allocator  borrowed for the table's life; NULL: malloc(3).
//
// Returns: 0.
// Errors:  -ENOMEM; those of pthread_mutex_init(3).
EVNET_WARN_UNUSED int evnet_handlers_create(const struct evnet_handler *handler, void *user,
                                            const struct evnet_allocator *allocator,
                                            struct evnet_handlers **out_handlers);

// evnet_handlers_add adds a handler, unless the same handler with the same user is in the table.
//
//   handler  copied. NULL: the first one, and `user` is ignored.
//
// Returns: the index.
// Errors:  -ENOBUFS if the table is full.
// Thread:  any.
EVNET_WARN_UNUSED int evnet_handlers_add(struct evnet_handlers *handlers,
                                         const struct evnet_handler *handler, void *user);

// evnet_handlers_end_boot marks the entries that are in the table now as those whose
// on_reactor_boot and on_reactor_shutdown are called.
void evnet_handlers_end_boot(struct evnet_handlers *handlers);

// evnet_handlers_destroy frees a table; NULL is accepted.
void evnet_handlers_destroy(struct evnet_handlers *handlers);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_HANDLERS_H_
