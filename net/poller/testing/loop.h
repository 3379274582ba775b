// A loop over one poller that keeps a record of every completion, so that a test can say what came,
// in which order and in which turn. A connection that waits at a listener is taken, and recorded as
// an ACCEPT whose result is its descriptor, or why it could not be taken.
#ifndef EVNET_NET_POLLER_TESTING_LOOP_H_
#define EVNET_NET_POLLER_TESTING_LOOP_H_

#include <stdint.h>

#include <functional>
#include <string>
#include <vector>

#include "net/poller/poller.h"

namespace evnet_testing {

struct Event {
  evnet_handle handle;
  evnet_op op;
  bool more;
  int64_t result;
  std::string data;     // RECV, DATAGRAM: a copy
  std::string rest;     // SEND of lent memory: a copy of what was not taken
  evnet_address peer;   // ACCEPT: who connected; DATAGRAM: who sent it
  evnet_address local;  // DATAGRAM; AF_UNSPEC: not told
  bool truncated;       // DATAGRAM
  uint64_t turn;
};

inline bool operator==(const evnet_handle &a, const evnet_handle &b) {
  return a.index == b.index && a.generation == b.generation;
}

class Loop {
 public:
  explicit Loop(evnet_poller *poller) : poller_(poller) {}
  Loop(const Loop &) = delete;
  Loop &operator=(const Loop &) = delete;

  // Called with each completion after it is recorded, from between two calls of next: a handler.
  void OnEvent(std::function<void(const Event &)> handler) { handler_ = std::move(handler); }

  // One wait, then next until it is empty.
  void Turn(int64_t timeout_ns);
  // Turns until `done`, asked after every turn. False, and a failed test, at the deadline.
  bool RunUntil(const std::function<bool()> &done);

  // Within OnEvent, of a RECV: the bytes where the poller has them.
  const uint8_t *data() const { return data_; }

  const std::vector<Event> &events() const { return events_; }
  void Clear() { events_.clear(); }

  // Of the events recorded since Clear: those of a handle, those of an operation on it, and its
  // bytes joined.
  std::vector<Event> Of(evnet_handle handle) const;
  std::vector<Event> Of(evnet_handle handle, evnet_op op) const;
  std::string Data(evnet_handle handle) const;
  // The handle's events as text, runs of RECV bytes joined: "RECV:abc RECV=0 DETACH=0".
  std::string Story(evnet_handle handle) const;

 private:
  evnet_poller *const poller_;
  std::function<void(const Event &)> handler_;
  std::vector<Event> events_;
  uint64_t turn_ = 0;
  const uint8_t *data_ = nullptr;
};

}  // namespace evnet_testing

#endif  // EVNET_NET_POLLER_TESTING_LOOP_H_
