// Sending the pieces or the file of a send_start.
#ifndef EVNET_NET_POLLER_TESTING_SIM_FILE_H_
#define EVNET_NET_POLLER_TESTING_SIM_FILE_H_

#include "net/poller/testing/sim_slot.h"

// Sends the bytes of the pending send_start. Returns its result, or -EAGAIN.
int64_t sim_file_send_started(const struct sim_slot *slot);

#endif  // EVNET_NET_POLLER_TESTING_SIM_FILE_H_
