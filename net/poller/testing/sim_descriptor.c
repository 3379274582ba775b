// The descriptors of a simulated world: one table for all of its pollers.
#include "net/poller/testing/sim_descriptor.h"

#include <errno.h>

enum { FIRST_DESCRIPTOR = 3 };

int sim_descriptor_open(struct evnet_sim *sim, struct sim_descriptor what) {
  for (int i = FIRST_DESCRIPTOR; i < SIM_DESCRIPTORS_MAX; i++) {
    if (sim->descriptors[i].socket != NULL || sim->descriptors[i].listener != NULL ||
        sim->descriptors[i].udp != NULL || sim->descriptors[i].device != NULL)
      continue;
    sim->descriptors[i] = what;
    sim->descriptors_open++;
    return i;
  }
  return -EMFILE;
}

void sim_descriptor_close(struct evnet_sim *sim, int descriptor) {
  sim->descriptors[descriptor] = (struct sim_descriptor){0};
  sim->descriptors_open--;
}
