// macOS and the BSDs: they have no common interface for pinning.
#include <errno.h>
#include <stddef.h>

#include "net/server/internal/affinity.h"

int evnet_thread_pin(uint32_t index, struct evnet_affinity **out_before) {
  (void)index;
  *out_before = NULL;
  return -EOPNOTSUPP;
}

void evnet_thread_unpin(struct evnet_affinity *before) { (void)before; }

int evnet_affinity_cpus(uint32_t *cpus, uint32_t count_max) {
  (void)cpus;
  (void)count_max;
  return -EOPNOTSUPP;
}
