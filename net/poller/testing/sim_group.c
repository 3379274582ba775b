// Groups of simulated UDP sockets. The only interface is "lo", and all hosts are on it.
#include "net/poller/testing/sim_group.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "net/poller/testing/sim_address.h"

static const char INTERFACE[] = "lo";

bool sim_group_is(const struct evnet_address *address) {
  if (address->socket.any.sa_family == AF_INET6)
    return IN6_IS_ADDR_MULTICAST(&address->socket.ip6.sin6_addr);
  return IN_MULTICAST(ntohl(address->socket.ip4.sin_addr.s_addr));
}

static struct evnet_address *find(struct evnet_sim_udp *udp, const struct evnet_address *group) {
  for (uint32_t i = 0; i < udp->group_count; i++) {
    if (sim_address_is_same_host(&udp->groups[i], group)) return &udp->groups[i];
  }
  return NULL;
}

bool sim_group_has(const struct evnet_sim_udp *udp, const struct evnet_address *group) {
  return find((struct evnet_sim_udp *)(uintptr_t)udp, group) != NULL;
}

static int set_member(struct evnet_sim_udp *udp, const struct evnet_multicast *setting) {
  const struct evnet_address *group = setting->group;
  const int family = group->socket.any.sa_family;
  const int own_family = udp->address.socket.any.sa_family;
  if (family != own_family && !(family == AF_INET && udp->address.dual_stack)) return -EAFNOSUPPORT;
  if (!sim_group_is(group)) return -EINVAL;
  if (setting->source != NULL) return -EOPNOTSUPP;
  if (setting->interface_name != NULL && strcmp(setting->interface_name, INTERFACE) != 0)
    return -ENODEV;
  struct evnet_address *member = find(udp, group);
  if (setting->what == EVNET_MULTICAST_LEAVE) {
    if (member == NULL) return -EADDRNOTAVAIL;
    *member = udp->groups[--udp->group_count];
    return 0;
  }
  if (member != NULL) return -EADDRINUSE;
  if (udp->group_count == SIM_GROUPS_MAX) return -ENOBUFS;
  udp->groups[udp->group_count++] = *group;
  return 0;
}

int sim_group_set(struct sim_slot *slot, const struct evnet_multicast *setting) {
  switch (setting->what) {
    case EVNET_MULTICAST_JOIN:
    case EVNET_MULTICAST_LEAVE:
      return set_member(slot->udp, setting);
    case EVNET_MULTICAST_INTERFACE:
      return setting->interface_name == NULL || strcmp(setting->interface_name, INTERFACE) == 0
                 ? 0
                 : -ENODEV;
    case EVNET_MULTICAST_HOPS:
      return setting->value >= 0 && setting->value <= 255 ? 0 : -EINVAL;
    case EVNET_MULTICAST_LOOP:
      if (setting->value != 0 && setting->value != 1) return -EINVAL;
      slot->udp->loops_not = setting->value == 0;
      return 0;
  }
  return -EOPNOTSUPP;
}
