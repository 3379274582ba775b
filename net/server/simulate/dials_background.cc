// The rules for dials and background connections while a stop drains. They continue until no other
// connection is left on any reactor, and then close with EVNET_REASON_SHUTDOWN.
#include <algorithm>

#include "net/server/simulate/dials.h"
#include "net/server/simulate/dials_record.h"

namespace evnet_simulation {

void Dials::Mark(Dial *dial, evnet_conn *conn) {
  const bool background = w_.Chance(500);
  const int status = evnet_conn_set_background(conn, background);
  evnet_sim_note(w_.sim, "background", dial->number, background, status);
  if (status == 0) {
    dial->background = background;
  } else if (status != -ENOTCONN) {
    Broken(dial, "is not marked: %s", evnet_status_name(status));
  }
}

// Returns whether a connection is open that the stop waits for. A connection that was dialled and
// opened after the stop began does not count, because the stop need not wait for it.
bool Dials::IsForegroundOpen() const {
  const auto is_before = [&](uint64_t opened_ns) { return opened_ns < w_.stop_asked_ns; };
  return w_.open_conns > 0 || std::any_of(dials_.begin(), dials_.end(), [&](const auto &dial) {
           return dial->opened && !dial->closed && !dial->background && is_before(dial->opened_ns);
         });
}

bool Dials::MayEndBackground() const {
  return w_.stop_asked() && (w_.now() >= w_.stop_by_ns || !IsForegroundOpen());
}

// Called when an open dialled connection has closed with EVNET_REASON_SHUTDOWN.
void Dials::Stopped(const Dial *dial) const {
  if (!w_.stop_asked()) Broken(dial, "is shut down without a stop");
  if (dial->background && !MayEndBackground())
    Broken(dial, "is in the background, but is shut down before the last other connection");
}

// Called when no participant can run, before the clock advances.
void Dials::IdleInStop() const {
  if (!w_.stop_asked() || w_.open_conns > 0 || w_.plan.udp_addresses > 0) return;
  for (const auto &dial : dials_) {
    if (dial->opened && !dial->closed && !dial->background) return;
  }
  for (const auto &dial : dials_) {
    if (dial->begun && !dial->closed) Broken(dial.get(), "keeps a stop waiting");
  }
}

}  // namespace evnet_simulation
