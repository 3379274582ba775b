// Multicast groups: membership, and the options of datagrams sent to groups. multicast.c has the
// part that systems share. multicast_linux.c, multicast_bsd.c (FreeBSD, macOS) and
// multicast_openbsd.c (OpenBSD, DragonFly) and multicast_netbsd.c join groups; BUILD.bazel selects one.
#ifndef EVNET_NET_POLLER_INTERNAL_MULTICAST_H_
#define EVNET_NET_POLLER_INTERNAL_MULTICAST_H_

#include <stdbool.h>

#include "net/poller/poller.h"

#ifdef __cplusplus
extern "C" {
#endif

bool evnet_multicast_is_group(const struct evnet_address *address);

// As evnet_poller_set_multicast.
int evnet_multicast_set(int descriptor, enum evnet_transport transport,
                        const struct evnet_multicast *setting);

// Sets the interface of IPv4 datagrams to groups. Index 0: the system chooses. Returns 0 or -errno.
int evnet_multicast_system_set_interface(int descriptor, unsigned int interface_index);

// Adds the socket to the group on an interface, or removes it. Interface 0: the system chooses.
// Returns 0 or -errno.
int evnet_multicast_system_set_member(int descriptor, const struct evnet_address *group,
                                      unsigned int interface_index, bool is_member);

// Adds a sender's datagrams to a group to those that the socket receives, or removes them. As
// evnet_multicast_system_set_member otherwise.
int evnet_multicast_system_set_source(int descriptor, const struct evnet_address *group,
                                      const struct evnet_address *source,
                                      unsigned int interface_index, bool is_member);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_INTERNAL_MULTICAST_H_
