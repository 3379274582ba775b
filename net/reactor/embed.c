// A reactor inside another event loop: its descriptor, and the time until its next turn.
#include "net/reactor/embed.h"

#include "net/reactor/internal/clock.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/wait.h"

int evnet_reactor_descriptor(struct evnet_reactor *reactor) {
  return evnet_poller_loop_descriptor(reactor->poller);
}

int64_t evnet_reactor_wait_ms(struct evnet_reactor *reactor) {
  EVNET_ASSERT(!reactor->clock.turning);
  const bool was_written = reactor->scratch.conn != NULL;  // since the last turn
  const bool is_new = reactor->boot == BOOT_NOT_YET;
  if (is_new || was_written || reactor->stop.phase == STOP_DONE) return 0;
  clock_update(reactor);
  const int64_t wait_ns = wait_time(reactor, -1);
  if (wait_ns == 0) return 0;
  // From here on, a post wakes the poller; evnet_reactor_turn ends that.
  if (!evnet_mailbox_sleep(&reactor->posted.mailbox)) return 0;
  if (!evnet_poller_settle(reactor->poller)) return 0;
  return wait_ns < 0 ? -1 : wait_ns / 1000000 + (wait_ns % 1000000 != 0);
}
