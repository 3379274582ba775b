// The file whose ranges simulated servers send. It is a real file, because the simulated kernel
// reads it. Its bytes are the same in every run.
#ifndef EVNET_NET_SERVER_SIMULATE_FILES_H_
#define EVNET_NET_SERVER_SIMULATE_FILES_H_

#include <string>

namespace evnet_simulation {

struct File {
  int descriptor;
  std::string bytes;
};

// The first call creates the file. If that fails, the descriptor is -1 and `bytes` is empty.
const File &TheFile();

// Returns the number of open descriptors of this process, or -1 if it cannot be determined.
int OpenDescriptors();

}  // namespace evnet_simulation

#endif  // EVNET_NET_SERVER_SIMULATE_FILES_H_
