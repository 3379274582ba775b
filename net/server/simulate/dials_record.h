// The record of one dial in a simulation. Only the files of Dials include this header.
#ifndef EVNET_NET_SERVER_SIMULATE_DIALS_RECORD_H_
#define EVNET_NET_SERVER_SIMULATE_DIALS_RECORD_H_

#include <stdint.h>

#include <string>
#include <vector>

#include "net/server/simulate/dials.h"

namespace evnet_simulation {

struct Dials::Dial {
  Dials *dials = nullptr;
  uint32_t number = 0;
  bool by_stranger = false;
  bool to_nobody = false;
  uint16_t port = 0;
  size_t addresses = 0;  // number of addresses of its name; 0 if it dials an address
  bool six_first = false;
  size_t attempts = 0;        // attempts begun
  size_t running = 0;         // attempts begun and not ended
  uint64_t attempted_ns = 0;  // when the last attempt began
  bool failed_since = false;  // an attempt has failed since attempted_ns
  std::vector<int> failures;  // the errors of the failed attempts, in order
  std::string connected;      // the address of the first attempt that connected
  struct evnet_conn_id id = {};
  bool begun = false;  // accepted, and its id is known
  int answers = 0;     // calls of evnet_server_dial's `done`
  uint64_t deadline_ns = UINT64_MAX;
  bool cancelled = false;
  bool opened = false;
  bool closed = false;
  bool background = false;
  uint32_t face = 0;  // the handler that it was dialled with (faces.h)
  uint64_t opened_ns = 0;
  std::string written;  // includes the number
  bool is_sure = true;  // no write has failed after a part was accepted
  size_t received = 0;
};

}  // namespace evnet_simulation

#endif  // EVNET_NET_SERVER_SIMULATE_DIALS_RECORD_H_
