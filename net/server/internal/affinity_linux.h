// The affinity mask of a thread (sched_setaffinity(2)), as large as the machine needs.
#ifndef EVNET_NET_SERVER_INTERNAL_AFFINITY_LINUX_H_
#define EVNET_NET_SERVER_INTERNAL_AFFINITY_LINUX_H_

#include <sched.h>
#include <stddef.h>

#include "net/server/internal/affinity.h"

struct evnet_affinity {
  size_t cpus;  // bits in the set
  size_t size;  // bytes in the set
  cpu_set_t *set;
};

// evnet_affinity_read returns the calling thread's mask, to be freed with evnet_affinity_free. It
// returns NULL if the mask cannot be read or there is no memory.
struct evnet_affinity *evnet_affinity_read(void);
void evnet_affinity_free(struct evnet_affinity *affinity);

#endif  // EVNET_NET_SERVER_INTERNAL_AFFINITY_LINUX_H_
