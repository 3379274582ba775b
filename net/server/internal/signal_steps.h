// signal.c itself, with a hook in front of each of its atomic operations, and servers that only
// note how they are stopped. A program links this or the real one, not both.
#ifndef EVNET_NET_SERVER_INTERNAL_SIGNAL_STEPS_H_
#define EVNET_NET_SERVER_INTERNAL_SIGNAL_STEPS_H_

#include <stdint.h>

#include "net/server/server.h"

#ifdef __cplusplus
extern "C" {
#endif

// Runs before each atomic operation, in the thread that is about to do it; NULL: nothing does.
extern void (*evnet_signal_step)(void);

// evnet_signal_handle is the handler, called as a function: a hook may then do what a signal's
// handler may not.
void evnet_signal_handle(int signal_number);

struct evnet_server *evnet_signal_server_create(void);
int evnet_signal_server_stops(const struct evnet_server *server);
int64_t evnet_signal_server_drain_ms(const struct evnet_server *server);  // of the last stop
// Forgets its registrations and frees it.
void evnet_signal_server_destroy(struct evnet_server *server);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_SERVER_INTERNAL_SIGNAL_STEPS_H_
