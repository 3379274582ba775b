// The wait of a turn: how long it may take, and what is sent before it.
#include "net/reactor/internal/wait.h"

#include "net/reactor/internal/clock.h"
#include "net/reactor/internal/datagram_out.h"
#include "net/reactor/internal/datagram_socket.h"
#include "net/reactor/internal/handler.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/stop.h"
#include "net/reactor/mailbox.h"
#include "net/reactor/wheel.h"

static uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

// Returns whether to poll again instead of sleeping (busy_poll_us).
static bool is_spinning(struct evnet_reactor *reactor) {
  if (reactor->options.busy_poll_us == 0) return false;
  if (reactor->active)
    reactor->spin_until_ns = reactor->clock.now_ns + (uint64_t)reactor->options.busy_poll_us * 1000;
  reactor->active = false;
  return reactor->clock.now_ns < reactor->spin_until_ns;
}

int64_t wait_time(struct evnet_reactor *reactor, int64_t wait_ms_max) {
  bool has_work = reactor->due.first != NONE || reactor->posted.inbox != NULL ||
                  reactor->due.answers_first != NULL || datagram_is_gathering(reactor);
  if (has_work || reactor->deadlines.overdue || stop_is_reading(reactor) || is_spinning(reactor))
    return 0;
  uint64_t wake_ms = earlier(evnet_wheel_next_ms(&reactor->deadlines.wheel),
                             evnet_wheel_next_ms(&reactor->timers));
  if (wait_ms_max >= 0) wake_ms = earlier(wake_ms, reactor->clock.now_ms + (uint64_t)wait_ms_max);
  uint64_t wake_ns = UINT64_MAX;
  if (wake_ms < (UINT64_MAX - reactor->clock.origin_ns) / 1000000)
    wake_ns = reactor->clock.origin_ns + wake_ms * 1000000;
  wake_ns = earlier(wake_ns, stop_deadline_ns(reactor));
  if (wake_ns == UINT64_MAX) return -1;
  uint64_t now_ns = reactor->clock.now_ns;
  if (wake_ns <= now_ns) return 0;
  return wake_ns - now_ns > INT64_MAX ? INT64_MAX : (int64_t)(wake_ns - now_ns);
}

// Sends gathered datagrams. on_prewrite may run, so the clock is read after it.
void wait_flush_datagrams(struct evnet_reactor *reactor) {
  if (!datagram_is_gathering(reactor)) return;
  const bool announces = handler_of(reactor->gather->socket->conn)->handler.on_prewrite != NULL;
  datagram_flush(reactor);
  if (announces) clock_lap(reactor);
}

int wait_for_kernel(struct evnet_reactor *reactor, int64_t wait_ms_max, bool may_sleep) {
  wait_flush_datagrams(reactor);
  int64_t timeout_ns = may_sleep ? wait_time(reactor, wait_ms_max) : 0;
  bool sleeps = timeout_ns != 0;
  if (sleeps && !evnet_mailbox_sleep(&reactor->posted.mailbox)) timeout_ns = 0;
  reactor->deadlines.asked_ms = reactor->clock.now_ms;
  int status = evnet_poller_wait(reactor->poller, timeout_ns);
  if (sleeps) evnet_mailbox_awake(&reactor->posted.mailbox);
  clock_end_wait(reactor, timeout_ns != 0);
  counter_add(&reactor->stats.turns, 1);
  return status;
}
