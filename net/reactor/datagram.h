// UDP, as callbacks see it.
//
// A server's UDP socket is an evnet_conn, too, but no connection: it has no on_open and no
// on_close, and its id names the socket. on_data is called once for each datagram, an empty one
// too, whose bytes are what is unread; what is left of them when it returns is gone. Inside of it
// evnet_conn_remote_address is the sender, evnet_conn_local_address the address that was asked, and
// each evnet_conn_write or evnet_conn_writev is exactly one datagram back, from that address. What
// the callbacks of one batch write leaves together; evnet_conn_flush sends it at once.
//
// A dialled UDP socket (dial.h) is a connection and has one peer, the only one that it hears:
// on_open and on_close once each, on_stopping, the timeouts, EVNET_CLOSE and evnet_conn_close,
// which send what was written. evnet_conn_write sends a datagram to the peer at any time, and
// evnet_conn_send_to is -EISCONN. When the peer's host reports by ICMP that the port is closed,
// on_close gets -ECONNREFUSED. A server's UDP socket has many peers: an ICMP error about one of
// them ends nothing.
//
// What a stream has and no UDP socket has: evnet_conn_shutdown_write, evnet_conn_sendfile, pressure
// and its settings are -EOPNOTSUPP. And what a server's has not: evnet_conn_set_timeout is
// -EOPNOTSUPP; EVNET_CLOSE, evnet_conn_close and evnet_conn_abort do nothing, as the socket closes
// with the server. While evnet_conn_pause_reading is in force, or holds_max holds are out,
// datagrams wait in the kernel, which drops those it has no room for; at most 63 that evnet had
// taken already are still presented, with udp_gro up to 64 times as many. A stopping server waits
// for evnet_conn_hold.
//
// Writes return their size, or:
//   -EMSGSIZE      above 65,507 bytes to an IPv4 address, 65,527 to an IPv6 one
//   -ENOBUFS       the socket is full, and so is its queue, udp_outbound_bytes_max
//   -EDESTADDRREQ  evnet_conn_write and _writev outside of on_data: to whom?
//   -ENOTCONN      the socket is closed, or closing
//   -ENOMEM
//
// A server of a group joins it, in on_boot say (evnet_server_datagram_socket); from then on the
// socket gets, beside what is sent to its own host, what is sent to groups that it has joined, and
// to no others:
//
//   udp://:5000                  any number of groups and hosts, told apart by nothing
//   udp://239.1.2.3:5000         of that group alone, which it still has to join; others on this
//   udp://[ff02::1234%eth0]:5000 machine may listen there, too, and each gets every datagram
//
// An answer leaves from the host that took the question, never from the group or the broadcast
// address that it was sent to; a late one, by evnet_conn_send_from. With reuse_port each
// reactor has a socket of its own, and what is sent to a group comes to each one that has joined.
//
// A datagram that the kernel refuses later is counted in the statistics (datagrams_dropped), as one
// is that a write could not queue. The log has the reason, at most once every ten seconds.
// Datagrams to a broadcast address are refused unless options.udp_broadcast is set.
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

// evnet_conn_send_to sends one datagram to any address, at any time. To the sender of the datagram
// that is being presented, it is evnet_conn_write. Otherwise it leaves from the host that
// `address` asked last, which each socket remembers of some 64 peers, else from one of the system's
// choice, by its routes: a late answer that depends on it is evnet_conn_send_from.
//
//   address  with a host and a port that the socket's family reaches.
//   data     size bytes; borrowed for the call.
//
// Returns: size.
// Errors:  as writes; -EOPNOTSUPP when conn is not a UDP socket; -EAFNOSUPPORT for an address of
//          another family; -EINVAL for port 0.
// Thread:  conn's reactor.
EVNET_API ssize_t evnet_conn_send_to(struct evnet_conn *conn, const struct evnet_address *address,
                                     const void *data, size_t size);

// evnet_conn_send_from is evnet_conn_send_to from a host of the caller's choice: the late answer of
// a socket that serves all hosts of the machine. A client takes an answer only from the address
// that it has asked, so the handler keeps both addresses of the question for it:
//
//   evnet_conn_remote_address(conn, &question->peer);   // in on_data
//   evnet_conn_local_address(conn, &question->asked);
//   ...
//   evnet_conn_send_from(conn, &question->asked, &question->peer, answer, size);  // later
//
//   from  a host of this machine and `to`'s family; its port means nothing, as the datagram leaves
//         from the socket's. All hosts (0.0.0.0, [::]): the system's choice. NULL: as
//         evnet_conn_send_to.
//   to    as `address` of evnet_conn_send_to.
//
// Returns: size. A host that is not this machine's the kernel refuses later, as
//          datagrams_dropped counts.
// Errors:  as evnet_conn_send_to; -EAFNOSUPPORT also if the families of `from` and `to` differ.
// Thread:  conn's reactor.
EVNET_API ssize_t evnet_conn_send_from(struct evnet_conn *conn, const struct evnet_address *from,
                                       const struct evnet_address *to, const void *data,
                                       size_t size);

// evnet_conn_is_truncated tells whether the datagram that is being presented was longer than
// udp_datagram_bytes_max, so that its end is lost.
EVNET_API bool evnet_conn_is_truncated(const struct evnet_conn *conn);

// evnet_conn_join_group makes a UDP socket a member of a group on one interface; several groups,
// and one on several interfaces, may be joined.
//
//   group      its address; the port means nothing. An IPv6 one may name the interface by its zone.
//   interface  its name, "eth0"; NULL: the zone's, else the system's choice, by its routes.
//
// Returns: 0.
// Errors:  -EADDRINUSE: it is a member; -EINVAL: the address is no group's, or its zone another
//          interface than the name; -ENODEV: there is no such interface, or no route to the group;
//          -EAFNOSUPPORT: not of the socket's family; -ENOBUFS: too many groups, which Linux sets
//          by net.ipv4.igmp_max_memberships; -EOPNOTSUPP: conn is not a UDP socket; -ENOTCONN: the
//          server has closed the socket.
// Thread:  conn's reactor.
EVNET_API EVNET_WARN_UNUSED int evnet_conn_join_group(struct evnet_conn *conn,
                                                      const struct evnet_address *group,
                                                      const char *interface);

// evnet_conn_leave_group undoes evnet_conn_join_group of the same group and interface; closing the
// socket leaves all. What came before may still be presented.
//
// Returns: 0.
// Errors:  -EADDRNOTAVAIL: it is not a member; the rest as evnet_conn_join_group.
// Thread:  conn's reactor.
EVNET_API int evnet_conn_leave_group(struct evnet_conn *conn, const struct evnet_address *group,
                                     const char *interface);

// How what a UDP socket sends to groups goes, of both families if it has both: by which interface
// (NULL: the system's choice, by its routes); through how many routers, less one (0 to 255; by
// default 1, not beyond the network; 0, not beyond the machine); and whether members on this
// machine get it, which they do by default.
//
// Return: 0.
// Errors: -EINVAL: out of range; -ENODEV: there is no such interface; -EOPNOTSUPP and -ENOTCONN as
//         evnet_conn_join_group.
// Thread: conn's reactor.
EVNET_API int evnet_conn_set_multicast_interface(struct evnet_conn *conn, const char *interface);
EVNET_API int evnet_conn_set_multicast_hops(struct evnet_conn *conn, int hops);
EVNET_API int evnet_conn_set_multicast_loop(struct evnet_conn *conn, bool on);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_DATAGRAM_H_
