// A loop over one poller that records every completion, so that a test can check which completions
// came, in which order and in which turn. The loop accepts each connection that is queued at a
// listener. It records an ACCEPT whose result is the connection's descriptor or the error of
// accepting it. A failed test prints the last completions.
#ifndef EVNET_NET_POLLER_TESTING_LOOP_H_
#define EVNET_NET_POLLER_TESTING_LOOP_H_

#include <stdint.h>

#include <functional>
#include <string>
#include <vector>

#include "net/base/testing/explain.h"
#include "net/base/testing/place.h"
#include "net/poller/poller.h"

namespace evnet_testing {

struct Event {
  evnet_handle handle;
  evnet_op op;
  bool more;
  int64_t result;
  std::string data;     // RECV, DATAGRAM: a copy
  std::string rest;     // SEND of lent memory: a copy of the bytes not taken
  evnet_address peer;   // ACCEPT: the peer; DATAGRAM: the sender
  evnet_address local;  // DATAGRAM; AF_UNSPEC: not reported
  bool truncated;       // DATAGRAM
  uint64_t turn;
};

inline bool operator==(const evnet_handle &a, const evnet_handle &b) {
  return a.index == b.index && a.generation == b.generation;
}

class Loop {
 public:
  explicit Loop(evnet_poller *poller);
  Loop(const Loop &) = delete;
  Loop &operator=(const Loop &) = delete;

  // Sets a handler, which is called with each completion after it is recorded, between two calls of
  // next.
  void OnEvent(std::function<void(const Event &)> handler) { handler_ = std::move(handler); }

  // Calls wait once, then next until it returns false.
  void Turn(int64_t timeout_ns);
  // Runs turns until `done` returns true; it is called after every turn. At the deadline, fails the
  // test and returns false.
  bool RunUntil(const std::function<bool()> &done, Place place = Place::Here());

  // Within OnEvent of a RECV: the received bytes in the poller's memory.
  const uint8_t *data() const { return data_; }

  const std::vector<Event> &events() const { return events_; }
  void Clear() { events_.clear(); }

  // These consider the events recorded since Clear: the events of a handle, the events of an
  // operation on it, and its received bytes joined.
  std::vector<Event> Of(evnet_handle handle) const;
  std::vector<Event> Of(evnet_handle handle, evnet_op op) const;
  std::string Data(evnet_handle handle) const;
  // Returns the handle's events as text, with the bytes of consecutive RECVs joined: "RECV:abc
  // RECV=0 DETACH=0".
  std::string Story(evnet_handle handle) const;

 private:
  void Explain(std::ostream *out) const;

  evnet_poller *const poller_;
  std::function<void(const Event &)> handler_;
  std::vector<Event> events_;
  uint64_t turn_ = 0;
  const uint8_t *data_ = nullptr;
  const Witness witness_;
};

}  // namespace evnet_testing

#endif  // EVNET_NET_POLLER_TESTING_LOOP_H_
