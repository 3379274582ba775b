// UDP, as callbacks see it.
//
// A server's UDP socket is an evnet_conn without a connection. It has no on_open and no on_close,
// and its id names the socket. on_data is called once for each datagram, even an empty one. The
// unread bytes are the datagram's, and evnet drops those that remain when on_data returns. In
// on_data:
// - evnet_conn_remote_address is the sender.
// - evnet_conn_local_address is the address that the datagram was sent to.
// - each evnet_conn_write or evnet_conn_writev sends exactly one datagram back, from that address.
// evnet sends the writes of one batch of callbacks together; evnet_conn_flush sends them
// immediately.
//
// A dialled UDP socket (dial.h) is a connection with one peer, and receives datagrams only from
// that peer. It has on_open, on_close, on_stopping and the timeouts. EVNET_CLOSE and
// evnet_conn_close send what was written and close it. evnet_conn_write sends a datagram to the
// peer at any time, and evnet_conn_send_to fails with -EISCONN. If the peer's host reports a closed
// port by ICMP, on_close gets -ECONNREFUSED. ICMP errors do not close a server's UDP socket,
// because it has many peers.
//
// Functions for streams only fail with -EOPNOTSUPP on any UDP socket: evnet_conn_shutdown_write,
// evnet_conn_sendfile, evnet_conn_set_linger, evnet_conn_set_water_marks and
// evnet_conn_set_high_action. There is no on_pressure and no on_drain. On a server's UDP socket,
// evnet_conn_set_timeout fails with -EOPNOTSUPP too, and EVNET_CLOSE, evnet_conn_close and
// evnet_conn_abort have no effect, because the socket closes with the server.
//
// While reading is paused (evnet_conn_pause_reading) or holds_max holds are held, datagrams wait in
// the kernel, which drops those that do not fit. evnet still presents at most 63 datagrams that it
// had already received; with udp_gro, up to 64 times as many.
//
// A stopping server reads its UDP sockets once more. It closes a socket once no hold is left and
// nothing is queued, and at the deadline in any case. No callback reports that, and the pointer is
// invalid afterwards. A late reply therefore uses the id (evnet_async_send_from), and a hold keeps
// the socket open for it. A dialled connection that the reply comes from needs a hold or the
// background mark; background connections close after the UDP sockets.
//
// Writes return their size, or:
//
//   -EMSGSIZE      the datagram is larger than 65,507 bytes for IPv4, or 65,527 for IPv6.
//   -ENOBUFS       the socket is full, and its queue has reached udp_outbound_bytes_max.
//   -EDESTADDRREQ  evnet_conn_write or evnet_conn_writev on a server's UDP socket outside on_data,
//                  where there is no receiver.
//   -ENOTCONN      the socket is closed or closing.
//   -ENOMEM        memory ran out.
//
// To receive from a multicast group, a server joins it, for example in on_boot
// (evnet_server_datagram_socket). The address that the server listens on decides what it receives:
//
//   udp://:5000                   Datagrams to its hosts and to all groups that it has joined. The
//                                 callback cannot tell which.
//   udp://239.1.2.3:5000          Only datagrams to this group, which it must also join. Other
//   udp://[ff02::1234%eth0]:5000  sockets of this machine may listen there too, and each receives
//                                 every datagram.
//
// A reply is sent from the host that received the request, never from a group or broadcast address.
// evnet_conn_send_from does the same for late replies. With reuse_port each reactor has its own
// socket, and a datagram to a group reaches every socket that has joined it.
//
// With options.udp_errors (Linux) on_datagram_error reports the ICMP errors of sent datagrams. Anyone
// who can send to the server's host can forge such a message (RFC 5927 section 2), so take it as a
// hint: a server may end a session with a peer whose port is closed, and must bear that it is not.
// At most 16 errors of a socket are reported in a turn. The kernel drops errors that exceed the
// socket's receive buffer, and networks limit the rate of ICMP.
//
// If the kernel refuses a datagram later, evnet counts it in datagrams_dropped, like one that a
// write could not queue. The log has the reason, at most once every 10 seconds. The kernel refuses
// datagrams to a broadcast address unless options.udp_broadcast is set.
#ifndef EVNET_NET_REACTOR_DATAGRAM_H_
#define EVNET_NET_REACTOR_DATAGRAM_H_

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "../base/address.h"
#include "../base/status.h"
#include "conn.h"

