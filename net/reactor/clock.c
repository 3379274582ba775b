// The reactor's time. The clock is read once a turn and after each callback; all other code uses
// the last reading. The same readings measure how long callbacks run.
#include "net/reactor/internal/clock.h"

#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/stats.h"
#include "net/reactor/owner.h"
#include "net/reactor/timer.h"

// During a callback the time is that of its start. When a long callback returns, the times that it
// stamped are replaced by the new time. clock_lap reads the clock then anyway, so this needs no
// extra reading.
static void restamp(struct evnet_conn *conn, uint32_t before, uint32_t now) {
  // The handle may have been freed since. A handle that is used anew may have a dial in the union
  // instead of a side.
  const bool has_dial = conn->state == CONN_DIALLING || conn->state == CONN_ATTEMPT;
  if (conn->state == CONN_FREE || has_dial) return;
  if (conn->out_ms == before) conn->out_ms = now;
  if (conn->state == CONN_OPEN && conn->read_since_ms == before) conn->read_since_ms = now;
  struct conn_side *side = conn->side;
  if (side == NULL) return;
  if (side->write_since_ms == before) side->write_since_ms = now;
  if (side->opened_ms == before) side->opened_ms = now;
}

static void set_now(struct evnet_reactor *reactor, uint64_t now_ns) {
  reactor->clock.now_ns = now_ns;
  if (now_ns >= reactor->clock.tick_ns) {
    const uint32_t before = now32(reactor);
    reactor->clock.now_ms = (now_ns - reactor->clock.origin_ns) / 1000000;
    reactor->clock.tick_ns = reactor->clock.origin_ns + (reactor->clock.now_ms + 1) * 1000000;
    for (uint32_t i = 0; i < reactor->clock.stamped_count; i++)
      restamp(reactor->clock.stamped[i], before, now32(reactor));
  }
  reactor->clock.stamped_count = 0;
}

void clock_update(struct evnet_reactor *reactor) {
  set_now(reactor, evnet_poller_now_ns(reactor->poller));
}

void clock_begin_lap(struct evnet_reactor *reactor) {
  clock_update(reactor);
  reactor->clock.lap_ns = reactor->clock.now_ns;
}

void clock_end_wait(struct evnet_reactor *reactor, bool may_have_slept) {
  const uint64_t since_ns = reactor->clock.now_ns;
  clock_begin_lap(reactor);
  if (may_have_slept) counter_add(&reactor->stats.idle_ns, reactor->clock.now_ns - since_ns);
}

void clock_lap(struct evnet_reactor *reactor) {
  uint64_t now_ns = evnet_poller_now_ns(reactor->poller);
  uint64_t took_ns = now_ns - reactor->clock.lap_ns;
  reactor->clock.lap_ns = now_ns;
  set_now(reactor, now_ns);
  stats_count_callback(&reactor->stats, took_ns);
}

uint32_t clock_stamp(struct evnet_conn *conn) {
  struct evnet_reactor *reactor = conn->reactor;
  // Between two turns no callback is running whose return would correct the stamp.
  if (!reactor->clock.turning || reactor->clock.stamped_count == STAMPED_MAX) clock_update(reactor);
  if (!reactor->clock.turning) return now32(reactor);
  reactor->clock.stamped[reactor->clock.stamped_count++] = conn;
  return now32(reactor);
}

void evnet_reactor_time_begin(struct evnet_reactor *reactor) { clock_begin_lap(reactor); }

void evnet_reactor_time_end(struct evnet_reactor *reactor) { clock_lap(reactor); }

uint64_t evnet_reactor_now_ms(const struct evnet_reactor *reactor) {
  return reactor->clock.now_ns / 1000000;
}
