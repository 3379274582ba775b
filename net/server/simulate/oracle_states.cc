// The rules when no participant can run, and at the end.
#include <inttypes.h>

#include <algorithm>

#include "net/server/simulate/oracle.h"

namespace evnet_simulation {

// Called when no participant can run. A callback or a send that is still due now is lost.
void Oracle::IdleConn(const Conn *c) {
  const evnet_sim_state state = Inspect(c);
  if (!state.attached) Broken(c, "is open, but has no handle");
  // evnet reports a reset, unless both sides had sent FIN before.
  if (state.broken && !(state.server_ended && state.client_end_arrived))
    Broken(c, "a reset was not reported");
  // Bytes of completed flights do not count as queued: the kernel reports them only when asked.
  const size_t queued = evnet_conn_outbound_bytes(c->conn) - state.untold_bytes;
  const size_t unsent = Unsent(c, state);
  const bool sends = queued > 0 || unsent > 0 || c->file_short;
  // A rate may hold back what is neither sent nor received; rates.cc checks that this ends.
  const bool limited = w_.IsLimited(c);
  if (sends && !state.sending && !limited)
    Broken(c, "%zu bytes are unsent, but no send is pending", unsent);
  if (c->write_ended && !sends && !state.server_ended) Broken(c, "its FIN was not sent");
  const bool open = IsOpen(c);
  if (!open && !sends && !limited && !(state.server_ended && state.receiving))
    Broken(c, "is closing, but neither sends nor waits for its client");
  const bool stopped = c->paused || w_.IsHeldBack(c->conn) ||
                       (c->pressed && c->high_action == EVNET_HIGH_STOP_READING);
  if (!open) return;
  if (c->stopping_told && c->holds == 0 && evnet_conn_inbound_bytes(c->conn) == 0 && !sends &&
      !limited)
    Broken(c, "has nothing left to do, but the stop does not close it");
  Overdue(c, state);
  if (c->below > queued) Broken(c, "an on_below was lost");
  if (stopped) return;
  if (c->wake_due && w_.plan.on_data && w_.memory.failed() == 0) Broken(c, "a wake was lost");
  if (c->handler_is_new && evnet_conn_inbound_bytes(c->conn) > 0)
    Broken(c, "a new handler does not get the unread bytes");
  if (w_.IsFull(c)) {
    if (state.receiving) Broken(c, "receives above the inbound mark");
    return;
  }
  if (limited && !state.receiving) return;
  if (!state.client_end_arrived) {
    if (!state.receiving) Broken(c, "does not receive, though reading is not stopped");
  } else if (w_.plan.on_half_close ? !c->half_closed : c->holds == 0) {
    Broken(c, "its client's FIN was lost");
  }
}

// Checks that no timeout of an open connection has passed without a report.
void Oracle::Overdue(const Conn *c, const evnet_sim_state &state) {
  // A slow callback delays the time stamps of its acts to its end.
  const uint64_t moved_ns = w_.plan.slow_callbacks > 0 ? w_.stood_still_ns : 0;
  const uint64_t by_now = w_.now() - 2 * kRoundingNs - moved_ns;
  // A flight counts as sent when it begins, although the kernel may then refuse all of it.
  const uint64_t flew_ns = w_.plan.sim.faults.flights > 0 ? c->wrote_ns : 0;
  const uint64_t active_ns = std::max({state.server_active_ns, flew_ns, c->opened_ns});
  const auto overdue = [&](evnet_timeout which, uint64_t since_ns) {
    const int64_t timeout_ms = c->timeouts_ms[which];
    since_ns = std::max({since_ns, c->set_ns[which], c->kept_ns[which]});
    return timeout_ms != EVNET_OFF &&
           by_now > since_ns + static_cast<uint64_t>(timeout_ms) * kNsPerMs;
  };
  if (overdue(EVNET_TIMEOUT_IDLE, active_ns) && !w_.IsLimited(c))
    Broken(c, "is idle for %" PRIu64 " ns without a report", w_.now() - active_ns);
  if (overdue(EVNET_TIMEOUT_LIFETIME, c->opened_ns))
    Broken(c, "is past its lifetime without a report");
}

// A client may be in the backlog only if the server is full, or if accept(2) failed less than 100
// ms ago and will be retried.
void Oracle::IdleListener() {
  constexpr uint64_t kRetryNs = 100 * kNsPerMs;
  evnet_sim_stats stats;
  evnet_sim_stats_of(w_.sim, &stats);
  const size_t most = w_.plan.server.connections_max - w_.plan.server.dials_reserved;
  const bool pauses =
      w_.plan.server.connections_full_action == EVNET_FULL_PAUSE && !w_.plan.server.reuse_port;
  if (w_.stop_asked() || (pauses && most > 0 && w_.open_conns + w_.open_dials >= most)) return;
  if (w_.now() <= stats.accept_failed_ns + kRetryNs + 2 * kRoundingNs) return;
  for (const auto &client : w_.clients) {
    evnet_sim_state state = {};
    if (client->socket == nullptr) continue;
    const Address &address = w_.addresses[client->listener];
    if (w_.all_paused || address.paused) continue;
    if (address.added_ns != 0 && w_.now() <= address.added_ns + kRetryNs) continue;
    evnet_sim_inspect(client->socket, &state);
    if (state.waiting)
      evnet_sim_fail(w_.sim, "client %u waits, but the server does not accept", client->number);
  }
}

void Oracle::Turned(uint32_t reactor, bool stop_is_over) {
  for (const auto &each : w_.conns) {
    Conn *c = each.get();
    if (c->id.reactor != reactor) continue;
    OnlyAnnounced(c);
    if (c->closed) continue;
    if (stop_is_over) Broken(c, "is still open after a turn past the deadline of the stop");
    const evnet_sim_state state = Inspect(c);
    if (state.server_ended && state.receiving && evnet_conn_outbound_bytes(c->conn) == 0 &&
        !IsOpen(c))
      c->lingers = true;
  }
}

void Oracle::Idle() {
  IdleListener();
  for (const auto &c : w_.conns) {
    if (!c->closed) IdleConn(c.get());
  }
}

// Returns whether the server may have reset a connection that it closed gracefully. It may if the
// client continued to send and lingering had timed out or was off.
bool Oracle::MayHaveReset(const Conn *c, const evnet_sim_state &state) const {
  switch (c->reason) {
    case EVNET_REASON_LOCAL:
    case EVNET_REASON_SHUTDOWN:
    case EVNET_REASON_IDLE_TIMEOUT:
    case EVNET_REASON_READ_TIMEOUT:
    case EVNET_REASON_INBOUND_OVERFLOW:
      break;
    case EVNET_REASON_PEER:
      return false;
    default:
      return true;
  }
  if (c->may_time_out[EVNET_TIMEOUT_LIFETIME]) return true;  // the lifetime bounds lingering, too
  if (state.client_reset || c->linger_ms_min == EVNET_OFF || c->closed_ns >= w_.stop_by_ns)
    return true;
  const uint64_t linger_ms = static_cast<uint64_t>(c->linger_ms_min);
  const uint64_t since = c->reason == EVNET_REASON_SHUTDOWN ? w_.stop_asked_ns : c->ending_ns;
  return c->closed_ns + kRoundingNs >= since + linger_ms * kNsPerMs;
}

void Oracle::FinalClient(const Client *client) {
  if (client->socket == nullptr) return;
  const Conn *c = client->conn;
  evnet_sim_state state;
  evnet_sim_inspect(client->socket, &state);
  if (state.to_client_bytes > 0 && !client->closed)
    evnet_sim_fail(w_.sim, "bytes to client %u are still in flight", client->number);
  if (client->closed) return;
  if (!client->saw_end && !client->saw_reset)
    evnet_sim_fail(w_.sim, "client %u is still connected, though the server is gone",
                   client->number);
  if (c == nullptr || !client->saw_reset || state.network_reset) return;
  if (!MayHaveReset(c, state))
    Broken(c, "its client sees a reset, though it closed gracefully with %s",
           evnet_status_name(c->reason));
}

void Oracle::Stats(const struct evnet_server_stats &stats) {
  const size_t all = w_.conns.size();
  if (stats.connections_open != 0 || stats.reactors != w_.ended.size())
    evnet_sim_fail(w_.sim, "%" PRIu64 " connections are open on %u reactors",
                   stats.connections_open, stats.reactors);
  const uint64_t left = stats.connections_dialling + stats.connections_flushing +
                        stats.connections_lingering + stats.lookups_pending + stats.inbound_bytes +
                        stats.outbound_bytes + stats.mailbox_bytes;
  if (left != 0) evnet_sim_fail(w_.sim, "statistics: %" PRIu64 " are left after the stop", left);
  evnet_sim_stats sim;
  evnet_sim_stats_of(w_.sim, &sim);
  const evnet_options &options = w_.plan.server;
  // At connections_max a server accepts connections only if it refuses them (EVNET_FULL_REFUSE).
  const bool refuses =
      options.connections_full_action == EVNET_FULL_REFUSE || w_.plan.server.reuse_port;
  const bool may_refuse = (refuses && options.connections_max > 0) ||
                          options.connections_per_address_max > 0 ||
                          options.mailbox_bytes_max > 0 || w_.memory.failed() > 0 ||
                          w_.plan.sim.faults.attach_failure > 0;
  if (stats.connections_refused + all > sim.accepts ||
      (stats.connections_refused > 0 && !may_refuse))
    evnet_sim_fail(w_.sim, "%" PRIu64 " connections are refused, %zu opened, of %" PRIu64,
                   stats.connections_refused, all, sim.accepts);
}

void Oracle::TheEnd() {
  for (const auto &client : w_.clients) FinalClient(client.get());
  for (const auto &c : w_.conns) {
    if (!c->closed) Broken(c.get(), "had no on_close");
    const evnet_sim_state state = Inspect(c.get());
    const bool both_ended = state.server_ended && state.client_end_arrived;
    if (c->reason == EVNET_REASON_DRAIN_DEADLINE && !state.broken && !both_ended)
      Broken(c.get(), "is not reset at the deadline of the stop");
  }
  evnet_sim_stats stats;
  evnet_sim_stats_of(w_.sim, &stats);
  if (stats.pollers + stats.descriptors + stats.handles > 0)
    evnet_sim_fail(w_.sim, "left over: %u pollers, %u descriptors, %u handles", stats.pollers,
                   stats.descriptors, stats.handles);
  if (w_.tasks > 0) evnet_sim_fail(w_.sim, "%zu posted functions never ran", w_.tasks);
  if (w_.memory.live_blocks() > 0)
    evnet_sim_fail(w_.sim, "%zu bytes were not freed", w_.memory.live_bytes());
  const evnet_options &options = w_.plan.server;
  // The largest number of queued files, each with a block for the bytes after it.
  constexpr size_t kFilesBytes = 64 * (4096 + 128);
  constexpr size_t kDialBytes = 16384;  // a dial in progress with 64 addresses
  // A ring doubles its size, and the old ring exists until the new one is filled. A queue that is
  // never empty doubles the size of each new block, up to 64 KiB.
  const size_t per_conn = 4 * w_.plan.unread_bytes_max() + 2 * options.outbound_bytes_max +
                          2 * (64 << 10) + kFilesBytes;
  // One more dial is created before lookups_max refuses it.
  const size_t most = w_.booted_bytes + kDialBytes +
                      w_.plan.udp_addresses * options.udp_outbound_bytes_max +
                      w_.request_bytes_max + w_.open_conns_max * per_conn +
                      w_.open_dials_max * (per_conn + kDialBytes) +
                      (w_.tasks_max + w_.clients.size() + 1) * 512 + w_.changes_max * 1024;
  if (w_.booted && w_.memory.peak_bytes() > most)
    evnet_sim_fail(w_.sim, "%zu bytes were in use; the bound is %zu", w_.memory.peak_bytes(), most);
}

}  // namespace evnet_simulation
