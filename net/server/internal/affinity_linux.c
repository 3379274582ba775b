#include <errno.h>
#include <stdlib.h>

#include "net/server/internal/affinity_linux.h"

// The kernel rejects a mask that is too small for the machine (EINVAL, sched_setaffinity(2)).
// evnet_affinity_read doubles the mask up to this size.
enum { CPUS_MAX = 65536 };

void evnet_affinity_free(struct evnet_affinity *affinity) {
  if (affinity == NULL) return;
  CPU_FREE(affinity->set);
  free(affinity);
}

static int read_set(struct evnet_affinity *affinity, size_t cpus) {
  affinity->cpus = cpus;
  affinity->size = CPU_ALLOC_SIZE(cpus);
  affinity->set = CPU_ALLOC(cpus);
  if (affinity->set == NULL) return -ENOMEM;
  if (sched_getaffinity(0, affinity->size, affinity->set) == 0) return 0;
  const int status = -errno;
  CPU_FREE(affinity->set);
  affinity->set = NULL;
  return status;
}

int evnet_affinity_read(struct evnet_affinity **out_affinity) {
  *out_affinity = NULL;
  struct evnet_affinity *affinity = calloc(1, sizeof *affinity);
  if (affinity == NULL) return -ENOMEM;
  int status = -EINVAL;
  for (size_t cpus = 1024; status == -EINVAL && cpus <= CPUS_MAX; cpus *= 2)
    status = read_set(affinity, cpus);
  if (status < 0) {
    evnet_affinity_free(affinity);
    return status;
  }
  *out_affinity = affinity;
  return 0;
}

static size_t nth_cpu(const struct evnet_affinity *affinity, uint32_t index) {
  uint32_t left = index % (uint32_t)CPU_COUNT_S(affinity->size, affinity->set);
  size_t cpu = 0;
  while (!CPU_ISSET_S(cpu, affinity->size, affinity->set) || left-- > 0) cpu++;
  return cpu;
}

int evnet_thread_pin(uint32_t index, struct evnet_affinity **out_before) {
  *out_before = NULL;
  struct evnet_affinity *before = NULL;
  int status = evnet_affinity_read(&before);
  if (status < 0) return status;
  cpu_set_t *one = CPU_ALLOC(before->cpus);
  if (one == NULL) status = -ENOMEM;
  if (status == 0) {
    CPU_ZERO_S(before->size, one);
    CPU_SET_S(nth_cpu(before, index), before->size, one);
    if (sched_setaffinity(0, before->size, one) < 0) status = -errno;
    CPU_FREE(one);
  }
  if (status < 0) {
    evnet_affinity_free(before);
    return status;
  }
  *out_before = before;
  return 0;
}

void evnet_thread_unpin(struct evnet_affinity *before) {
  if (before == NULL) return;
  (void)sched_setaffinity(0, before->size, before->set);
  evnet_affinity_free(before);
}

int evnet_affinity_cpus(uint32_t *cpus, uint32_t count_max) {
  struct evnet_affinity *affinity = NULL;
  const int status = evnet_affinity_read(&affinity);
  if (status < 0) return status;
  uint32_t count = 0;
  for (size_t cpu = 0; cpu < affinity->cpus && count < count_max; cpu++) {
    if (CPU_ISSET_S(cpu, affinity->size, affinity->set)) cpus[count++] = (uint32_t)cpu;
  }
  evnet_affinity_free(affinity);
  return (int)count;
}
