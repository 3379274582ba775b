// macOS and the BSDs: they have no cgroups and no common interface for affinity masks.
#include <limits.h>
#include <unistd.h>

#include "net/server/internal/cpus.h"

long evnet_cpu_quota(const char *self, const char *root) {
  (void)self;
  (void)root;
  return 0;
}

int evnet_cpu_count(void) {
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 && online < INT_MAX ? (int)online : 1;
}
