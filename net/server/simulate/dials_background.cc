// What must hold of dials and of connections in the background while a stop drains: they go on, and
// end with EVNET_REASON_SHUTDOWN when no other connection is left on any reactor.
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

// Whether a connection is open that a stop waits for. One that was dialled, and came after the stop
// was asked for, may be for nobody any more.
bool Dials::IsForegroundOpen() const {
  const auto is_before = [&](uint64_t opened_ns) { return opened_ns < w_.stop_asked_ns; };
  return w_.open_conns > 0 || std::any_of(dials_.begin(), dials_.end(), [&](const auto &dial) {
           return dial->opened && !dial->closed && !dial->background && is_before(dial->opened_ns);
         });
}

bool Dials::MayEndBackground() const {
  return w_.stop_asked() && (w_.now() >= w_.stop_by_ns || !IsForegroundOpen());
}

// An open one has ended with EVNET_REASON_SHUTDOWN.
void Dials::Stopped(const Dial *dial) const {
  if (!w_.stop_asked()) Broken(dial, "is shut down without a stop");
  if (dial->background && !MayEndBackground())
    Broken(dial, "is in the background, and is shut down before the last other connection");
}

// Nothing can go on, and no time has passed since.
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
