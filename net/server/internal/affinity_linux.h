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

// evnet_affinity_read reads the calling thread's mask. The caller frees it with
// evnet_affinity_free.
//
// Returns: 0.
// Errors:  -ENOMEM; those of sched_getaffinity(2).
EVNET_WARN_UNUSED int evnet_affinity_read(struct evnet_affinity **out_affinity);

// evnet_affinity_free frees `affinity`; NULL is accepted.
void evnet_affinity_free(struct evnet_affinity *affinity);

#endif  // EVNET_NET_SERVER_INTERNAL_AFFINITY_LINUX_H_
