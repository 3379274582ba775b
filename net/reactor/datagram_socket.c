// The records of UDP sockets. A record is created when a listener's socket is bound or when a
// dialled socket has connected. datagram.c receives; datagram_write.c and datagram_out.c send.
#include "net/reactor/internal/datagram_socket.h"

#include <errno.h>

#include "net/reactor/internal/datagram_out.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/side.h"

static int create_gather(struct evnet_reactor *reactor) {
  if (reactor->gather != NULL) return 0;
  reactor->gather = evnet_block_allocate(reactor->options.allocator, sizeof *reactor->gather);
  if (reactor->gather == NULL) return -ENOMEM;
  struct datagram_gather *gather = reactor->gather;
  gather->socket = NULL;
  gather->count = 0;
  gather->copied = 0;
  gather->bytes = gather->cost = 0;
  gather->announcing = false;
  return 0;
}

static int create_socket(struct evnet_conn *conn) {
  struct evnet_reactor *reactor = conn->reactor;
  struct conn_side *side = side_get(conn);
  if (side == NULL) return -ENOMEM;
  side->datagram = evnet_allocate_zeroed(reactor->options.allocator, sizeof *side->datagram);
  if (side->datagram == NULL) return -ENOMEM;
  side->datagram->conn = conn;
  return 0;
}

static int create_asked(struct datagram_socket *socket) {
  socket->asked = evnet_allocate_zeroed(socket->conn->reactor->options.allocator,
                                        DATAGRAM_ASKED_MAX * sizeof *socket->asked);
  return socket->asked != NULL ? 0 : -ENOMEM;
}

int datagram_open(struct evnet_reactor *reactor, struct evnet_handle handle, uint8_t listener_index,
                  struct evnet_address *out_address) {
  struct evnet_conn *conn = &reactor->table.conns[handle.index];
  *conn = (struct evnet_conn){
      .reactor = reactor,
      .generation = ++reactor->table.generation_last,
      .deadline = {.tag = handle.generation},
      .due_next = NONE,
      .transport = EVNET_TRANSPORT_UDP,
      .listener = listener_index,
      .state = CONN_CLOSED,
      .read_stop = STOP_CLOSING,  // until accepting begins
  };
  int status = create_gather(reactor);
  if (status == 0) status = create_socket(conn);
  if (status == 0) status = create_asked(datagram_of(conn));
  if (status == 0) status = evnet_poller_local_address(reactor->poller, handle, out_address);
  if (status < 0) {
    evnet_poller_detach(reactor->poller, handle);
    return status;
  }
  struct datagram_socket *socket = conn->side->datagram;
  socket->bound = *out_address;
  socket->next = reactor->datagram_sockets;
  reactor->datagram_sockets = socket;
  conn->state = CONN_DATAGRAM;
  return 0;
}

int datagram_connected(struct evnet_conn *conn) {
  int status = create_gather(conn->reactor);
  if (status == 0) status = create_socket(conn);
  if (status < 0) return status;
  struct datagram_socket *socket = datagram_of(conn);
  socket->connected = true;
  return evnet_poller_local_address(conn->reactor->poller, conn_handle(conn), &socket->bound);
}
