// Writes to UDP sockets.
#ifndef EVNET_NET_REACTOR_INTERNAL_DATAGRAM_WRITE_H_
#define EVNET_NET_REACTOR_INTERNAL_DATAGRAM_WRITE_H_

#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "net/reactor/async.h"
#include "net/reactor/internal/datagram_socket.h"
#include "net/reactor/internal/names.h"

// datagram_note_asked notes to which local host a peer has sent. Later replies leave from that
// host.
void datagram_note_asked(struct datagram_socket *socket, const struct evnet_address *peer,
                         const struct evnet_address *host);

// datagram_writev is evnet_conn_writev of a UDP socket.
ssize_t datagram_writev(struct evnet_conn *conn, const struct iovec *pieces, size_t count);

// datagram_send_async sends the datagram of a request. The request is completed when the kernel has
// taken the datagram.
//
//   from  NULL: the kernel chooses.
//   to    NULL: the connected peer.
//
// Returns: 0.
// Errors:  as evnet_conn_send_from; the request is not completed then.
int datagram_send_async(struct evnet_conn *conn, const struct evnet_address *from,
                        const struct evnet_address *to, struct evnet_async *async);

#endif  // EVNET_NET_REACTOR_INTERNAL_DATAGRAM_WRITE_H_
