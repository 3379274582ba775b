// Watches of a simulated server: functions posted to its reactors start, change and stop watches of
// devices, and others make the devices ready. The callbacks use up what is ready, wholly, partly or
// not at all, and start, change and stop other watches.
//
// The rules:
// - A callback comes only for a watch that runs, on its reactor, at most once a turn, and with
//   exactly the events that hold and are to be reported.
// - A watch that is ready has its callback within a few turns, again and again until it is drained.
// - When a reactor ends, each of its watches that runs has one last callback, EVNET_WATCH_ENDED.
#ifndef EVNET_NET_SERVER_SIMULATE_WATCHES_H_
#define EVNET_NET_SERVER_SIMULATE_WATCHES_H_

#include <memory>
#include <vector>

#include "net/reactor/watch.h"
#include "net/server/simulate/handler.h"
#include "net/server/simulate/world.h"

namespace evnet_simulation {

class Watches {
 public:
  Watches(World *world, Handler *handler);
  Watches(const Watches &) = delete;
  Watches &operator=(const Watches &) = delete;

  uint64_t NextNs() const { return next_ns_; }
  void Step();
  void Turning(uint32_t reactor);  // before a turn
  void Turned(uint32_t reactor);   // after it
  void Idle() const;               // no participant can run
  void TheEnd();

 private:
  struct Device {
    evnet_sim_device *sim;
    int descriptor;
    uint32_t pending;  // units to read
    bool has_room;
    uint32_t trouble;  // EVNET_WATCH_ERROR, EVNET_WATCH_HANGUP
    bool closed;
  };
  struct Watch {
    Watches *watches;
    evnet_watcher watcher;
    Device *device;
    uint32_t reactor;
    uint32_t events;
    bool running;
    bool was_ready;     // before the turn, and since
    bool called;        // in this turn
    uint32_t late;      // consecutive turns without a callback although it was ready
    uint64_t callback;  // the turn of the last callback
  };

  static void Ready(evnet_watcher *watcher, uint32_t events, void *user);
  static uint32_t EventsOf(const Device *device);
  static uint32_t Due(const Watch *watch);  // the events to report
  void Set(Device *device);
  void Change(Device *device);
  void Called(Watch *watch, uint32_t events);
  void Ended(Watch *watch);
  void Act();
  void Start();
  void Stop(Watch *watch);
  int TryWatch(Watch *watch);
  Watch *RunningHere();
  Device *AnyDevice();

  World &w_;
  Handler &handler_;
  uint64_t next_ns_ = UINT64_MAX;
  std::vector<std::unique_ptr<Device>> devices_;
  std::vector<std::unique_ptr<Watch>> watches_;
};

}  // namespace evnet_simulation

#endif  // EVNET_NET_SERVER_SIMULATE_WATCHES_H_
