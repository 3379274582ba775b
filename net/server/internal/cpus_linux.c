#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net/server/internal/affinity_linux.h"
#include "net/server/internal/cpus.h"

// Returns a quota in thousandths of a CPU, or 0 if the values are not a quota.
static long thousandths(long quota, long period) {
  if (quota <= 0 || period <= 0 || quota > LONG_MAX / 1000) return 0;
  return quota * 1000 / period;
}

// Version 2: "cpu.max" contains "QUOTA PERIOD" or "max PERIOD", in microseconds (cgroup-v2.rst, CPU
// Interface Files). Version 1: two files contain one number each; a quota of -1 means no quota.
static long read_quota(const char *root, const char *group) {
  char path[PATH_MAX];
  long quota = 0;
  long period = 0;
  int size = snprintf(path, sizeof path, "%s%s/cpu.max", root, group);
  if ((size_t)size >= sizeof path) return 0;
  FILE *file = fopen(path, "re");
  if (file != NULL) {
    bool both = fscanf(file, "%ld %ld", &quota, &period) == 2;
    (void)fclose(file);
    return both ? thousandths(quota, period) : 0;
  }
  const char *const names[] = {"cpu.cfs_quota_us", "cpu.cfs_period_us"};
  long values[2] = {0, 0};
  for (int i = 0; i < 2; i++) {
    size = snprintf(path, sizeof path, "%s/cpu%s/%s", root, group, names[i]);
    if ((size_t)size >= sizeof path) return 0;
    file = fopen(path, "re");
    if (file == NULL) return 0;
    if (fscanf(file, "%ld", &values[i]) != 1) values[i] = 0;
    (void)fclose(file);
  }
  return thousandths(values[0], values[1]);
}

// Returns whether a list like "cpu,cpuacct" contains the controller "cpu".
static bool has_cpu(const char *controllers) {
  for (;;) {
    size_t size = strcspn(controllers, ",");
    if (size == 3 && memcmp(controllers, "cpu", 3) == 0) return true;
    if (controllers[size] == '\0') return false;
    controllers += size + 1;
  }
}

// Finds the process's group in lines "ID:CONTROLLERS:PATH". Prefers the line with the cpu
// controller (version 1) to the line without controllers (version 2).
static bool find_group(const char *self, char out_group[PATH_MAX]) {
  FILE *file = fopen(self, "re");
  if (file == NULL) return false;
  bool found = false;
  char line[PATH_MAX];
  while (fgets(line, sizeof line, file) != NULL) {
    line[strcspn(line, "\n")] = '\0';
    char *controllers = strchr(line, ':');
    char *group = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
    if (group == NULL) continue;
    *group = '\0';
    controllers++;
    bool cpu = has_cpu(controllers);
    if (!cpu && (found || *controllers != '\0')) continue;
    strcpy(out_group, group + 1);  // a part of the line, so that it fits
    found = true;
    if (cpu) break;
  }
  (void)fclose(file);
  return found;
}

long evnet_cpu_quota(const char *self, const char *root) {
  char group[PATH_MAX];
  if (!find_group(self, group)) return 0;
  long smallest = 0;
  for (;;) {
    if (strcmp(group, "/") == 0) group[0] = '\0';
    long quota = read_quota(root, group);
    if (quota > 0 && (smallest == 0 || quota < smallest)) smallest = quota;
    char *last = strrchr(group, '/');
    if (last == NULL) return smallest;
    *last = '\0';
  }
}

static int affinity_count(void) {
  struct evnet_affinity *affinity = NULL;
  int count = 0;
  if (evnet_affinity_read(&affinity) == 0) count = CPU_COUNT_S(affinity->size, affinity->set);
  evnet_affinity_free(affinity);
  if (count > 0) return count;
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 && online < INT_MAX ? (int)online : 1;
}

int evnet_cpu_count(void) {
  int count = affinity_count();
  long quota = evnet_cpu_quota("/proc/self/cgroup", "/sys/fs/cgroup");
  if (quota > 0 && quota / 1000 < count) count = (int)(quota / 1000);
  return count > 0 ? count : 1;
}
