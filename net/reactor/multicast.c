// Multicast groups and settings of a UDP socket.
#include <errno.h>

#include "net/reactor/datagram.h"
#include "net/reactor/internal/reactor.h"

static int set(struct evnet_conn *conn, const struct evnet_multicast *setting) {
  if (conn->transport != EVNET_TRANSPORT_UDP) return -EOPNOTSUPP;
  if (conn->state == CONN_CLOSED || conn->state == CONN_FREE) return -ENOTCONN;
  return evnet_poller_set_multicast(conn->reactor->poller, conn_handle(conn), setting);
}

int evnet_conn_join_group(struct evnet_conn *conn, const struct evnet_address *group,
                          const char *interface) {
  return set(conn, &(struct evnet_multicast){
                       .what = EVNET_MULTICAST_JOIN, .group = group, .interface_name = interface});
}

int evnet_conn_leave_group(struct evnet_conn *conn, const struct evnet_address *group,
                           const char *interface) {
  return set(conn, &(struct evnet_multicast){
                       .what = EVNET_MULTICAST_LEAVE, .group = group, .interface_name = interface});
}

int evnet_conn_join_source(struct evnet_conn *conn, const struct evnet_address *group,
                           const struct evnet_address *source, const char *interface) {
  return set(conn, &(struct evnet_multicast){.what = EVNET_MULTICAST_JOIN,
                                             .group = group,
                                             .source = source,
                                             .interface_name = interface});
}

int evnet_conn_leave_source(struct evnet_conn *conn, const struct evnet_address *group,
                            const struct evnet_address *source, const char *interface) {
  return set(conn, &(struct evnet_multicast){.what = EVNET_MULTICAST_LEAVE,
                                             .group = group,
                                             .source = source,
                                             .interface_name = interface});
}

int evnet_conn_set_multicast_interface(struct evnet_conn *conn, const char *interface) {
  return set(conn, &(struct evnet_multicast){.what = EVNET_MULTICAST_INTERFACE,
                                             .interface_name = interface});
}

int evnet_conn_set_multicast_hops(struct evnet_conn *conn, int hops) {
  return set(conn, &(struct evnet_multicast){.what = EVNET_MULTICAST_HOPS, .value = hops});
}

int evnet_conn_set_multicast_loop(struct evnet_conn *conn, bool on) {
  return set(conn, &(struct evnet_multicast){.what = EVNET_MULTICAST_LOOP, .value = on});
}
