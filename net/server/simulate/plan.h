// The choices that a seed makes for a whole run: the server's options, the kernel's faults, the
// numbers of clients and dials.
#ifndef EVNET_NET_SERVER_SIMULATE_PLAN_H_
#define EVNET_NET_SERVER_SIMULATE_PLAN_H_

#include <stddef.h>
#include <stdint.h>

#include "net/poller/testing/sim.h"
#include "net/server/server.h"

namespace evnet_simulation {

constexpr uint64_t kNsPerMs = 1000000;
constexpr size_t kAddressesMax = 3;
constexpr size_t kUdpAddressesMax = 2;
constexpr uint32_t kFacesMax = 3;

struct Plan {
  evnet_sim_options sim;
  evnet_options server;  // without log and allocator

  size_t addresses;                                  // 0 to kAddressesMax; 0: the server only dials
  size_t udp_addresses;                              // 0 to kUdpAddressesMax
  uint32_t faces[kAddressesMax + kUdpAddressesMax];  // the handler of each address (faces.h)
  bool balances;                                     // options.balance is set and chooses at random
  size_t clients;
  size_t udp_clients;
  size_t bytes_max;         // bound of a client's bytes, and of the bytes written to a connection
  uint64_t connects_by_ns;  // time from the start in which the clients connect
  uint64_t pause_ns_max;    // longest time between two steps of a client

  // The handler. Chances are in thousandths, for each callback.
  uint32_t chaos;             // unusual acts
  uint32_t endings;           // share of unusual acts that close, abort or stop
  uint32_t half_closes;       // early evnet_conn_shutdown_write
  uint32_t short_files;       // share of file ranges that are longer than the file
  bool on_data;               // if false, the handler has no such callback
  bool on_half_close;         // likewise
  bool on_timeout;            // likewise
  bool on_prewrite;           // likewise
  uint32_t prewrites_others;  // on_prewrite writes to another connection
  bool ticks;                 // the handler has on_tick
  bool rates;                 // the handler sets rates

  uint32_t allocation_failures;  // of 1,000 allocations
  bool boot_may_fail;            // allocations may fail before the server has started
  size_t workers;                // 0 for none
  size_t workers_queue_max;
  size_t posters;              // threads that send requests by id
  uint64_t requests_every_ns;  // longest time between two requests of a poster
  size_t dials_max;            // dials of the handler and of strangers together; 0 for none
  uint64_t dials_every_ns;     // longest time between two dials of strangers
  uint64_t changes_every_ns;   // longest time between two changes of addresses; 0 for none
  size_t watches_max;          // devices that may be watched; 0 for none
  uint64_t watches_every_ns;   // longest time between two changes of devices and watches
  uint64_t posts_every_ns;     // longest time between two posts of a stranger; 0 for none
  uint32_t standstills;        // of 1,000 steps: the server does not run while time passes
  uint32_t slow_callbacks;     // of 1,000 callbacks
  uint64_t standstill_ns_max;  // longest standstill or slow callback
  uint64_t stop_after_ns;      // time from the start to the stop
  int64_t drain_ms;            // of that stop
  bool stops_before_boot;      // the stop comes before the server has started

  // The largest number of unread bytes of a connection.
  size_t unread_bytes_max() const {
    const size_t late = sim.faults.late_recv > 0 ? EVNET_SIM_LATE_BYTES_MAX : 0;
    return server.inbound_bytes_max + server.read_turn_bytes_max + late;
  }
};

Plan MakePlan(uint64_t seed);

}  // namespace evnet_simulation

#endif  // EVNET_NET_SERVER_SIMULATE_PLAN_H_
