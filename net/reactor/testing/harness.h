// A reactor under test, which the test's thread drives turn by turn, with a listener and recorded
// callbacks.
//
//   Harness harness;
//   harness.on.data = [](evnet_conn *conn) { ...; return EVNET_NONE; };
//   harness.Start();
//   Harness::Pair pair = harness.Connect();
//   pair.client.Write("x");
//   harness.Until([&] { return harness.Of(pair).closed == 1; });
//
// Each callback checks the rules for its connection: on_open comes first and once, on_close comes
// last and once, and after Close or Abort only callbacks that the contract permits.
//
// A failed test prints the harness's connections with the last events and calls of each.
#ifndef EVNET_NET_REACTOR_TESTING_HARNESS_H_
#define EVNET_NET_REACTOR_TESTING_HARNESS_H_

#include <stddef.h>
#include <stdint.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "net/base/testing/explain.h"
#include "net/base/testing/failing_allocator.h"
#include "net/base/testing/place.h"
#include "net/base/testing/status.h"
#include "net/poller/testing/backend.h"
#include "net/reactor/dial.h"
#include "net/reactor/owner.h"
#include "net/reactor/testing/client.h"
#include "net/reactor/testing/kernel.h"
#include "net/reactor/testing/steps.h"
#include "net/reactor/timer.h"

namespace evnet_testing {

// The recorded events of one connection.
struct Record {
  evnet_conn *conn = nullptr;
  int opened = 0;
  int closed = 0;
  Status reason;
  bool ending = false;   // Close or Abort was called
  bool dialled = false;  // by Dial: it may have on_close without on_open
  std::string received;
  // "open", "data", "half_close", "pressure", "drain", "below", "timeout 0", "prewrite", "stopping", "close"
  std::vector<std::string> events;
  Steps steps;  // the same and the calls, for the message of a failed test
  uint64_t steps_printed = 0;
  std::string dialled_to;

  int Count(const std::string &event) const;
  std::string Story() const;  // the events in one line, without "data" and "prewrite"
};

// An unset callback is NULL in the handler, with three exceptions: on_open and on_close always
// record, and on_data then appends all bytes to Record::received. A callback may be changed while
// the reactor runs, but not from unset to set.
struct Callbacks {
  std::function<evnet_action(evnet_conn *)> open, data, half_close, pressure, drain, below;
  std::function<evnet_action(evnet_conn *, evnet_timeout)> timeout;
  std::function<evnet_action(evnet_conn *, int)> close;
  std::function<void(evnet_conn *)> prewrite, stopping;
};

class Harness {
 public:
  struct Pair {
    Client client;
    evnet_conn *conn = nullptr;
    uint64_t generation = 0;
  };

  Harness();
  ~Harness();
  Harness(const Harness &) = delete;
  Harness &operator=(const Harness &) = delete;

  // Set before Start.
  Callbacks on;
  evnet_reactor_options options = {};
  evnet_listen_options listen_options = {};
  evnet_reactor_owner owner = {};
  bool null_data = false;  // on_data is NULL

  void Start();
  int TryStart();  // returns the first error of creating and listening, or 0
  void Destroy();  // checks that no memory is leaked and every connection has closed once

  evnet_reactor *reactor() { return reactor_; }
  const evnet_address &address() const { return address_; }
  FailingAllocator &allocator() { return allocator_; }

  // Connects, and returns the pair when on_open has run.
  Pair Connect(int client_receive_buffer_bytes = 0, Place place = Place::Here());
  // Connects without waiting for on_open.
  Client ConnectOnly(int client_receive_buffer_bytes = 0);

  // Calls evnet_dial and expects 0. A test that calls evnet_dial itself sets Record::dialled.
  struct evnet_conn_id Dial(const std::string &address, const evnet_dial_options &dial_options = {},
                            Place place = Place::Here());
  Record &Of(const struct evnet_conn_id &id) { return records_[id.generation]; }
  // Returns the listener's address as text.
  std::string AddressText() const;

  int Turn(int64_t wait_ms = 0);
  void Turns(int count, Place place = Place::Here());
  // Turns until `done` returns true. At the deadline the test fails and Until returns false.
  bool Until(const std::function<bool()> &done, Place place = Place::Here());
  // Turns until the kernel has reported everything, so that nothing happens without a new cause.
  void Settle(Place place = Place::Here()) { Turns(16, place); }
  // Runs `function` on the reactor, as a posted function, in the next turn.
  void Post(std::function<void()> function);

  // Reads until `bytes` bytes have arrived, or EOF.
  std::string ReadExactly(Client *client, size_t bytes, Place place = Place::Here());
  // Reads up to EOF and returns the bytes.
  std::string ReadToEnd(Client *client, Place place = Place::Here());

  // Close or abort a connection and record it. Only on_close and on_prewrite may follow.
  void Close(evnet_conn *conn);
  void Abort(evnet_conn *conn);

  Record &Of(const evnet_conn *conn);
  Record &Of(const Pair &pair) { return records_[pair.generation]; }
  std::map<uint64_t, Record> &records() { return records_; }
  size_t open_count() const;
  struct evnet_reactor_stats Stats();

  // Adds a call to the steps of a connection of one of this thread's harnesses.
  static void NoteCall(const evnet_conn *conn, Step::Kind kind, const char *name, int64_t asked,
                       int64_t value);

 private:
  static Harness *Self(void *user) { return static_cast<Harness *>(user); }
  static evnet_action OnOpen(evnet_conn *conn, void *user);
  static evnet_action OnData(evnet_conn *conn, void *user);
  static evnet_action OnHalfClose(evnet_conn *conn, void *user);
  static evnet_action OnPressure(evnet_conn *conn, void *user);
  static evnet_action OnDrain(evnet_conn *conn, void *user);
  static evnet_action OnBelow(evnet_conn *conn, void *user);
  static evnet_action OnTimeout(evnet_conn *conn, evnet_timeout which, void *user);
  static void OnPrewrite(evnet_conn *conn, void *user);
  static void OnStopping(evnet_conn *conn, void *user);
  static evnet_action OnClose(evnet_conn *conn, int reason, void *user);
  // Records an event of an open connection.
  Record &Note(evnet_conn *conn, const char *event, Step step, bool also_when_ending = false);
  // Until, for a helper that can name what it waits for and how far that came.
  bool Wait(const std::function<bool()> &done, Place place, const char *what,
            const std::function<std::string()> &progress);
  void AddStep(Record *record, Step step);
  // Prints the connections with the latest steps, each with those steps that are not printed yet.
  void Explain(std::ostream *out);
  // Records the effect of a returned action.
  static evnet_action Answer(Record *record, evnet_action action);

  FailingAllocator allocator_;
  evnet_reactor *reactor_ = nullptr;
  evnet_address address_ = {};
  std::map<uint64_t, Record> records_;
  std::vector<evnet_conn *> opened_;
  uint64_t turns_ = 0;
  Witness witness_;
};

// Returns bytes of a pattern in which no part equals its neighbours.
std::string Pattern(size_t size, uint32_t seed = 1);

// Returns the bytes of evnet_conn_peek.
std::string Peek(evnet_conn *conn);
// Consumes and returns all unread bytes.
std::string TakeAll(evnet_conn *conn);
ssize_t Write(evnet_conn *conn, const std::string &data);

}  // namespace evnet_testing

#endif  // EVNET_NET_REACTOR_TESTING_HARNESS_H_
