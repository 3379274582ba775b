// The addresses of a connection's two ends. evnet keeps a peer's IP address from accept on, because
// the kernel forgets it after a reset. The address of a Unix peer may be a long path, so only the
// kernel keeps it.
#include "net/reactor/internal/peer.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "net/reactor/conn.h"
#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/datagram_socket.h"
#include "net/reactor/internal/reactor.h"

void peer_set(struct evnet_conn *conn, const struct evnet_address *peer) {
  conn->flags &= (uint16_t)~PEER_IS_IP6;
  if (peer->socket.any.sa_family == AF_INET6) {
    const struct sockaddr_in6 *ip6 = &peer->socket.ip6;
    memcpy(conn->peer_host, &ip6->sin6_addr, sizeof conn->peer_host);
    conn->peer_port = ip6->sin6_port;
    conn->peer_zone = ip6->sin6_scope_id;
    conn->flags |= PEER_IS_IP6;
  } else if (peer->socket.any.sa_family == AF_INET) {
    memcpy(conn->peer_host, &peer->socket.ip4.sin_addr, sizeof peer->socket.ip4.sin_addr);
    conn->peer_port = peer->socket.ip4.sin_port;
  }
}

static void get_unix(const struct evnet_conn *conn, struct evnet_address *out_address) {
  struct evnet_poller *poller = conn->reactor->poller;
  if (evnet_poller_remote_address(poller, conn_handle(conn), out_address) == 0) return;
  *out_address = (struct evnet_address){.transport = EVNET_TRANSPORT_UNIX,
                                        .size = offsetof(struct sockaddr_un, sun_path)};
  out_address->socket.local.sun_family = AF_UNIX;
}

static void get_datagram_peer(const struct evnet_conn *conn, struct evnet_address *out_address) {
  const struct evnet_address *peer = datagram_of(conn)->peer;
  *out_address = peer != NULL ? *peer : (struct evnet_address){.transport = EVNET_TRANSPORT_UDP};
}

void evnet_conn_remote_address(const struct evnet_conn *conn, struct evnet_address *out_address) {
  if (conn->state == CONN_DATAGRAM) {
    get_datagram_peer(conn, out_address);
    return;
  }
  struct evnet_address address = {.transport = (enum evnet_transport)conn->transport};
  if (conn->transport == EVNET_TRANSPORT_UNIX) {
    get_unix(conn, &address);
  } else if (conn->unopened && conn->peer_port == 0) {
    // No address of the name is known yet for this dial.
  } else if (conn->flags & PEER_IS_IP6) {
    struct sockaddr_in6 *ip6 = &address.socket.ip6;
    ip6->sin6_family = AF_INET6;
    ip6->sin6_port = conn->peer_port;
    memcpy(&ip6->sin6_addr, conn->peer_host, sizeof ip6->sin6_addr);
    ip6->sin6_scope_id = conn->peer_zone;
    address.size = sizeof *ip6;
  } else {
    address.socket.ip4.sin_family = AF_INET;
    address.socket.ip4.sin_port = conn->peer_port;
    memcpy(&address.socket.ip4.sin_addr, conn->peer_host, sizeof address.socket.ip4.sin_addr);
    address.size = sizeof address.socket.ip4;
  }
  *out_address = address;
}

static void get_datagram_local(const struct evnet_conn *conn, struct evnet_address *out_address) {
  const struct datagram_socket *socket = datagram_of(conn);
  *out_address = socket->bound;
  if (socket->local == NULL) return;
  *out_address = *socket->local;
  // The port is at the same offset in sockaddr_in and sockaddr_in6.
  out_address->socket.ip4.sin_port = socket->bound.socket.ip4.sin_port;
}

int evnet_conn_local_address(const struct evnet_conn *conn, struct evnet_address *out_address) {
  if (conn->state == CONN_DATAGRAM) {
    get_datagram_local(conn, out_address);
    return 0;
  }
  if (!conn_has_socket(conn)) return -ENOTCONN;
  return evnet_poller_local_address(conn->reactor->poller, conn_handle(conn), out_address);
}

int evnet_conn_peer_credentials(const struct evnet_conn *conn,
                                struct evnet_credentials *out_credentials) {
  if (!conn_has_socket(conn)) return -ENOTCONN;
  return evnet_poller_peer_credentials(conn->reactor->poller, conn_handle(conn), out_credentials);
}

int evnet_conn_tcp_info(const struct evnet_conn *conn, struct evnet_tcp_info *out_info) {
  if (!conn_has_socket(conn)) return -ENOTCONN;
  return evnet_poller_tcp_info(conn->reactor->poller, conn_handle(conn), out_info);
}
