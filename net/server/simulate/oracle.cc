#include "net/server/simulate/oracle.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include <algorithm>

namespace evnet_simulation {
namespace {

// The most that the handler writes inside a write that has already passed its check of the bound:
// in the connection's own on_prewrite, and in another connection's on_prewrite that runs first.
constexpr size_t kPrewriteBytesMax = 2 * 50;

evnet_timeout TimeoutOf(int reason) {
  switch (reason) {
    case EVNET_REASON_READ_TIMEOUT:
      return EVNET_TIMEOUT_READ;
    case EVNET_REASON_WRITE_TIMEOUT:
      return EVNET_TIMEOUT_WRITE;
    case EVNET_REASON_LIFETIME:
      return EVNET_TIMEOUT_LIFETIME;
    default:
      return EVNET_TIMEOUT_IDLE;
  }
}

bool IsBefore(uint64_t ns, uint64_t deadline_ns) {
  return ns < UINT64_MAX - kRoundingNs && ns + kRoundingNs < deadline_ns;
}

// Returns whether all written bytes have to be delivered before a close for this reason.
bool IsOrderly(int reason) {
  switch (reason) {
    case EVNET_REASON_PEER:
    case EVNET_REASON_LOCAL:
    case EVNET_REASON_SHUTDOWN:
    case EVNET_REASON_IDLE_TIMEOUT:
    case EVNET_REASON_READ_TIMEOUT:
      return true;
    default:  // EVNET_REASON_LIFETIME bounds flushing, too
      return false;
  }
}

}  // namespace

void Oracle::Broken(const Conn *c, const char *format, ...) {
  char text[160];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  evnet_sim_fail(w_.sim, "connection of client %u (port %u): %s", c->client->number,
                 evnet_sim_port(c->client->socket), text);
}

// Returns whether there is any reason for a connection to be closing before a callback reports it.
bool Oracle::MayBeEnding(const Conn *c) const {
  const evnet_sim_state state = Inspect(c);
  bool timed_out = false;
  for (int which = 0; which < 4; which++) {
    const bool untold = c->may_time_out[which] && !w_.plan.on_timeout;
    timed_out = timed_out || c->timed_out[which] || untold;
  }
  const bool unreadable = c->files > 0 && w_.plan.sim.faults.file_failure > 0;
  return c->close_asked || c->abort_asked || c->inbound_overflow || c->outbound_overflow ||
         c->file_short || unreadable || timed_out || c->may_time_out[EVNET_TIMEOUT_WRITE] ||
         state.broken || w_.stop_asked() || state.client_end_arrived || w_.memory.failed() > 0 ||
         c->high_may_close;
}

// Returns the number of accepted bytes, files included, that the kernel has not accepted yet.
size_t Oracle::Unsent(const Conn *c, const evnet_sim_state &state) {
  const size_t sent = state.server_sent_bytes;
  return c->written.size() > sent ? c->written.size() - sent : 0;
}

// Returns whether the connection lingers. Unless the handler has called evnet_conn_shutdown_write,
// only a close sends FIN.
bool Oracle::Lingers(const Conn *c, const evnet_sim_state &state) {
  return c->lingers || (state.server_ended && !c->write_ended);
}

bool Oracle::IsLegal(const Conn *c, int reason) const {
  const evnet_sim_state state = Inspect(c);
  // A lingering connection has its reason already. Only an abort, the lifetime or an inbound
  // overflow can replace it.
  if (Lingers(c, state) && !IsOrderly(reason) && reason != EVNET_REASON_ABORTED &&
      reason != EVNET_REASON_LIFETIME && reason != EVNET_REASON_INBOUND_OVERFLOW)
    return false;
  switch (reason) {
    case EVNET_REASON_PEER:
      // Both sides have sent FIN, and on_half_close has run if the handler has one.
      return state.client_end_arrived && c->holds == 0 &&
             (!w_.plan.on_half_close || (c->half_closed && c->write_ended)) &&
             (!w_.plan.on_data || c->presented == c->client->sent);
    case EVNET_REASON_LOCAL:
      return c->close_asked;
    case EVNET_REASON_ABORTED:
      return c->abort_asked;
    case EVNET_REASON_SHUTDOWN:
      // A stop with drain 0 closes a connection gracefully only if its on_stopping ran before.
      return w_.stop_asked() && c->stopping_told &&
             (!c->told_late || w_.stop_has_time || w_.plan.slow_callbacks > 0) && c->holds == 0 &&
             evnet_conn_inbound_bytes(c->conn) == 0;
    case EVNET_REASON_DRAIN_DEADLINE:
      return w_.now() >= w_.stop_by_ns;
    case EVNET_REASON_IDLE_TIMEOUT:
    case EVNET_REASON_READ_TIMEOUT:
    case EVNET_REASON_WRITE_TIMEOUT:
    case EVNET_REASON_LIFETIME: {
      const evnet_timeout which = TimeoutOf(reason);
      const bool untold = !w_.plan.on_timeout || reason == EVNET_REASON_WRITE_TIMEOUT ||
                          reason == EVNET_REASON_LIFETIME;
      return c->timed_out[which] || (untold && c->may_time_out[which]);
    }
    case EVNET_REASON_INBOUND_OVERFLOW:
      return c->inbound_overflow;
    case EVNET_REASON_OUTBOUND_OVERFLOW:
      return c->outbound_overflow;
    case EVNET_REASON_HIGH_WATER:
      return c->high_may_close;
    case EVNET_REASON_FILE_SHORT:
      return c->file_short;
    case -EIO:
      return c->files > 0 && w_.plan.sim.faults.file_failure > 0;
    case -ENOMEM:
      return w_.memory.failed() > 0;
    case -ECONNRESET:
    case -EPIPE:
      return state.broken;
    default:
      return false;
  }
}

// A write of 0 bytes finds out without any effect.
bool Oracle::IsOpen(const Conn *c) { return evnet_conn_write(c->conn, "", 0) != -ENOTCONN; }

// Callbacks

void Oracle::Enter(Conn *c, const char *what) {
  w_.callbacks++;
  evnet_sim_note(w_.sim, what, w_.current_reactor, evnet_sim_port(c->client->socket),
                 c->closed ? 0 : static_cast<int64_t>(evnet_conn_inbound_bytes(c->conn)));
  if (c->closed) Broken(c, "%s after on_close", what);
  if (w_.shut_down) Broken(c, "%s after on_shutdown", what);
  if (c->id.reactor != w_.current_reactor)
    Broken(c, "%s on reactor %u instead of %u", what, w_.current_reactor, c->id.reactor);
  if (!c->closed) Bounds(c);
  OnlyAnnounced(c);
}

void Oracle::Opened(Conn *c) {
  Enter(c, "on_open");
  if (evnet_conn_inbound_bytes(c->conn) != 0) Broken(c, "unread bytes before on_open");
  if (evnet_conn_listener_index(c->conn) != static_cast<int>(c->client->listener))
    Broken(c, "connected to address %zu, but its listener index is %d", c->client->listener,
           evnet_conn_listener_index(c->conn));
  if (w_.all_held || w_.addresses[c->client->listener].held)
    Broken(c, "opens at address %zu, which is paused", c->client->listener);
  int &reactor = w_.reactor_of_host[c->client->host];
  const bool keeps_hosts = w_.plan.server.balancer == EVNET_SOURCE_HASH && !w_.plan.balances &&
                           !w_.plan.server.reuse_port;
  if (keeps_hosts && reactor >= 0 && reactor != static_cast<int>(c->id.reactor))
    Broken(c, "is on reactor %u, but another connection of its host on %d", c->id.reactor, reactor);
  reactor = static_cast<int>(c->id.reactor);
  w_.open_conns++;
  if (w_.open_conns > w_.open_conns_max) w_.open_conns_max = w_.open_conns;
  const size_t most = w_.plan.server.connections_max;
  if (most > 0 && w_.open_conns > most - w_.plan.server.dials_reserved)
    Broken(c, "is open as one of %zu; connections_max is %zu, of which %zu are for dials",
           w_.open_conns, most, w_.plan.server.dials_reserved);
  size_t of_host = 0;
  for (const auto &each : w_.conns) {
    if (!each->closed && each->client->host == c->client->host) of_host++;
  }
  const size_t most_of_host = w_.plan.server.connections_per_address_max;
  if (most_of_host > 0 && of_host > most_of_host)
    Broken(c, "is one of %zu of its host; connections_per_address_max is %zu", of_host,
           most_of_host);
}

void Oracle::Data(Conn *c) {
  Enter(c, "on_data");
  const size_t unread = evnet_conn_inbound_bytes(c->conn);
  if (unread == 0 && c->wakes-- == 0) Broken(c, "on_data without bytes");
  c->wake_due = c->handler_is_new = false;
  if (c->paused) Broken(c, "on_data while reading is paused");
  if (w_.IsHeldBack(c->conn)) Broken(c, "on_data while it has holds_max holds");
  if (c->pressed && c->high_action == EVNET_HIGH_STOP_READING && !c->high_action_is_new)
    Broken(c, "on_data between on_pressure and on_drain");
  if (c->close_asked || c->abort_asked) Broken(c, "on_data after close");
  const size_t seen = c->consumed + unread;
  if (seen > c->client->sent)
    Broken(c, "%zu bytes arrived, but only %zu were sent", seen, c->client->sent);
  if (seen > c->presented) c->came_ns = w_.now();
  if (seen > c->presented) c->presented = seen;
}

void Oracle::DataDone(Conn *c) {
  if (c->closed || c->paused || w_.IsHeldBack(c->conn) || w_.IsMarked(c)) return;
  const size_t unread = evnet_conn_inbound_bytes(c->conn);
  if (unread < w_.plan.server.inbound_bytes_max) return;
  c->inbound_overflow = true;
  if (c->ending_ns == 0) c->ending_ns = w_.now();
}

void Oracle::HalfClosed(Conn *c) {
  Enter(c, "on_half_close");
  if (c->half_closed) Broken(c, "a second on_half_close");
  c->half_closed = true;
  if (c->paused) Broken(c, "on_half_close while reading is paused");
  if (w_.IsHeldBack(c->conn)) Broken(c, "on_half_close while it has holds_max holds");
  if (c->close_asked || c->abort_asked) Broken(c, "on_half_close after close");
  if (!Inspect(c).client_end_arrived) Broken(c, "on_half_close without the peer's FIN");
  if (c->handler_is_new && w_.plan.on_data && evnet_conn_inbound_bytes(c->conn) > 0)
    Broken(c, "on_half_close before the new handler has got the unread bytes");
  if (w_.plan.on_data && c->presented != c->client->sent)
    Broken(c, "on_half_close after %zu bytes of %zu", c->presented, c->client->sent);
}

void Oracle::Pressed(Conn *c) {
  Enter(c, "on_pressure");
  if (c->pressed) Broken(c, "on_pressure twice");
  c->pressed = true;
  c->high_action_is_new = false;
  if (w_.stop_asked()) c->pressed_in_stop = true;
  if (c->close_asked || c->abort_asked) Broken(c, "on_pressure after close");
}

void Oracle::Drained(Conn *c) {
  Enter(c, "on_drain");
  if (!c->pressed) Broken(c, "on_drain without on_pressure");
  c->pressed = false;
  if (c->close_asked || c->abort_asked) Broken(c, "on_drain after close");
}

void Oracle::Below(Conn *c) {
  Enter(c, "on_below");
  if (c->below == 0) Broken(c, "on_below without a request");
  const size_t queued = evnet_conn_outbound_bytes(c->conn);
  if (queued >= c->below)
    Broken(c, "on_below with %zu bytes queued; the request was for %zu", queued, c->below);
  c->below = 0;
  if (c->close_asked || c->abort_asked) Broken(c, "on_below after close");
}

void Oracle::TimedOut(Conn *c, evnet_timeout which) {
  Enter(c, "on_timeout");
  if (c->timeouts_ms[which] == EVNET_OFF) Broken(c, "on_timeout %d, which is off", which);
  if (c->close_asked || c->abort_asked) Broken(c, "on_timeout after close");
  const uint64_t timeout_ns = static_cast<uint64_t>(c->timeouts_ms[which]) * kNsPerMs;
  if (w_.now() + kRoundingNs < c->set_ns[which] + timeout_ns)
    Broken(c, "on_timeout %d too early after it was set", which);
  KernelWasAsked(c, which);
  // With the late_recv fault bytes may have arrived long before on_data.
  const bool came = c->came_ns > c->opened_ns && w_.plan.sim.faults.late_recv == 0;
  if (which == EVNET_TIMEOUT_IDLE && came && w_.now() + kRoundingNs < c->came_ns + timeout_ns)
    Broken(c, "is idle for %" PRIu64 " ns only", w_.now() - c->came_ns);
}

// Checks that evnet asked the kernel after the deadline and before it reported the timeout. Bytes
// that were ready for a recv, or room for a send, would have moved the deadline.
void Oracle::KernelWasAsked(const Conn *c, evnet_timeout which) {
  const evnet_sim_state state = Inspect(c);
  const auto timeout_ns = static_cast<uint64_t>(c->timeouts_ms[which]) * kNsPerMs;
  const uint64_t since_ns = std::max({c->opened_ns, c->set_ns[which], c->kept_ns[which]});
  if (which == EVNET_TIMEOUT_IDLE || which == EVNET_TIMEOUT_READ) {
    // deadline_ns is the true deadline or earlier.
    const uint64_t deadline_ns =
        std::max(since_ns, which == EVNET_TIMEOUT_IDLE ? state.server_active_ns : 0) + timeout_ns;
    if (IsBefore(state.receivable_ns, deadline_ns))
      Broken(c, "on_timeout %d, though bytes were ready before the deadline", which);
  }
  // With the refused_send fault a send may fail although there is room.
  if (which == EVNET_TIMEOUT_WRITE && w_.plan.sim.faults.refused_send == 0) {
    const uint64_t deadline_ns = std::max(since_ns, state.server_sent_ns) + timeout_ns;
    if (IsBefore(state.sendable_ns, deadline_ns))
      Broken(c, "on_timeout %d, though there was room before the deadline", which);
  }
}

void Oracle::Prewrite(Conn *c) {
  Enter(c, "on_prewrite");
  if (c->abort_asked) Broken(c, "on_prewrite after abort");
  Announced(c);
}

// Includes the bytes of a write inside on_prewrite that failed after a part was accepted.
void Oracle::Announced(Conn *c) {
  c->announced = c->written.size() + c->perhaps.size() + c->writing;
}

void Oracle::OnlyAnnounced(const Conn *c) {
  const size_t sent = Inspect(c).server_sent_bytes;
  if (w_.plan.on_prewrite && sent > c->announced)
    Broken(c, "%zu bytes were sent, but on_prewrite has run for %zu only", sent, c->announced);
}

void Oracle::Stopping(Conn *c) {
  Enter(c, "on_stopping");
  if (!w_.stop_asked()) Broken(c, "on_stopping without a stop");
  if (c->stopping_told) Broken(c, "on_stopping twice");
  if (c->close_asked || c->abort_asked) Broken(c, "on_stopping after close");
  c->stopping_told = true;
  c->told_late = w_.now() >= w_.stop_by_ns;
  LastRead(c);
}

// A stop reads the bytes that had arrived before it calls on_stopping, unless reading was stopped.
// If holds_max holds or the inbound mark have stopped reading in the meantime, evnet reads later.
void Oracle::LastRead(const Conn *c) {
  if (w_.IsMarked(c) || w_.IsLimited(c)) return;
  if (c->pressed_in_stop || c->told_late || w_.IsHeldBack(c->conn) || HasLastRead(c)) return;
  Broken(c, "%zu bytes had arrived when the stop began, but not all of them were read", c->owed);
}

// Returns whether the bytes that had arrived when the stop began have been read. If the high water
// mark had stopped reading, evnet reads them after on_drain. With the deferred fault the kernel may
// report bytes so late that the stop considers the connection quiet.
bool Oracle::HasLastRead(const Conn *c) const {
  const evnet_sim_state state = Inspect(c);
  if (state.broken || w_.plan.sim.faults.deferred > 0) return true;
  const size_t read = c->client->sent - state.to_server_bytes - state.server_unread_bytes;
  return read >= c->owed;
}

// A client that still reads what was sent gets the time for it, unless it has sent FIN.
void Oracle::LingeredEnough(const Conn *c, const evnet_sim_state &state) {
  const bool may_end = state.broken || state.client_end_arrived || w_.memory.failed() > 0 ||
                       w_.now() >= w_.stop_by_ns || c->linger_ms_min == EVNET_OFF ||
                       c->abort_asked || c->may_time_out[EVNET_TIMEOUT_LIFETIME];
  if (may_end || state.to_client_bytes == 0) return;
  const int64_t timeout_ms = c->timeouts_ms[EVNET_TIMEOUT_WRITE];
  const uint64_t timeout_ns = static_cast<uint64_t>(timeout_ms) * kNsPerMs;
  if (timeout_ms == EVNET_OFF || w_.now() + kRoundingNs < state.to_client_fell_ns + timeout_ns)
    Broken(c, "is closed, though its client still reads what was sent: %zu bytes are left",
           state.to_client_bytes);
}

void Oracle::Closed(Conn *c, int reason) {
  Enter(c, "on_close");
  evnet_sim_note(w_.sim, evnet_status_name(reason), reason, 0, 0);
  if (c->closed) return;
  const evnet_sim_state state = Inspect(c);
  if (Lingers(c, state) && IsOrderly(reason)) LingeredEnough(c, state);
  if (reason == EVNET_REASON_WRITE_TIMEOUT) KernelWasAsked(c, EVNET_TIMEOUT_WRITE);
  if (!IsLegal(c, reason)) Broken(c, "on_close with %s has no cause", evnet_status_name(reason));
  if (reason == EVNET_REASON_DRAIN_DEADLINE && w_.stop_has_time &&
      w_.plan.sim.faults.refused_send == 0 && !w_.IsLimited(c) &&
      IsBefore(state.sendable_ns, w_.stop_by_ns))
    Broken(c, "is reset by the stop, though there was room before its deadline passed");
  if (reason == EVNET_REASON_SHUTDOWN && !c->told_late && !HasLastRead(c))
    Broken(c, "is shut down without a last read: %zu bytes had arrived when the stop began",
           c->owed);
  const size_t queued = evnet_conn_outbound_bytes(c->conn);
  if (IsOrderly(reason) && queued > 0)
    Broken(c, "closes with %s, but %zu bytes are queued", evnet_status_name(reason), queued);
  const size_t unsent = Unsent(c, state);
  if (IsOrderly(reason) && (unsent > 0 || c->file_short))
    Broken(c, "closes with %s, but %zu bytes are unsent", evnet_status_name(reason), unsent);
  c->closed = true;
  c->closed_ns = w_.now();
  c->reason = reason;
  w_.open_conns--;
}

void Oracle::Tick(uint64_t delay_ms) {
  evnet_sim_note(w_.sim, "on_tick", w_.current_reactor, 0, 0);
  if (w_.ticks == 0 && w_.turns > 0) evnet_sim_fail(w_.sim, "the first on_tick after a turn");
  if (w_.current_reactor != 0) evnet_sim_fail(w_.sim, "on_tick on reactor %u", w_.current_reactor);
  if (!w_.booted || w_.shut_down || delay_ms != UINT64_MAX)
    evnet_sim_fail(w_.sim, "on_tick before on_boot, after on_shutdown, or with a delay");
  if (w_.tick_ns == UINT64_MAX || w_.now() + kRoundingNs < w_.tick_ns)
    evnet_sim_fail(w_.sim, "on_tick early");
}

// A turn of reactor 0 calls on_tick once if it was due, and never more than once.
void Oracle::TickedInTurn(uint64_t ticks_before, bool was_due) {
  const uint64_t ticks = w_.ticks - ticks_before;
  if (ticks > 1) evnet_sim_fail(w_.sim, "on_tick %" PRIu64 " times in a turn", ticks);
  if (ticks == 0 && was_due) evnet_sim_fail(w_.sim, "a turn without the on_tick that was due");
}

void Oracle::ShutDown() {
  if (w_.shut_down) evnet_sim_fail(w_.sim, "on_shutdown twice");
  w_.shut_down = true;
  if (w_.open_conns > 0)
    evnet_sim_fail(w_.sim, "on_shutdown with %zu connections open", w_.open_conns);
}

// Bounds and ends

void Oracle::Bounds(Conn *c) {
  const evnet_options &options = w_.plan.server;
  const size_t unread = evnet_conn_inbound_bytes(c->conn);
  const size_t unread_max = w_.plan.unread_bytes_max();
  if (unread > unread_max) Broken(c, "%zu bytes are unread; the bound is %zu", unread, unread_max);
  const size_t queued = evnet_conn_outbound_bytes(c->conn);
  const size_t queued_max =
      options.outbound_bytes_max + (w_.plan.on_prewrite ? kPrewriteBytesMax : 0);
  if (queued > queued_max) Broken(c, "%zu bytes are queued; the bound is %zu", queued, queued_max);
}

void Oracle::EndsNow(Conn *c) {
  if (c->ending_ns == 0) c->ending_ns = w_.now();
}

}  // namespace evnet_simulation
