// A connection's settings: the initial ones, and the changes that the handler makes.
#include <errno.h>

#include <algorithm>

#include "net/server/simulate/handler.h"
#include "net/server/simulate/rates.h"

namespace evnet_simulation {
namespace {

int64_t OrDefault(int64_t value, int64_t by_default) { return value == 0 ? by_default : value; }

void NoteTimeout(Conn *c, int which, int64_t timeout_ms) {
  c->timeouts_ms[which] = timeout_ms;
  c->may_time_out[which] = c->may_time_out[which] || timeout_ms != EVNET_OFF;
}

void NoteLinger(Conn *c, int64_t linger_ms) {
  const bool none = linger_ms == EVNET_OFF || c->linger_ms_min == EVNET_OFF;
  c->linger_ms_min = none ? EVNET_OFF : std::min(c->linger_ms_min, linger_ms);
}

void NoteHighAction(Conn *c, evnet_high_action action) {
  c->high_action = action;
  c->high_action_is_new = true;
  c->high_may_close = c->high_may_close || action == EVNET_HIGH_CLOSE;
}

}  // namespace

void Handler::BeginSettings(Conn *c) {
  const evnet_options &options = w_.plan.server;
  NoteTimeout(c, EVNET_TIMEOUT_IDLE, OrDefault(options.idle_timeout_ms, EVNET_OFF));
  NoteTimeout(c, EVNET_TIMEOUT_READ, OrDefault(options.read_timeout_ms, EVNET_OFF));
  NoteTimeout(c, EVNET_TIMEOUT_WRITE, OrDefault(options.write_timeout_ms, 30000));
  NoteTimeout(c, EVNET_TIMEOUT_LIFETIME, OrDefault(options.lifetime_ms, EVNET_OFF));
  c->linger_ms_min = OrDefault(options.linger_ms, 2000);
  NoteHighAction(c, options.outbound_high_action);
}

void Handler::Set(Conn *c) {
  // Record the new values before the call, because the call may run callbacks. Restore the old
  // values if it fails.
  const bool was_open = Oracle::IsOpen(c);
  const std::vector<int64_t> timeouts_before(std::begin(c->timeouts_ms), std::end(c->timeouts_ms));
  const std::vector<uint64_t> set_before(std::begin(c->set_ns), std::end(c->set_ns));
  const evnet_high_action action_before = c->high_action;
  int status;
  switch (w_.Below(10)) {
    case 0: {
      const auto which = static_cast<evnet_timeout>(w_.Below(4));
      const int64_t timeout_ms = w_.Chance(300) ? EVNET_OFF : 1 + w_.Below(200);
      NoteTimeout(c, which, timeout_ms);
      c->set_ns[which] = w_.now();
      status = evnet_conn_set_timeout(c->conn, which, timeout_ms);
      break;
    }
    case 1: {
      const int64_t linger_ms = w_.Chance(300) ? EVNET_OFF : 1 + w_.Below(200);
      NoteLinger(c, linger_ms);
      status = evnet_conn_set_linger(c->conn, linger_ms);
      break;
    }
    case 2: {
      const size_t room = w_.plan.server.outbound_bytes_max - w_.plan.server.read_turn_bytes_max;
      const size_t high = 1 + w_.Below(static_cast<uint32_t>(std::max<size_t>(room, 1)));
      status = evnet_conn_set_water_marks(c->conn, high, w_.Below(static_cast<uint32_t>(high)));
      break;
    }
    case 3:
    case 4: {
      const size_t mark = std::max<size_t>(w_.plan.server.inbound_high_water_bytes, 1);
      const size_t bytes =
          w_.Chance(200) ? 0 : 1 + w_.Below(static_cast<uint32_t>(mark + mark / 8 + 1));
      status = evnet_conn_need(c->conn, bytes);
      if (status == 0) c->need = bytes;
      break;
    }
    case 6:
    case 7:
    case 8:
      status = w_.plan.rates ? rates_->Set(c) : 0;
      break;
    case 5: {
      const size_t bytes = w_.Chance(100) ? 0 : 1 + w_.Below(20000);
      status = evnet_conn_notify_below(c->conn, bytes);
      if (status == 0) c->below = bytes;
      break;
    }
    default: {
      const auto action =
          static_cast<evnet_high_action>(w_.Chance(50)    ? EVNET_HIGH_CLOSE
                                         : w_.Chance(500) ? EVNET_HIGH_NOTIFY
                                                          : EVNET_HIGH_STOP_READING);
      NoteHighAction(c, action);
      status = evnet_conn_set_high_action(c->conn, action);
    }
  }
  evnet_sim_note(w_.sim, "setting", w_.current_reactor, static_cast<int64_t>(c->id.index), status);
  if (status == 0) return;
  const bool legal =
      (status == -ENOTCONN && !was_open) || (status == -ENOMEM && w_.memory.failed() > 0);
  if (!legal)
    evnet_sim_fail(w_.sim, "a setting is refused for no reason with %s", evnet_status_name(status));
  std::copy(set_before.begin(), set_before.end(), c->set_ns);
  std::copy(timeouts_before.begin(), timeouts_before.end(), c->timeouts_ms);
  c->high_action = action_before;
}

void Handler::SetHandler(Conn *c) {
  if (faces_.Change(c->conn)) c->handler_is_new = true;
}

}  // namespace evnet_simulation
