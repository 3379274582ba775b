// What a seed chooses for a whole run: the server's options, the kernel's faults, who connects.
#ifndef EVNET_NET_SERVER_SIMULATE_PLAN_H_
#define EVNET_NET_SERVER_SIMULATE_PLAN_H_

#include <stddef.h>
#include <stdint.h>

#include "net/poller/testing/sim.h"
#include "net/server/server.h"

namespace evnet_simulation {

constexpr uint64_t kNsPerMs = 1000000;
constexpr size_t kAddressesMax = 3;

struct Plan {
  evnet_sim_options sim;
  evnet_options server;  // without log and allocator

  size_t addresses;      // 1 to kAddressesMax
  size_t udp_addresses;  // 0 to 2
  bool balances;         // options.balance, by dice
  size_t clients;
  size_t udp_clients;
  size_t bytes_max;         // that a client sends, and that a connection is written
  uint64_t connects_by_ns;  // from the start
  uint64_t pause_ns_max;    // of a client between two steps

  // Of the handler. Chances are thousandths, at each callback.
  uint32_t chaos;        // acts out of the ordinary
  uint32_t endings;      // of these, how many close, abort or stop
  uint32_t half_closes;  // ends its own side early
  uint32_t short_files;  // of ranges of files, so many are longer than the file
  bool on_data;          // else: the default
  bool on_half_close;    // likewise
  bool on_timeout;       // likewise
  bool on_prewrite;
  uint32_t prewrites_others;  // it writes to another connection
  bool ticks;

  uint32_t allocation_failures;  // of 1,000 allocations, so many fail
  bool boot_may_fail;            // these begin before the server has started
  size_t workers;                // 0: there are none
  size_t workers_queue_max;
  size_t posters;              // who ask by id
  uint64_t requests_every_ns;  // each of them
  size_t dials_max;            // of the handler and of strangers, in all; 0: none
  uint64_t dials_every_ns;     // of strangers
  uint64_t posts_every_ns;     // a stranger's posts; 0: none
  uint32_t standstills;        // of 1,000 steps before which everything stands still
  uint32_t slow_callbacks;     // of 1,000 callbacks
  uint64_t standstill_ns_max;  // of either
  uint64_t stop_after_ns;      // from the start
  int64_t drain_ms;            // of that stop
  bool stops_before_boot;      // it comes even before the start

  // The most that stands unread for a connection.
  size_t unread_bytes_max() const {
    const size_t late = sim.faults.late_recv > 0 ? EVNET_SIM_LATE_BYTES_MAX : 0;
    return server.inbound_bytes_max + server.read_turn_bytes_max + late;
  }
};

Plan MakePlan(uint64_t seed);

}  // namespace evnet_simulation

#endif  // EVNET_NET_SERVER_SIMULATE_PLAN_H_
