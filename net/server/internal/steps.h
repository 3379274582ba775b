// A server without threads, for simulations. The caller runs the turns of all reactors on its own
// thread, one at a time and in any order.
//
//   evnet_server_create --> boot --> turn ... turn, until each returns 0 --> finish --> destroy
//
// Boot, stop and shutdown use the code of evnet_server_run.
#ifndef EVNET_NET_SERVER_INTERNAL_STEPS_H_
#define EVNET_NET_SERVER_INTERNAL_STEPS_H_

#include <stdint.h>

#include "net/server/server.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_hash_key;
struct evnet_kernel;

// evnet_server_set_hash_key replaces the key of EVNET_SOURCE_HASH. Call it before the boot. The
// default key is random, so a run could not be replayed.
void evnet_server_set_hash_key(struct evnet_server *server, const struct evnet_hash_key *key);

// evnet_server_boot creates the reactors, binds the addresses, runs on_boot and the first on_tick,
// and starts accepting.
//
//   kernel  creates the reactors' pollers; borrowed until evnet_server_destroy; NULL: the system's.
//
// Returns: 0.
// Errors:  those of evnet_server_run. After an error call only evnet_server_destroy.
EVNET_WARN_UNUSED int evnet_server_boot(struct evnet_server *server, struct evnet_kernel *kernel);

// evnet_server_turn runs one turn of a reactor. The poller's wait may block.
//
// Returns: 1, or 0 if this reactor's stop is complete.
// Errors:  those of evnet_reactor_turn.
EVNET_WARN_UNUSED int evnet_server_turn(struct evnet_server *server, uint32_t reactor_index);

// evnet_server_finish runs on_shutdown. Call it after the stops of all reactors are complete.
void evnet_server_finish(struct evnet_server *server);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_SERVER_INTERNAL_STEPS_H_
