#include "net/poller/internal/multicast.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>

#include "net/poller/internal/socket_address.h"

enum { HOPS_MAX = 255 };  // a field of 8 bits in both IP headers

bool evnet_multicast_is_group(const struct evnet_address *address) {
  if (address->socket.any.sa_family == AF_INET6)
    return IN6_IS_ADDR_MULTICAST(&address->socket.ip6.sin6_addr);
  return address->socket.any.sa_family == AF_INET &&
         IN_MULTICAST(ntohl(address->socket.ip4.sin_addr.s_addr));
}

static int set(int descriptor, int level, int name, const void *value, socklen_t size) {
  return setsockopt(descriptor, level, name, value, size) == 0 ? 0 : -errno;
}

// Interface indexes start at 1; 0 means none.
static int find_interface(const char *name, unsigned int *out_index) {
  *out_index = 0;
  if (name == NULL) return 0;
  *out_index = if_nametoindex(name);
  if (*out_index != 0) return 0;
  return errno == ENXIO ? -ENODEV : -errno;  // ENXIO on the BSDs, ENODEV on Linux
}

// Chooses the interface of a membership: by its name, or by an IPv6 group's zone.
static int choose_interface(const struct evnet_multicast *setting, unsigned int *out_index) {
  int status = find_interface(setting->interface_name, out_index);
  if (status < 0 || setting->group->socket.any.sa_family != AF_INET6) return status;
  const unsigned int zone = setting->group->socket.ip6.sin6_scope_id;
  if (zone == 0) return 0;
  if (*out_index != 0 && *out_index != zone) return -EINVAL;
  *out_index = zone;
  return 0;
}

static int set_member(int descriptor, const struct evnet_address *own,
                      const struct evnet_multicast *setting) {
  const int family = setting->group->socket.any.sa_family;
  const int own_family = own->socket.any.sa_family;
  if (family != own_family && !(family == AF_INET && own->dual_stack)) return -EAFNOSUPPORT;
  if (!evnet_multicast_is_group(setting->group)) return -EINVAL;
  const struct evnet_address *source = setting->source;
  if (source != NULL && source->socket.any.sa_family != family) return -EINVAL;
  unsigned int interface_index;
  int status = choose_interface(setting, &interface_index);
  if (status < 0) return status;
  const bool joins = setting->what == EVNET_MULTICAST_JOIN;
  if (source == NULL)
    return evnet_multicast_system_set_member(descriptor, setting->group, interface_index, joins);
  status =
      evnet_multicast_system_set_source(descriptor, setting->group, source, interface_index, joins);
  // Linux returns EADDRNOTAVAIL for a source that is joined already, and EINVAL for one to leave
  // from a group that was not joined (net/ipv4/igmp.c).
  if (joins && status == -EADDRNOTAVAIL) return -EADDRINUSE;
  return !joins && status == -EINVAL ? -EADDRNOTAVAIL : status;
}

// Sets how one family's datagrams to groups are sent. IPv4's two numbers are single bytes (ip(4) of
// the BSDs; Linux takes bytes, too). IPv6's are ints (RFC 3493 section 5.2).
static int set_ip4(int descriptor, const struct evnet_multicast *setting,
                   unsigned int interface_index) {
  const unsigned char value = (unsigned char)setting->value;
  switch (setting->what) {
    case EVNET_MULTICAST_INTERFACE:
      return evnet_multicast_system_set_interface(descriptor, interface_index);
    case EVNET_MULTICAST_HOPS:
      return set(descriptor, IPPROTO_IP, IP_MULTICAST_TTL, &value, sizeof value);
    case EVNET_MULTICAST_LOOP:
      return set(descriptor, IPPROTO_IP, IP_MULTICAST_LOOP, &value, sizeof value);
    default:
      return -EOPNOTSUPP;
  }
}

static int set_ip6(int descriptor, const struct evnet_multicast *setting,
                   unsigned int interface_index) {
  const int value = setting->value;
  switch (setting->what) {
    case EVNET_MULTICAST_INTERFACE:
      return set(descriptor, IPPROTO_IPV6, IPV6_MULTICAST_IF, &interface_index,
                 sizeof interface_index);
    case EVNET_MULTICAST_HOPS:
      return set(descriptor, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &value, sizeof value);
    case EVNET_MULTICAST_LOOP:
      return set(descriptor, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &value, sizeof value);
    default:
      return -EOPNOTSUPP;
  }
}

static int set_sending(int descriptor, const struct evnet_address *own,
                       const struct evnet_multicast *setting) {
  unsigned int interface_index = 0;
  int status = 0;
  if (setting->what == EVNET_MULTICAST_INTERFACE)
    status = find_interface(setting->interface_name, &interface_index);
  if (setting->what == EVNET_MULTICAST_HOPS && (setting->value < 0 || setting->value > HOPS_MAX))
    status = -EINVAL;
  if (setting->what == EVNET_MULTICAST_LOOP && setting->value != 0 && setting->value != 1)
    status = -EINVAL;
  if (status < 0) return status;
  if (own->socket.any.sa_family == AF_INET) return set_ip4(descriptor, setting, interface_index);
  status = set_ip6(descriptor, setting, interface_index);
  // A dual-stack socket also has IPv4's settings, but only on Linux; other systems refuse them.
  if (status == 0 && own->dual_stack) (void)set_ip4(descriptor, setting, interface_index);
  return status;
}

int evnet_multicast_set(int descriptor, enum evnet_transport transport,
                        const struct evnet_multicast *setting) {
  if (transport != EVNET_TRANSPORT_UDP) return -EOPNOTSUPP;
  struct evnet_address own;
  int status = evnet_socket_local_address(descriptor, transport, &own);
  if (status < 0) return status;
  const bool is_membership =
      setting->what == EVNET_MULTICAST_JOIN || setting->what == EVNET_MULTICAST_LEAVE;
  return is_membership ? set_member(descriptor, &own, setting)
                       : set_sending(descriptor, &own, setting);
}
