// on_reactor_boot and on_reactor_shutdown: of the reactor's own handler, or of those of the server
// and its addresses.
#include "net/reactor/internal/boot.h"

#include "net/reactor/handlers.h"
#include "net/reactor/internal/callback.h"
#include "net/reactor/internal/clock.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/owner.h"

void evnet_reactor_boot(struct evnet_reactor *reactor) {
  if (reactor->boot != BOOT_NOT_YET) return;
  reactor->boot = BOOT_DONE;
  EVNET_ASSERT(!reactor->clock.turning);
  reactor->clock.turning = true;  // these are callbacks, which must not run a turn
  for (uint32_t i = 0; i < reactor->handlers->boot_count; i++) {
    const struct evnet_bound_handler *bound = &reactor->handlers->of[i];
    if (bound->handler.on_reactor_boot == NULL) continue;
    clock_begin_lap(reactor);
    callback_returned(reactor, NULL, bound->handler.on_reactor_boot(reactor, bound->user));
    clock_lap(reactor);
  }
  reactor->clock.turning = false;
}

void boot_alone(struct evnet_reactor *reactor) {
  if (reactor->owns_handlers) evnet_reactor_boot(reactor);
}

void boot_end(struct evnet_reactor *reactor) {
  const bool booted = reactor->boot == BOOT_DONE;
  reactor->boot = BOOT_ENDED;
  if (!booted) return;
  for (uint32_t i = reactor->handlers->boot_count; i > 0; i--) {
    const struct evnet_bound_handler *bound = &reactor->handlers->of[i - 1];
    if (bound->handler.on_reactor_shutdown == NULL) continue;
    clock_begin_lap(reactor);
    bound->handler.on_reactor_shutdown(reactor, bound->user);
    clock_lap(reactor);
  }
}
