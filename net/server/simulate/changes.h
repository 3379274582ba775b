// Requests of a simulation that change the addresses of the server: other threads add and remove
// addresses, and pause and resume accepting. Clients connect to the addresses that exist.
#ifndef EVNET_NET_SERVER_SIMULATE_CHANGES_H_
#define EVNET_NET_SERVER_SIMULATE_CHANGES_H_

#include <memory>
#include <vector>

#include "net/server/simulate/faces.h"
#include "net/server/simulate/world.h"

namespace evnet_simulation {

class Changes {
 public:
  Changes(World *world, Faces *faces);

  uint64_t NextNs() const;  // the time of the next request
  void Step();              // posts a request
  void TheEnd();

 private:
  enum class Kind { kPause, kResume, kAdd, kRemove };
  struct Request {
    Changes *changes;
    Kind kind;
    size_t index;
    uint32_t face = 0;  // of an address that is added
    int expected;       // unless a stop has begun or memory has run out
    bool accepted = false;
    bool told = false;
  };

  static void OnDone(evnet_server *server, size_t index, int status, void *user);
  void Done(Request *request, size_t index, int status);
  size_t Aim();
  int Call(Request *request);
  void Expect(Request *request);

  World &w_;
  Faces &faces_;
  uint64_t next_ns_ = UINT64_MAX;
  std::vector<std::unique_ptr<Request>> requests_;
};

}  // namespace evnet_simulation

#endif  // EVNET_NET_SERVER_SIMULATE_CHANGES_H_