#ifdef __cplusplus
extern "C" {
#endif

// An error of a sent datagram, for on_datagram_error.
struct evnet_datagram_error {
  // Such as -ECONNREFUSED (no socket has the port), -EHOSTUNREACH, -ENETUNREACH, -EACCES (a filter),
  // -EMSGSIZE (longer than the path's MTU, and not to be fragmented).
  int status;

  uint32_t mtu;                      // if status is -EMSGSIZE: of the path; 0: unknown
  const struct evnet_address *peer;  // the address that the datagram was sent to
  const struct evnet_address
      *reporter;  // the host whose ICMP message it is, with port 0; NULL: this one
};

// evnet_conn_send_to sends one datagram to any address, at any time, from a server's UDP socket. If
// `address` is the sender of the datagram that is being presented, it is the same as
// evnet_conn_write. Otherwise the datagram leaves from the host that `address` last sent to, which
// each socket remembers for about 64 peers, or else from one that the system chooses by its routes.
// A late reply that depends on the source uses evnet_conn_send_from.
//
//   address  with a host and a port, of the socket's family.
//   data     size bytes; borrowed for the call.
//
// Returns: size.
// Errors:  those of writes, see above.
//          -EOPNOTSUPP if conn is not a UDP socket.
//          -EISCONN if the socket was dialled.
//          -EAFNOSUPPORT if the address is of another family.
//          -EINVAL if the port is 0.
// Thread:  conn's reactor.
EVNET_API ssize_t evnet_conn_send_to(struct evnet_conn *conn, const struct evnet_address *address,
                                     const void *data, size_t size);

// evnet_conn_send_from is evnet_conn_send_to with a chosen source address: for late replies from a
// socket that is bound to all addresses of the machine. A client accepts a reply only from the
// address that it sent the request to, so the handler keeps both addresses:
//
//   evnet_conn_remote_address(conn, &question->peer);   // in on_data
//   evnet_conn_local_address(conn, &question->asked);
//   ...
//   evnet_conn_send_from(conn, &question->asked, &question->peer, answer, size);  // later
//
//   from  a host of this machine, of `to`'s family. The port is ignored, because the datagram
//         leaves from the socket's port. A wildcard address (0.0.0.0, [::]): the system chooses.
//         NULL: as evnet_conn_send_to.
//   to    as `address` of evnet_conn_send_to.
//
// Returns: size. If the host is not this machine's, the kernel refuses the datagram later
//          (datagrams_dropped).
// Errors:  as evnet_conn_send_to; also -EAFNOSUPPORT if `from` and `to` differ in family.
// Thread:  conn's reactor.
EVNET_API ssize_t evnet_conn_send_from(struct evnet_conn *conn, const struct evnet_address *from,
                                       const struct evnet_address *to, const void *data,
                                       size_t size);

// evnet_conn_is_truncated returns whether the datagram that is being presented was longer than
// udp_datagram_bytes_max, so that its end is lost.
//
// Thread:  conn's reactor, in on_data.
EVNET_API bool evnet_conn_is_truncated(const struct evnet_conn *conn);

// evnet_conn_join_group makes a UDP socket a member of a multicast group on one interface. A socket
// may join several groups, and one group on several interfaces.
//
//   group      the group's address; the port is ignored. An IPv6 group may name the interface by
//              its zone.
//   interface  the interface's name, such as "eth0". NULL: the zone's, or else one that the system
//              chooses by its routes.
//
// Returns: 0.
// Errors:  -EADDRINUSE if the socket is a member already.
//          -EINVAL if the address is not a group's, or its zone and `interface` differ.
//          -ENODEV if there is no such interface, or no route to the group.
//          -EAFNOSUPPORT if the group is not of the socket's family.
//          -ENOBUFS if the socket has too many groups; Linux: net.ipv4.igmp_max_memberships.
//          -EOPNOTSUPP if conn is not a UDP socket.
//          -ENOTCONN if the server has closed the socket.
// Thread:  conn's reactor.
EVNET_API EVNET_WARN_UNUSED int evnet_conn_join_group(struct evnet_conn *conn,
                                                      const struct evnet_address *group,
                                                      const char *interface);

// evnet_conn_leave_group undoes evnet_conn_join_group for the same group and interface. Datagrams
// that arrived earlier may still be presented. Closing the socket leaves all groups.
//
// Returns: 0.
// Errors:  -EADDRNOTAVAIL if the socket is not a member.
//          the others of evnet_conn_join_group.
// Thread:  conn's reactor.
EVNET_API int evnet_conn_leave_group(struct evnet_conn *conn, const struct evnet_address *group,
                                     const char *interface);

// evnet_conn_join_source makes a UDP socket receive the datagrams that one sender sends to a group
// on one interface (source-specific multicast, RFC 4607). A socket may join several sources of a
// group. If it has joined the group for all senders before, Linux limits it to its sources, and
// other systems fail with -EINVAL.
//
//   source  the sender's address, of the group's family; the port is ignored.
//
// Returns: 0.
// Errors:  -EADDRINUSE if the socket has joined this source already.
//          -EINVAL also if the source is of another family.
//          -EOPNOTSUPP also on OpenBSD and in a simulated kernel.
//          -ENOBUFS also if the group has too many sources; Linux: net.ipv4.igmp_max_msf.
//          the others of evnet_conn_join_group.
// Thread:  conn's reactor.
EVNET_API EVNET_WARN_UNUSED int evnet_conn_join_source(struct evnet_conn *conn,
                                                       const struct evnet_address *group,
                                                       const struct evnet_address *source,
                                                       const char *interface);

// evnet_conn_leave_source undoes evnet_conn_join_source for the same group, source and interface.
//
// Returns: 0.
// Errors:  -EADDRNOTAVAIL if the socket has not joined the source.
//          the others of evnet_conn_join_source.
// Thread:  conn's reactor.
EVNET_API int evnet_conn_leave_source(struct evnet_conn *conn, const struct evnet_address *group,
                                      const struct evnet_address *source, const char *interface);

// evnet_conn_set_broadcast permits a UDP socket to send to broadcast addresses, or forbids it
// (SO_BROADCAST). The server's option udp_broadcast sets the value at first.
//
// Returns: 0.
// Errors:  -EOPNOTSUPP if conn is not a UDP socket.
//          -ENOTCONN if the socket has closed.
//          -errno of setsockopt(2).
// Thread:  conn's reactor.
EVNET_API int evnet_conn_set_broadcast(struct evnet_conn *conn, bool on);

// evnet_conn_set_multicast_interface sets the interface by which datagrams to groups leave, for
// both families if the socket has both.
//
//   interface  the interface's name; NULL: the system chooses by its routes.
//
// Returns: 0.
// Errors:  -ENODEV if there is no such interface.
//          -EOPNOTSUPP if conn is not a UDP socket.
//          -ENOTCONN if the server has closed the socket.
// Thread:  conn's reactor.
EVNET_API int evnet_conn_set_multicast_interface(struct evnet_conn *conn, const char *interface);

// evnet_conn_set_multicast_hops sets the hop limit (TTL) of datagrams to groups, for both families
// if the socket has both. With 1, the system's default, they stay in the network; with 0, on the
// machine.
//
//   hops  0 to 255.
//
// Returns: 0.
// Errors:  -EINVAL if hops is out of range.
//          -EOPNOTSUPP, -ENOTCONN as evnet_conn_set_multicast_interface.
// Thread:  conn's reactor.
EVNET_API int evnet_conn_set_multicast_hops(struct evnet_conn *conn, int hops);

// evnet_conn_set_multicast_loop sets whether members on this machine receive the datagrams that the
// socket sends to groups, for both families if the socket has both. By default they do.
//
// Returns: 0.
// Errors:  -EOPNOTSUPP, -ENOTCONN as evnet_conn_set_multicast_interface.
// Thread:  conn's reactor.
EVNET_API int evnet_conn_set_multicast_loop(struct evnet_conn *conn, bool on);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_DATAGRAM_H_
