// The TCP clients of a simulation. Each client writes, reads and closes by its own script.
#ifndef EVNET_NET_SERVER_SIMULATE_CROWD_H_
#define EVNET_NET_SERVER_SIMULATE_CROWD_H_

#include <vector>

#include "net/server/simulate/oracle.h"
#include "net/server/simulate/world.h"

namespace evnet_simulation {

class Crowd {
 public:
  Crowd(World *world, Oracle *oracle);

  uint64_t NextNs() const;  // the time of the next client's step
  void Step();              // runs the step of one client that is due
  void ReadAll();           // all clients read until nothing is left

 private:
  void Connect(Client *client);
  void Act(Client *client);
  void Write(Client *client);
  bool Read(Client *client, size_t most);
  void End(Client *client);

  World &w_;
  Oracle &oracle_;
  std::vector<uint8_t> buffer_;
};

}  // namespace evnet_simulation

#endif  // EVNET_NET_SERVER_SIMULATE_CROWD_H_
