// The clients of a simulation: each writes, reads and ends by a script of its own.
#ifndef EVNET_NET_SERVER_SIMULATE_CROWD_H_
#define EVNET_NET_SERVER_SIMULATE_CROWD_H_

#include <vector>

#include "net/server/simulate/oracle.h"
#include "net/server/simulate/world.h"

namespace evnet_simulation {

class Crowd {
 public:
  Crowd(World *world, Oracle *oracle);

  uint64_t NextNs() const;  // when the next client wants to do something
  void Step();              // one client whose time has come does something
  void ReadAll();           // all of them read what there is

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
