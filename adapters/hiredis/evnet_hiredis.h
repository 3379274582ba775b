// hiredis on a reactor: asynchronous commands to a Redis server, without a thread.
//
//   redisAsyncContext *redis = redisAsyncConnect("127.0.0.1", 6379);
//   if (redis == NULL || redis->err != 0 || evnet_hiredis_attach(reactor, redis) < 0) ...
//   redisAsyncCommand(redis, on_reply, user, "GET %s", key);
//
// Everything else is hiredis's own interface. Its callbacks run on the reactor's thread, and may
// issue further commands, and disconnect or free the context.
#ifndef EVNET_ADAPTERS_HIREDIS_EVNET_HIREDIS_H_
#define EVNET_ADAPTERS_HIREDIS_EVNET_HIREDIS_H_

#include "../../net/reactor/reactor.h"

#ifdef __cplusplus
extern "C" {
#endif

struct redisAsyncContext;

// evnet_hiredis_attach makes a reactor do the input and output of a context, until the context is
// freed (redisAsyncFree, redisAsyncDisconnect, or hiredis itself after an error).
//
// When the reactor ends, evnet frees the contexts that are still attached. hiredis then calls the
// callback of each pending command without a reply, and the disconnect callback. If evnet cannot
// watch the socket of a context for lack of memory or of a descriptor, it frees the context in the
// same way in the next turn.
//
//   reactor  exists until the context is freed.
//   context  from redisAsyncConnect and its variants. Free it on the reactor's thread.
//
// Returns: 0.
// Errors:  -EALREADY if the context is attached to an event loop.
//          -EINVAL if the context has no descriptor, because the connection failed.
//          -ENOMEM if memory runs out.
//          -ESHUTDOWN if the reactor has ended, and the others of evnet_watch.
//          After an error the context is not attached, and remains the caller's.
// Thread:  the reactor's.
EVNET_WARN_UNUSED int evnet_hiredis_attach(struct evnet_reactor *reactor,
                                           struct redisAsyncContext *context);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_ADAPTERS_HIREDIS_EVNET_HIREDIS_H_
