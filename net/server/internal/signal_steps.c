#include "net/server/internal/signal_steps.h"

#include <stdlib.h>

void (*evnet_signal_step)(void);

static void step(void) {
  if (evnet_signal_step != NULL) evnet_signal_step();
}

// The preprocessor does not expand a macro's own name inside it, so the inner calls are builtins.
#define __atomic_load_n(...) (step(), __atomic_load_n(__VA_ARGS__))
#define __atomic_store_n(...) (step(), __atomic_store_n(__VA_ARGS__))
#define __atomic_add_fetch(...) (step(), __atomic_add_fetch(__VA_ARGS__))
#define __atomic_sub_fetch(...) (step(), __atomic_sub_fetch(__VA_ARGS__))
#define __atomic_compare_exchange_n(...) (step(), __atomic_compare_exchange_n(__VA_ARGS__))

#include "net/server/signal.c"

#undef __atomic_load_n
#undef __atomic_store_n
#undef __atomic_add_fetch

void evnet_signal_handle(int signal_number) { handle(signal_number); }

void evnet_signal_count_set(unsigned count) { table.signals = count; }

struct evnet_server *evnet_signal_server_create(void) {
  return calloc(1, sizeof(struct evnet_server));
}

// Atomic, because another thread may run the handler.
int evnet_server_stop(struct evnet_server *server, int64_t drain_ms) {
  __atomic_store_n(&server->stop_drain_ms, drain_ms, __ATOMIC_SEQ_CST);
  (void)__atomic_add_fetch(&server->address_count, 1, __ATOMIC_SEQ_CST);
  return 0;
}

int evnet_signal_server_stops(const struct evnet_server *server) {
  return (int)__atomic_load_n(&server->address_count, __ATOMIC_SEQ_CST);
}

int64_t evnet_signal_server_drain_ms(const struct evnet_server *server) {
  return __atomic_load_n(&server->stop_drain_ms, __ATOMIC_SEQ_CST);
}

void evnet_signal_server_destroy(struct evnet_server *server) {
  server_forget_signals(server);
  free(server);
}
