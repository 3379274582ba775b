// Writes of callers to UDP sockets. This file chooses a datagram's destination and source, and
// checks whether the socket can send it. datagram_out.c sends it.
#include "net/reactor/internal/datagram_write.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "net/reactor/async.h"
#include "net/reactor/datagram.h"
#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/datagram_out.h"
#include "net/reactor/internal/datagram_socket.h"
#include "net/reactor/internal/reactor.h"

enum {
  IP4_BYTES_MAX = 65507,  // 65,535 without the IPv4 and UDP headers
  // 65,535 without the UDP header; IPv6's payload length excludes its own header
  IP6_BYTES_MAX = 65527,
};

static int check_size(int family, size_t size) {
  return size > (family == AF_INET ? IP4_BYTES_MAX : IP6_BYTES_MAX) ? -EMSGSIZE : 0;
}

// Returns 0 if the socket can send this many bytes to the address, else a negative status.
static int check(const struct datagram_socket *socket, const struct evnet_address *to,
                 size_t size) {
  const struct evnet_address *bound = &socket->bound;
  if (to == NULL) return check_size(bound->socket.any.sa_family, size);
  const int family = to->socket.any.sa_family;
  const bool reachable =
      family == bound->socket.any.sa_family || (family == AF_INET && bound->dual_stack);
  if (!reachable || to->transport == EVNET_TRANSPORT_UNIX) return -EAFNOSUPPORT;
  if (evnet_address_port(to) == 0) return -EINVAL;
  return check_size(family, size);
}

static int send_one(struct datagram_socket *socket, const struct datagram_outgoing *outgoing) {
  int status = check(socket, outgoing->to, outgoing->size);
  return status < 0 ? status : datagram_send(socket, outgoing);
}

// Sources

static bool is_same(const struct evnet_address *a, const struct evnet_address *b) {
  return a == b || (a->size == b->size && a->socket.any.sa_family == b->socket.any.sa_family &&
                    memcmp(&a->socket, &b->socket, a->size) == 0);
}

// Returns the table entry of a peer, which is chosen by the peer's port and the last bytes of its
// host.
static struct datagram_asked *asked_of(const struct datagram_socket *socket,
                                       const struct evnet_address *peer) {
  uint32_t host;
  if (peer->socket.any.sa_family == AF_INET6) {
    memcpy(&host, &peer->socket.ip6.sin6_addr.s6_addr[12], sizeof host);
  } else {
    host = peer->socket.ip4.sin_addr.s_addr;
  }
  const uint32_t hash = ntohl(host) * 31 + evnet_address_port(peer);
  return &socket->asked[hash & (DATAGRAM_ASKED_MAX - 1)];
}

void datagram_note_asked(struct datagram_socket *socket, const struct evnet_address *peer,
                         const struct evnet_address *host) {
  struct datagram_asked *asked = asked_of(socket, peer);
  datagram_copy_address(&asked->peer, peer);
  datagram_copy_address(&asked->host, host);
}

// Returns the source of a reply: the local host to which the peer sent the datagram that is being
// presented, or else the peer's last datagram. NULL if no such datagram is known.
static const struct evnet_address *source_for(const struct datagram_socket *socket,
                                              const struct evnet_address *to) {
  if (to == NULL) return NULL;
  const struct evnet_address *peer = socket->peer;
  if (peer != NULL && socket->local != NULL && is_same(peer, to)) return socket->local;
  if (socket->asked == NULL) return NULL;
  const struct datagram_asked *asked = asked_of(socket, to);
  return is_same(&asked->peer, to) ? &asked->host : NULL;
}

static bool is_any_host(const struct evnet_address *address) {
  if (address->socket.any.sa_family == AF_INET6)
    return IN6_IS_ADDR_UNSPECIFIED(&address->socket.ip6.sin6_addr) &&
           address->socket.ip6.sin6_scope_id == 0;
  return address->socket.any.sa_family != AF_INET ||
         address->socket.ip4.sin_addr.s_addr == htonl(INADDR_ANY);
}

// Chooses the source of a datagram. If `from` is a wildcard host, also of the other family, the
// kernel chooses; if it is NULL, source_for does.
//
// Returns: 0.
// Errors:  -EAFNOSUPPORT if the families of `from` and `to` differ.
static int choose_source(const struct datagram_socket *socket, const struct evnet_address *from,
                         const struct evnet_address *to, const struct evnet_address **out_from) {
  *out_from = NULL;
  if (from == NULL) {
    *out_from = source_for(socket, to);
  } else if (!is_any_host(from)) {
    if (from->socket.any.sa_family != to->socket.any.sa_family) return -EAFNOSUPPORT;
    *out_from = from;
  }
  return 0;
}

static ssize_t write_from(struct datagram_socket *socket, const struct evnet_address *from,
                          const struct evnet_address *to, const struct iovec *pieces,
                          size_t count) {
  size_t size = 0;
  for (size_t i = 0; i < count; i++) {
    if (pieces[i].iov_len > IP6_BYTES_MAX - size) return -EMSGSIZE;
    size += pieces[i].iov_len;
  }
  const struct datagram_outgoing outgoing = {
      .to = to, .from = from, .pieces = pieces, .count = count, .size = size};
  int status = send_one(socket, &outgoing);
  return status < 0 ? status : (ssize_t)size;
}

static ssize_t write_to(struct datagram_socket *socket, const struct evnet_address *to,
                        const struct iovec *pieces, size_t count) {
  return write_from(socket, source_for(socket, to), to, pieces, count);
}

ssize_t datagram_writev(struct evnet_conn *conn, const struct iovec *pieces, size_t count) {
  struct datagram_socket *socket = datagram_of(conn);
  if (conn->state == CONN_OPEN) return write_to(socket, NULL, pieces, count);
  if (conn->state != CONN_DATAGRAM) return -ENOTCONN;
  if (socket->peer == NULL) return -EDESTADDRREQ;
  return write_to(socket, socket->peer, pieces, count);
}

ssize_t evnet_conn_send_from(struct evnet_conn *conn, const struct evnet_address *from,
                             const struct evnet_address *to, const void *data, size_t size) {
  if (!conn_is_datagram(conn)) return -EOPNOTSUPP;
  if (conn->state == CONN_OPEN) return -EISCONN;
  if (conn->state != CONN_DATAGRAM) return -ENOTCONN;
  const struct evnet_address *source;
  int status = choose_source(datagram_of(conn), from, to, &source);
  if (status < 0) return status;
  const struct iovec piece = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
  return write_from(datagram_of(conn), source, to, &piece, 1);
}

ssize_t evnet_conn_send_to(struct evnet_conn *conn, const struct evnet_address *address,
                           const void *data, size_t size) {
  return evnet_conn_send_from(conn, NULL, address, data, size);
}

int datagram_send_async(struct evnet_conn *conn, const struct evnet_address *from,
                        const struct evnet_address *to, struct evnet_async *async) {
  struct datagram_socket *socket = datagram_of(conn);
  if (async->size > IP6_BYTES_MAX) return -EMSGSIZE;
  const struct evnet_address *source;
  int status = choose_source(socket, from, to, &source);
  if (status < 0) return status;
  async->piece = (struct iovec){.iov_base = (void *)(uintptr_t)async->data, .iov_len = async->size};
  const struct datagram_outgoing outgoing = {.to = to,
                                             .from = source,
                                             .pieces = &async->piece,
                                             .count = 1,
                                             .size = async->size,
                                             .async = async};
  return send_one(socket, &outgoing);
}
