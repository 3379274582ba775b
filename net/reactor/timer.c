// Timers of the user and of the reactor's own files: starting, stopping, and finding the timers
// that are due. expire.c calls their callbacks.
#include "net/reactor/timer.h"

#include <stddef.h>

#include "net/reactor/internal/clock.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/timer.h"
#include "net/reactor/wheel.h"

static uint64_t after(const struct evnet_reactor *reactor, uint64_t delay_ms) {
  return delay_ms > UINT64_MAX - reactor->clock.now_ms ? UINT64_MAX
                                                       : reactor->clock.now_ms + delay_ms;
}

static void schedule(struct evnet_reactor *reactor, struct evnet_timer *timer) {
  evnet_wheel_schedule(&reactor->timers, &timer->node, timer->expires_ms);
}

static void start(struct evnet_reactor *reactor, struct evnet_timer *timer, uint64_t delay_ms,
                  uint64_t period_ms, void (*expired)(struct evnet_timer *timer, void *user),
                  void *user) {
  clock_update(reactor);  // the caller may have run for a long time in this turn
  timer->expires_ms = after(reactor, delay_ms);
  timer->period_ms = period_ms;
  timer->expired = expired;
  timer->user = user;
  schedule(reactor, timer);
}

void evnet_timer_start(struct evnet_reactor *reactor, struct evnet_timer *timer, uint64_t delay_ms,
                       void (*expired)(struct evnet_timer *timer, void *user), void *user) {
  start(reactor, timer, delay_ms, 0, expired, user);
}

void evnet_timer_repeat(struct evnet_reactor *reactor, struct evnet_timer *timer,
                        uint64_t period_ms, void (*expired)(struct evnet_timer *timer, void *user),
                        void *user) {
  if (period_ms == 0) period_ms = 1;
  start(reactor, timer, period_ms, period_ms, expired, user);
}

void evnet_timer_stop(struct evnet_reactor *reactor, struct evnet_timer *timer) {
  evnet_wheel_cancel(&reactor->timers, &timer->node);
}

int64_t evnet_timer_remaining_ms(const struct evnet_reactor *reactor,
                                 const struct evnet_timer *timer) {
  if (!evnet_wheel_scheduled(&timer->node)) return -1;
  if (timer->expires_ms <= reactor->clock.now_ms) return 0;
  const uint64_t left_ms = timer->expires_ms - reactor->clock.now_ms;
  return left_ms < INT64_MAX ? (int64_t)left_ms : INT64_MAX;
}

// Schedules the next future multiple of the period. Missed periods are skipped.
static void repeat(struct evnet_reactor *reactor, struct evnet_timer *timer) {
  uint64_t late_ms = reactor->clock.now_ms - timer->expires_ms;
  timer->expires_ms = after(reactor, timer->period_ms - late_ms % timer->period_ms);
  schedule(reactor, timer);
}

struct evnet_timer *timer_pop(struct evnet_reactor *reactor) {
  struct evnet_wheel_node *node;
  while ((node = evnet_wheel_pop(&reactor->timers)) != NULL) {
    struct evnet_timer *timer =
        (struct evnet_timer *)((char *)node - offsetof(struct evnet_timer, node));
    if (timer->expires_ms > reactor->clock.now_ms) {
      schedule(reactor, timer);  // the expiry was beyond the reach of the wheel
      continue;
    }
    // Schedule first, so that the callback may stop the timer, or free it.
    if (timer->period_ms > 0) repeat(reactor, timer);
    return timer;
  }
  return NULL;
}
