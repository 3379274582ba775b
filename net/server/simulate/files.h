// The file that simulated servers send ranges of. A real one, as the simulated kernel reads it: the
// same bytes in every run.
#ifndef EVNET_NET_SERVER_SIMULATE_FILES_H_
#define EVNET_NET_SERVER_SIMULATE_FILES_H_

#include <string>

namespace evnet_simulation {

struct File {
  int descriptor;
  std::string bytes;
};

// Made when it is first asked for; -1 and no bytes where that fails.
const File &TheFile();

// How many descriptors this process has open, -1 where that cannot be told.
int OpenDescriptors();

}  // namespace evnet_simulation

#endif  // EVNET_NET_SERVER_SIMULATE_FILES_H_
