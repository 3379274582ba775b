// How many CPUs this process may keep busy.
#ifndef EVNET_NET_SERVER_INTERNAL_CPUS_H_
#define EVNET_NET_SERVER_INTERNAL_CPUS_H_

#ifdef __cplusplus
extern "C" {
#endif

// evnet_cpu_count gives the CPUs in the affinity mask, or fewer if a cgroup's quota allows less
// time: rounded down, as a thread that is throttled stops its connections, but at least 1.
int evnet_cpu_count(void);

// evnet_cpu_quota reads the smallest CPU quota on the way from a cgroup to the root.
//
//   self  a file like /proc/self/cgroup (cgroups(7)).
//   root  where the cgroup file system is mounted, like /sys/fs/cgroup.
//
// Returns: thousandths of a CPU; 0 when there is no quota or it cannot be read.
long evnet_cpu_quota(const char *self, const char *root);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_SERVER_INTERNAL_CPUS_H_
