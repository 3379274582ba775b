#include "net/server/simulate/rates.h"

#include <errno.h>

#include <algorithm>

namespace evnet_simulation {
namespace {

// A bucket rounds down, and each pass rounds up.
constexpr double kSlackBytes = 2;
// No wait for a turn in a group takes longer: 30 members, and what late bytes owe.
constexpr uint64_t kWaitNsMax = 4000 * kNsPerMs;

evnet_sim_state Inspect(const Conn *c) {
  evnet_sim_state state;
  evnet_sim_inspect(c->client->socket, &state);
  return state;
}

void Change(Limit *limit, uint64_t rate, uint64_t burst) {
  const auto most = static_cast<double>(burst == 0 ? std::max<uint64_t>(rate / 8, 1) : burst);
  const double level = limit->rate == 0 ? most : std::max(limit->level, 0.0);
  limit->rate = rate;
  limit->burst = most;
  limit->level = std::min(level, most);
}

}  // namespace

// Returns the bytes of the connection that have passed: 0 received, 1 sent.
size_t Rates::Passed(const Conn *c, int way) {
  const evnet_sim_state state = Inspect(c);
  return way == 1 ? state.server_sent_bytes
                  : c->client->sent - state.to_server_bytes - state.server_unread_bytes;
}

evnet_rate Rates::ChooseRate() {
  evnet_rate rate = {};
  // At 100,000 bytes a second, the bytes of a client take a third of a second.
  const auto number = [this](uint32_t most) { return uint64_t{1} + w_.Below(most); };
  if (w_.Chance(600)) rate.receive_bytes_per_s = 100000 + number(2000000);
  if (w_.Chance(600)) rate.send_bytes_per_s = 100000 + number(2000000);
  if (w_.Chance(600)) rate.receive_burst_bytes = number(w_.Chance(500) ? 100 : 20000);
  if (w_.Chance(600)) rate.send_burst_bytes = number(w_.Chance(500) ? 100 : 20000);
  return rate;
}

Rates::Group *Rates::GroupOf(uint32_t reactor) {
  Group &of = groups_[reactor];
  if (of.group != nullptr) return &of;
  const evnet_rate rate = ChooseRate();
  if (evnet_rate_group_create(evnet_server_reactor(w_.server, reactor), &rate, &of.group) < 0) {
    if (w_.memory.failed() == 0) evnet_sim_fail(w_.sim, "a group is refused for no reason");
    return nullptr;
  }
  Change(&of.limits[0], rate.receive_bytes_per_s, rate.receive_burst_bytes);
  Change(&of.limits[1], rate.send_bytes_per_s, rate.send_burst_bytes);
  return &of;
}

int Rates::SetOwn(Conn *c) {
  const evnet_rate rate = w_.Chance(200) ? evnet_rate{} : ChooseRate();
  const int status = evnet_conn_set_rate(c->conn, &rate);
  if (status < 0) return status;
  Change(&c->limits[0], rate.receive_bytes_per_s, rate.receive_burst_bytes);
  Change(&c->limits[1], rate.send_bytes_per_s, rate.send_burst_bytes);
  return 0;
}

int Rates::SetGroup(Conn *c) {
  Group *of = GroupOf(c->id.reactor);
  if (of == nullptr) return -ENOMEM;
  if (w_.Chance(100)) {
    for (const auto &each : w_.conns) {
      if (each->id.reactor == c->id.reactor) each->in_group = false;
    }
    evnet_rate_group_destroy(of->group);
    *of = Group();
    return 0;
  }
  if (w_.Chance(200)) {
    const evnet_rate rate = ChooseRate();
    const int status = evnet_rate_group_set_rate(of->group, &rate);
    Change(&of->limits[0], rate.receive_bytes_per_s, rate.receive_burst_bytes);
    Change(&of->limits[1], rate.send_bytes_per_s, rate.send_burst_bytes);
    return status;
  }
  const bool joins = w_.Chance(800);
  const int status = evnet_conn_set_rate_group(c->conn, joins ? of->group : nullptr);
  if (status == 0) c->in_group = joins;
  return status;
}

int Rates::Set(Conn *c) {
  Measure(c->id.reactor);
  const bool was_limited = w_.IsLimited(c);
  const int status = w_.Chance(500) ? SetOwn(c) : SetGroup(c);
  // Bytes of a flight that began before the limit pass in addition.
  if (status == 0 && !was_limited) c->before_limit = evnet_conn_outbound_bytes(c->conn);
  return status;
}

void Rates::Fill(Limit *limit, uint64_t ns) const {
  if (limit->rate == 0) return;
  const double filled = static_cast<double>(limit->rate) * static_cast<double>(ns) / 1e9;
  limit->level = std::min(limit->burst, limit->level + filled);
}

void Rates::Pass(const Conn *c, Limit *limit, size_t bytes, int way, const char *whose) {
  if (limit->rate == 0) return;
  limit->level -= static_cast<double>(bytes);
  // The kernel may have received bytes before receiving was stopped. A slow callback lets time pass
  // between the passing of bytes and this measurement.
  const bool late = way == 0 && w_.plan.sim.faults.late_recv > 0;
  if (late || w_.plan.slow_callbacks > 0 || limit->level >= -kSlackBytes) return;
  evnet_sim_fail(w_.sim, "connection of client %u: %s %.1f bytes more than the rate of %s allows",
                 c->client->number, way == 1 ? "sent" : "received", -limit->level, whose);
}

// Takes the bytes that have passed since the last measurement out of the models.
void Rates::Measure(uint32_t reactor) {
  measured_ns_.resize(std::max<size_t>(measured_ns_.size(), reactor + 1));
  const uint64_t ns = w_.now() - measured_ns_[reactor];
  measured_ns_[reactor] = w_.now();
  for (int way = 0; way < 2; way++) Fill(&groups_[reactor].limits[way], ns);
  for (const auto &each : w_.conns) {
    Conn *c = each.get();
    if (c->closed || c->id.reactor != reactor) continue;
    for (int way = 0; way < 2; way++) {
      Fill(&c->limits[way], ns);
      const size_t passed = Passed(c, way);
      size_t bytes = passed - c->passed[way];
      c->passed[way] = passed;
      if (way == 1) {
        const size_t before = std::min(bytes, c->before_limit);
        c->before_limit -= before;
        if (w_.plan.sim.faults.flights > 0) bytes -= before;
      }
      // A closing connection discards its input without a limit, and a reset discards what is unread.
      if (way == 0 && (c->takes_nothing || c->ending_ns != 0 || !IsOpen(c) || Inspect(c).broken))
        continue;
      Pass(c, &c->limits[way], bytes, way, "the connection");
      if (c->in_group) Pass(c, &groups_[reactor].limits[way], bytes, way, "its group");
    }
  }
}

void Rates::Turned(uint32_t reactor) { Measure(reactor); }

bool Rates::IsOpen(const Conn *c) { return evnet_conn_write(c->conn, "", 0) != -ENOTCONN; }

// Checks a connection that may wait for its limit only.
void Rates::CheckProgress(Conn *c, int way, bool waits, size_t passed) {
  Wait &wait = c->waits[way];
  if (!waits || wait.since_ns == 0 || wait.passed != passed) {
    wait = {waits ? w_.now() : 0, passed};
    return;
  }
  if (w_.now() > wait.since_ns + kWaitNsMax + w_.stood_still_ns)
    evnet_sim_fail(w_.sim, "connection of client %u: %s nothing, and only a rate holds it back",
                   c->client->number, way == 1 ? "sends" : "receives");
}

void Rates::Idle() {
  for (const auto &each : w_.conns) {
    Conn *c = each.get();
    if (c->closed || !w_.IsLimited(c)) continue;
    const evnet_sim_state state = Inspect(c);
    const size_t queued = evnet_conn_outbound_bytes(c->conn) - state.untold_bytes;
    const bool stopped = c->paused || w_.IsHeldBack(c->conn) || w_.IsFull(c) ||
                         (c->pressed && c->high_action == EVNET_HIGH_STOP_READING);
    CheckProgress(c, 1, queued > 0 && !state.sending, Passed(c, 1));
    CheckProgress(c, 0, !stopped && !state.receiving && state.server_unread_bytes > 0,
                  Passed(c, 0));
  }
}

}  // namespace evnet_simulation
