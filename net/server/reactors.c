// The reactors of a server, by index. Any thread may ask.
#include "net/server/internal/state.h"

struct evnet_reactor *evnet_server_reactor(const struct evnet_server *server, uint32_t index) {
  if (index >= server->reactor_count) return NULL;
  return __atomic_load_n(&server->reactors[index].reactor, __ATOMIC_ACQUIRE);
}
