// The CPUs that a thread may run on (sched_setaffinity(2)), in a mask as large as the machine
// needs.
#ifndef EVNET_NET_SERVER_INTERNAL_AFFINITY_LINUX_H_
#define EVNET_NET_SERVER_INTERNAL_AFFINITY_LINUX_H_

#include <sched.h>
#include <stddef.h>

#include "net/server/internal/affinity.h"

struct evnet_affinity {
  size_t cpus;  // that have a bit
  size_t size;  // of the set, in bytes
  cpu_set_t *set;
};

// The calling thread's; NULL when it cannot be read or there is no memory. Free it with
// evnet_affinity_free.
struct evnet_affinity *evnet_affinity_read(void);
void evnet_affinity_free(struct evnet_affinity *affinity);

#endif  // EVNET_NET_SERVER_INTERNAL_AFFINITY_LINUX_H_
