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

static struct evnet_conn *init(struct evnet_reactor *reactor, struct evnet_handle handle,
                               uint8_t listener_index) {
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
  return conn;
}

static void link_socket(struct evnet_conn *conn) {
  struct datagram_socket *socket = datagram_of(conn);
  socket->next = conn->reactor->datagram_sockets;
  conn->reactor->datagram_sockets = socket;
  conn->state = CONN_DATAGRAM;
}

int datagram_open(struct evnet_reactor *reactor, struct evnet_handle handle, uint8_t listener_index,
                  struct evnet_address *out_address) {
  struct evnet_conn *conn = init(reactor, handle, listener_index);
  int status = create_gather(reactor);
  if (status == 0) status = create_socket(conn);
  if (status == 0) status = create_asked(datagram_of(conn));
  if (status == 0) status = evnet_poller_local_address(reactor->poller, handle, out_address);
  if (status < 0) {
    evnet_poller_detach(reactor->poller, handle);
    return status;
  }
  datagram_of(conn)->bound = *out_address;
  link_socket(conn);
  return 0;
}

struct conn_side *datagram_prepare(struct evnet_reactor *reactor) {
  const struct evnet_allocator *allocator = reactor->options.allocator;
  if (create_gather(reactor) < 0) return NULL;
  struct conn_side *side = side_create(reactor);
  if (side == NULL) return NULL;
  side->datagram = evnet_allocate_zeroed(allocator, sizeof *side->datagram);
  if (side->datagram != NULL) {
    side->datagram->asked =
        evnet_allocate_zeroed(allocator, DATAGRAM_ASKED_MAX * sizeof *side->datagram->asked);
    if (side->datagram->asked != NULL) return side;
  }
  side_destroy(reactor, side);
  return NULL;
}

struct evnet_conn *datagram_adopt(struct evnet_reactor *reactor, struct evnet_handle handle,
                                  struct conn_side *side) {
  struct evnet_conn *conn = init(reactor, handle, EVNET_LISTENER_NONE);
  struct datagram_socket *socket = side->datagram;
  conn->side = side;
  socket->conn = conn;
  // It fails only if the caller has closed the descriptor, which it must not do.
  if (evnet_poller_local_address(reactor->poller, handle, &socket->bound) < 0)
    socket->bound = (struct evnet_address){.transport = EVNET_TRANSPORT_UDP};
  link_socket(conn);
  return conn;
}

int datagram_connected(struct evnet_conn *conn) {
  int status = create_gather(conn->reactor);
  if (status == 0) status = create_socket(conn);
  if (status < 0) return status;
  struct datagram_socket *socket = datagram_of(conn);
  socket->connected = true;
  return evnet_poller_local_address(conn->reactor->poller, conn_handle(conn), &socket->bound);
}
