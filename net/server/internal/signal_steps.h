// signal.c compiled with a hook before each of its atomic operations, and servers that only record
// how they are stopped. A program links this or the real signal.c, not both.
#ifndef EVNET_NET_SERVER_INTERNAL_SIGNAL_STEPS_H_
#define EVNET_NET_SERVER_INTERNAL_SIGNAL_STEPS_H_

#include <stdint.h>

#include "net/server/server.h"

#ifdef __cplusplus
extern "C" {
#endif

// Runs before each atomic operation, on the operation's thread. NULL if there is no hook.
extern void (*evnet_signal_step)(void);

// evnet_signal_handle calls the signal handler as a function, so that a hook may also call
// functions that are not async-signal-safe.
void evnet_signal_handle(int signal_number);

// evnet_signal_count_set lets `count` signals have come.
void evnet_signal_count_set(unsigned count);

struct evnet_server *evnet_signal_server_create(void);
int evnet_signal_server_stops(const struct evnet_server *server);
int64_t evnet_signal_server_drain_ms(const struct evnet_server *server);  // the last stop's

// Removes the server's registrations and frees it.
void evnet_signal_server_destroy(struct evnet_server *server);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_SERVER_INTERNAL_SIGNAL_STEPS_H_
