// A server without threads, for simulations: all its reactors belong to the calling thread, which
// turns them one at a time, in the order it likes.
//
//   evnet_server_create --> boot --> turn ... turn, until each returns 0 --> finish --> destroy
//
// Boot, stop and shutdown are those of evnet_server_run.
#ifndef EVNET_NET_SERVER_INTERNAL_STEPS_H_
#define EVNET_NET_SERVER_INTERNAL_STEPS_H_

#include <stdint.h>

#include "net/server/server.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_hash_key;
struct evnet_kernel;

// evnet_server_set_hash_key replaces the key of EVNET_SOURCE_HASH, which else is the system's and
// would not replay, before the boot.
void evnet_server_set_hash_key(struct evnet_server *server, const struct evnet_hash_key *key);

// evnet_server_boot creates the reactors, binds the addresses, runs on_boot and the first on_tick,
// and starts accepting.
//
//   kernel  the reactors' pollers come from it; borrowed for the server's life; NULL: the system's.
//
// Returns: 0.
// Errors:  as evnet_server_run; only evnet_server_destroy is left to do.
EVNET_WARN_UNUSED int evnet_server_boot(struct evnet_server *server, struct evnet_kernel *kernel);

// evnet_server_turn runs one turn of a reactor; it waits as long as the kernel lets it.
//
// Returns: 1; 0 when this reactor's stop is complete.
// Errors:  as evnet_reactor_turn.
EVNET_WARN_UNUSED int evnet_server_turn(struct evnet_server *server, uint32_t reactor_index);

// evnet_server_finish runs on_shutdown, after the last reactor's stop.
void evnet_server_finish(struct evnet_server *server);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_SERVER_INTERNAL_STEPS_H_
