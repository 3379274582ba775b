#include "net/server/simulate/plan.h"

#include <algorithm>
#include <random>

namespace evnet_simulation {
namespace {

class Dice {
 public:
  explicit Dice(uint64_t seed) : random_(seed) {}
  uint64_t Below(uint64_t bound) { return random_() % bound; }
  bool Chance(uint32_t percent) { return Below(100) < percent; }
  // Returns a size from least to most. Each order of magnitude is equally likely.
  uint64_t Size(uint64_t least, uint64_t most) {
    uint64_t top = least;
    while (top < most && !Chance(20)) top *= 2;
    return std::min(most, std::max(least, top / 2 + Below(top / 2 + 1)));
  }
  // Returns a chance in thousandths, in half of the cases 0.
  uint32_t Fault(uint32_t most) { return Chance(50) ? 0 : static_cast<uint32_t>(1 + Below(most)); }
  int64_t TimeoutMs(uint32_t percent, int64_t otherwise) {
    return Chance(percent) ? static_cast<int64_t>(5 + Below(Chance(50) ? 50 : 500)) : otherwise;
  }

 private:
  // The same on all platforms, unlike the distributions of <random>.
  std::mt19937_64 random_;
};

evnet_sim_options ChooseKernel(Dice *dice) {
  evnet_sim_options sim = {};
  sim.delay_ns_max = dice->Chance(20) ? 0 : dice->Size(1000, 50 * kNsPerMs);
  sim.buffer_bytes_max = static_cast<uint32_t>(dice->Size(4, 64 << 10));
  sim.buffer_bytes_min = dice->Chance(50) ? 1 : sim.buffer_bytes_max;
  evnet_sim_faults &faults = sim.faults;
  faults.short_recv = dice->Fault(500);
  faults.short_send = dice->Fault(500);
  faults.refused_send = dice->Fault(300);
  faults.deferred = dice->Fault(500);
  faults.late_recv = dice->Fault(700);
  faults.one_shot = dice->Fault(300);
  faults.late_close = dice->Fault(700);
  faults.accept_failure = dice->Fault(200);
  faults.accept_in_vain = dice->Fault(300);
  faults.attach_failure = dice->Chance(70) ? 0 : dice->Fault(200);
  faults.network_reset = dice->Chance(70) ? 0 : dice->Fault(20);
  faults.reset_keeps_data = dice->Fault(1000);
  return sim;
}

evnet_options ChooseOptions(Dice *dice) {
  evnet_options options = {};
  options.reactors = static_cast<int>(1 + dice->Below(4));
  options.balancer = static_cast<evnet_balancing>(dice->Below(3));
  options.connections_max = dice->Chance(60) ? 0 : 1 + dice->Below(12);
  options.idle_timeout_ms = dice->TimeoutMs(30, EVNET_OFF);
  options.read_timeout_ms = dice->TimeoutMs(20, EVNET_OFF);
  options.write_timeout_ms = dice->TimeoutMs(40, dice->Chance(50) ? 0 : EVNET_OFF);
  options.lifetime_ms = dice->TimeoutMs(15, EVNET_OFF);
  options.linger_ms = dice->TimeoutMs(50, dice->Chance(50) ? 0 : EVNET_OFF);
  options.drain_ms = dice->TimeoutMs(80, 0);
  options.read_turn_bytes_max = dice->Size(512, 16 << 10);
  options.inbound_bytes_max = dice->Size(1, 32 << 10);
  options.outbound_high_water_bytes = dice->Size(1, 32 << 10);
  options.outbound_low_water_bytes = dice->Below(options.outbound_high_water_bytes + 1);
  options.outbound_bytes_max =
      options.outbound_high_water_bytes + options.read_turn_bytes_max + dice->Below(16 << 10);
  options.outbound_high_action =
      static_cast<evnet_high_action>(dice->Chance(50) ? 0 : dice->Below(3));
  options.outbound_overflow = static_cast<evnet_overflow>(dice->Below(2));
  options.mailbox_bytes_max = dice->Chance(80) ? 0 : 200 + dice->Below(2000);
  options.backlog = dice->Chance(70) ? 0 : static_cast<int>(1 + dice->Below(8));
  return options;
}

}  // namespace

Plan MakePlan(uint64_t seed) {
  Dice dice(seed);
  Plan plan = {};
  plan.sim = ChooseKernel(&dice);
  plan.sim.seed = seed;
  plan.server = ChooseOptions(&dice);
  plan.addresses = 1 + dice.Below(kAddressesMax);
  plan.clients = dice.Size(1, 30);
  // With small buffers a turn transfers few bytes, so the run would need too many turns.
  plan.bytes_max = std::min<size_t>(32 << 10, 48 * size_t{plan.sim.buffer_bytes_max});
  plan.connects_by_ns = dice.Size(1, 500) * kNsPerMs;
  plan.pause_ns_max = dice.Size(1000, 50 * kNsPerMs);
  plan.chaos = dice.Fault(400);
  plan.endings = dice.Fault(200);
  plan.on_data = !dice.Chance(3);
  plan.on_half_close = dice.Chance(60);
  plan.on_timeout = dice.Chance(60);
  plan.on_prewrite = dice.Chance(30);
  plan.ticks = dice.Chance(20);
  plan.allocation_failures = dice.Chance(80) ? 0 : dice.Fault(50);
  plan.boot_may_fail = dice.Chance(20);
  plan.posts_every_ns = dice.Chance(50) ? 0 : dice.Size(1, 100) * kNsPerMs;
  plan.stop_after_ns = dice.Size(1, 2000) * kNsPerMs;
  plan.drain_ms = dice.Chance(15) ? 0 : static_cast<int64_t>(dice.Size(1, 1000));
  plan.stops_before_boot = dice.Chance(1);
  if (dice.Chance(60)) plan.sim.faults.flights = dice.Chance(50) ? 1000 : dice.Fault(1000);
  plan.half_closes = dice.Chance(80) ? 0 : dice.Fault(300);
  plan.prewrites_others = plan.on_prewrite ? dice.Fault(500) : 0;
  plan.server.connections_full_action = dice.Chance(70) ? EVNET_FULL_PAUSE : EVNET_FULL_REFUSE;
  plan.server.connections_per_address_max = dice.Chance(70) ? 0 : 1 + dice.Below(4);
  plan.short_files = dice.Chance(70) ? 0 : dice.Fault(200);
  plan.sim.faults.file_failure = dice.Chance(80) ? 0 : dice.Fault(100);
  plan.udp_addresses = dice.Chance(60) ? 0 : 1 + dice.Below(2);
  plan.udp_clients = dice.Size(1, 8);
  plan.server.udp_outbound_bytes_max = dice.Chance(50) ? 256 << 10 : dice.Size(1, 64 << 10);
  plan.server.udp_datagram_bytes_max = dice.Chance(70) ? 65535 : dice.Size(1, 2000);
  plan.sim.faults.lost = dice.Fault(200);
  plan.sim.faults.duplicated = dice.Fault(200);
  plan.sim.faults.overtaking = dice.Fault(500);
  plan.sim.faults.refused_datagram = dice.Fault(200);
  plan.sim.faults.icmp = dice.Fault(500);
  plan.server.udp_errors = dice.Chance(500);
  plan.sim.faults.receive_failure = dice.Chance(70) ? 0 : dice.Fault(50);
  plan.posters = dice.Chance(50) ? 0 : 1 + dice.Below(3);
  plan.requests_every_ns = dice.Size(1, 100) * kNsPerMs;
  plan.workers = dice.Chance(70) ? 0 : 1 + dice.Below(4);
  plan.workers_queue_max = dice.Size(1, 16);
  plan.balances = dice.Chance(20);
  // The simulated kernel distributes only connections among listeners, not datagrams.
  plan.server.reuse_port = dice.Chance(25) && plan.udp_addresses == 0;
  plan.dials_max = dice.Chance(60) ? 0 : 1 + dice.Below(20);
  plan.dials_every_ns = dice.Size(1, 200) * kNsPerMs;
  plan.sim.faults.connect_refused = dice.Fault(300);
  plan.sim.faults.connect_lost = dice.Chance(80) ? 1000 : dice.Fault(200);
  plan.sim.faults.connect_failure = dice.Chance(70) ? 0 : dice.Fault(200);
  plan.server.holds_max = dice.Chance(70) ? 0 : dice.Size(1, 4);
  plan.server.inbound_high_water_bytes =
      dice.Chance(50) ? 0 : dice.Size(1, plan.server.inbound_bytes_max);
  plan.rates = dice.Chance(50);
  const size_t places = plan.server.connections_max;
  plan.server.dials_reserved = places == 0 || dice.Chance(50) ? 0 : dice.Below(places);
  plan.standstills = dice.Chance(70) ? 0 : dice.Fault(50);
  plan.slow_callbacks = dice.Chance(70) ? 0 : dice.Fault(100);
  plan.standstill_ns_max = dice.Size(1, 500) * kNsPerMs;
  plan.changes_every_ns = dice.Chance(60) ? 0 : dice.Size(1, 200) * kNsPerMs;
  const bool faced = dice.Chance(50);
  for (uint32_t &face : plan.faces) face = faced ? static_cast<uint32_t>(dice.Below(kFacesMax)) : 0;
  if (dice.Chance(3)) {
    plan.addresses = plan.udp_addresses = plan.clients = plan.udp_clients = 0;
    plan.dials_max = 1 + dice.Below(20);
    plan.changes_every_ns = 0;
  }
  plan.watches_max = dice.Chance(60) ? 0 : 1 + dice.Below(8);
  plan.watches_every_ns = dice.Size(1, 50) * kNsPerMs;
  return plan;
}

}  // namespace evnet_simulation
