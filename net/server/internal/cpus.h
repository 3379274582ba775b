// The number of CPUs that this process may keep busy.
#ifndef EVNET_NET_SERVER_INTERNAL_CPUS_H_
#define EVNET_NET_SERVER_INTERNAL_CPUS_H_

#ifdef __cplusplus
extern "C" {
#endif

// evnet_cpu_count returns the number of CPUs in the affinity mask, or the cgroup's CPU quota if
// that is less. The quota is rounded down, because a throttled thread delays its connections. The
// result is at least 1.
int evnet_cpu_count(void);

// evnet_cpu_quota reads the smallest CPU quota of a cgroup and its ancestors.
//
//   self  a file like /proc/self/cgroup (cgroups(7)).
//   root  the mount point of the cgroup file system, like /sys/fs/cgroup.
//
// Returns: thousandths of a CPU; 0 if there is no quota or it cannot be read.
long evnet_cpu_quota(const char *self, const char *root);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_SERVER_INTERNAL_CPUS_H_
