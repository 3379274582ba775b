// Rate limits in a simulation: the handler sets them, and a model of the buckets checks that never
// more bytes pass than a limit allows, and that a connection that only a limit holds back goes on.
#ifndef EVNET_NET_SERVER_SIMULATE_RATES_H_
#define EVNET_NET_SERVER_SIMULATE_RATES_H_

#include <vector>

#include "net/server/simulate/world.h"

namespace evnet_simulation {

class Rates {
 public:
  explicit Rates(World *world) : w_(*world), groups_(EVNET_REACTORS_MAX) {}

  // Changes the limits or the group of a connection of the reactor that runs now.
  //
  // Returns: the status of the call.
  int Set(Conn *c);
  void Turned(uint32_t reactor);  // called after a reactor's turn
  void Idle();                    // called when no participant can run

 private:
  struct Group {
    evnet_rate_group *group = nullptr;
    Limit limits[2];
  };

  evnet_rate ChooseRate();
  int SetOwn(Conn *c);
  int SetGroup(Conn *c);
  Group *GroupOf(uint32_t reactor);  // NULL: there is no memory for one
  void Measure(uint32_t reactor);
  void Fill(Limit *limit, uint64_t ns) const;
  void Pass(const Conn *c, Limit *limit, size_t bytes, int way, const char *whose);
  void CheckProgress(Conn *c, int way, bool waits, size_t passed);
  static bool IsOpen(const Conn *c);
  static size_t Passed(const Conn *c, int way);

  World &w_;
  std::vector<Group> groups_;          // by reactor; made when it is first used
  std::vector<uint64_t> measured_ns_;  // by reactor
};

}  // namespace evnet_simulation

#endif  // EVNET_NET_SERVER_SIMULATE_RATES_H_
