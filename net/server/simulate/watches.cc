#include "net/server/simulate/watches.h"

#include <errno.h>

#include "net/server/internal/steps.h"

namespace evnet_simulation {
namespace {

constexpr size_t kStartsPerWatch = 8;  // how often a watch may be started again
// The simulated kernel defers the events of a watch for at most 3 turns in a row.
constexpr uint32_t kLateTurnsMax = 3;

constexpr uint32_t kTroubles = EVNET_WATCH_ERROR | EVNET_WATCH_HANGUP;

}  // namespace

Watches::Watches(World *world, Handler *handler) : w_(*world), handler_(*handler) {
  if (w_.plan.watches_max > 0) next_ns_ = w_.now();
}

uint32_t Watches::EventsOf(const Device *device) {
  uint32_t events = device->trouble;
  if (device->pending > 0) events |= EVNET_READABLE;
  if (device->has_room) events |= EVNET_WRITABLE;
  return events;
}

uint32_t Watches::Due(const Watch *watch) {
  return EventsOf(watch->device) & (watch->events | kTroubles);
}

void Watches::Set(Device *device) { evnet_sim_device_set(device->sim, EventsOf(device)); }

Watches::Device *Watches::AnyDevice() {
  if (devices_.size() < w_.plan.watches_max && (devices_.empty() || w_.Chance(300))) {
    auto device = std::make_unique<Device>();
    device->descriptor = evnet_sim_device_open(w_.sim, &device->sim);
    if (device->descriptor >= 0) devices_.push_back(std::move(device));
  }
  if (devices_.empty()) return nullptr;
  return devices_[w_.Below(static_cast<uint32_t>(devices_.size()))].get();
}

// The others: make a device ready, or post an act to a reactor.
void Watches::Step() {
  next_ns_ = w_.now() + 1 + evnet_sim_random(w_.sim) % w_.plan.watches_every_ns;
  Device *device = w_.Chance(600) ? AnyDevice() : nullptr;
  if (device != nullptr) {
    Change(device);
    return;
  }
  const uint32_t reactor = w_.Below(static_cast<uint32_t>(w_.ended.size()));
  (void)handler_.PostFunction(reactor, [this] { Act(); });
}

void Watches::Change(Device *device) {
  switch (w_.Below(20)) {
    case 0:
      device->trouble |= EVNET_WATCH_HANGUP;
      break;
    case 1:
      device->trouble |= EVNET_WATCH_ERROR;
      break;
    case 2:
    case 3:
    case 4:
      device->has_room = !device->has_room;
      break;
    default:
      device->pending += 1 + w_.Below(5);
  }
  Set(device);
}

Watches::Watch *Watches::RunningHere() {
  const size_t count = watches_.size();
  const size_t first = count > 0 ? w_.Below(static_cast<uint32_t>(count)) : 0;
  for (size_t i = 0; i < count; i++) {
    Watch *each = watches_[(first + i) % count].get();
    if (each->running && each->reactor == w_.current_reactor) return each;
  }
  return nullptr;
}

// On the reactor that runs its turn.
void Watches::Act() {
  if (w_.Chance(500)) {
    Start();
    return;
  }
  Watch *watch = RunningHere();
  if (watch == nullptr) return;
  if (w_.Chance(500)) {
    Stop(watch);
    return;
  }
  const uint32_t choices[] = {EVNET_READABLE, EVNET_WRITABLE, EVNET_READABLE | EVNET_WRITABLE};
  watch->events = choices[w_.Below(3)];
  watch->was_ready = false;
  if (evnet_watch_change(&watch->watcher, watch->events) != 0)
    evnet_sim_fail(w_.sim, "evnet_watch_change fails");
}

int Watches::TryWatch(Watch *watch) {
  return evnet_watch(evnet_server_reactor(w_.server, watch->reactor), watch->device->descriptor,
                     watch->events, Ready, watch, &watch->watcher);
}

void Watches::Start() {
  Device *device = AnyDevice();
  if (device == nullptr || device->closed) return;
  if (watches_.size() == w_.plan.watches_max * kStartsPerWatch) return;
  auto watch = std::make_unique<Watch>();
  watch->watches = this;
  watch->device = device;
  watch->reactor = w_.current_reactor;
  watch->events = w_.Chance(700) ? EVNET_READABLE : EVNET_READABLE | EVNET_WRITABLE;
  watch->callback = UINT64_MAX;
  const int status = TryWatch(watch.get());
  const bool is_legal = status == 0 ||
                        (status == -ENOMEM && w_.plan.sim.faults.attach_failure > 0) ||
                        (status == -ESHUTDOWN && w_.stop_asked());
  if (!is_legal)
    evnet_sim_fail(w_.sim, "evnet_watch fails for no reason with %s", evnet_status_name(status));
  if (status != 0) return;
  watch->running = true;
  watches_.push_back(std::move(watch));
}

void Watches::Stop(Watch *watch) {
  Device *device = watch->device;
  if (!device->closed && w_.Chance(200)) {  // the stop is late
    evnet_sim_device_close(device->sim);
    device->closed = true;
  }
  watch->running = false;
  evnet_watch_stop(&watch->watcher);
  if (w_.Chance(100)) evnet_watch_stop(&watch->watcher);
}

void Watches::Ready(evnet_watcher *watcher, uint32_t events, void *user) {
  Watch *watch = static_cast<Watch *>(user);
  if (watcher != &watch->watcher)
    evnet_sim_fail(watch->watches->w_.sim, "a callback gets the user of another watch");
  watch->watches->Called(watch, events);
}

void Watches::Ended(Watch *watch) {
  watch->running = false;
  if (!w_.stop_asked()) evnet_sim_fail(w_.sim, "a watch ends without a stop");
  if (TryWatch(watch) != -ESHUTDOWN)
    evnet_sim_fail(w_.sim, "a reactor that has ended accepts a watch");
  evnet_watch_stop(&watch->watcher);
}

void Watches::Called(Watch *watch, uint32_t events) {
  w_.callbacks++;
  evnet_sim_note(w_.sim, "watch called", watch->reactor, watch->device->descriptor, events);
  if (!watch->running) evnet_sim_fail(w_.sim, "a callback comes after the stop of its watch");
  if (watch->reactor != w_.current_reactor)
    evnet_sim_fail(w_.sim, "a watch of reactor %u is called on %u", watch->reactor,
                   w_.current_reactor);
  if (events == EVNET_WATCH_ENDED) {
    Ended(watch);
    return;
  }
  if (events == 0 || events != Due(watch))
    evnet_sim_fail(w_.sim, "a watch is called with %#x, but %#x is due", events, Due(watch));
  if (watch->callback == w_.turns) evnet_sim_fail(w_.sim, "a watch is called twice in a turn");
  watch->callback = w_.turns;
  watch->called = true;
  Device *device = watch->device;
  if (w_.Chance(100)) Act();
  if (!watch->running) return;
  if ((events & kTroubles) && w_.Chance(500)) {
    Stop(watch);
    return;
  }
  if (w_.Chance(700)) device->pending = 0;
  if (device->pending > 0 && w_.Chance(500)) device->pending--;
  if (w_.Chance(600)) device->has_room = false;
  Set(device);
}

void Watches::Turning(uint32_t reactor) {
  for (const auto &each : watches_) {
    if (each->reactor != reactor) continue;
    each->called = false;
    each->was_ready = each->running && Due(each.get()) != 0;
  }
}

void Watches::Turned(uint32_t reactor) {
  for (const auto &each : watches_) {
    if (each->reactor != reactor || !each->running) continue;
    if (w_.ended[reactor]) {
      evnet_sim_fail(w_.sim, "reactor %u has ended, but one of its watches still runs", reactor);
      return;
    }
    // Another callback of the turn may have used up what was ready.
    const bool is_late = each->was_ready && !each->called && Due(each.get()) != 0;
    each->late = is_late ? each->late + 1 : 0;
    if (each->late > kLateTurnsMax)
      evnet_sim_fail(w_.sim, "a watch was ready in %u turns without a callback", each->late);
  }
}

void Watches::Idle() const {
  for (const auto &each : watches_) {
    if (each->running && !w_.ended[each->reactor] && Due(each.get()) != 0)
      evnet_sim_fail(w_.sim, "a watch is ready, and its reactor sleeps");
  }
}

void Watches::TheEnd() {
  for (const auto &each : watches_) {
    if (each->running) evnet_sim_fail(w_.sim, "a watch has not ended");
  }
  for (const auto &each : devices_) {
    if (!each->closed) evnet_sim_device_close(each->sim);
  }
}

}  // namespace evnet_simulation
