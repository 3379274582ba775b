// UDP sockets: from listening to the end, and the way in. datagram_write.c and
// datagram_out.c have the way out.
//
//   listen --accepting begins--> receiving --stop: last read--> sending --nothing owed--> closed
#include "net/reactor/datagram.h"

#include <errno.h>
#include <inttypes.h>

#include "net/reactor/internal/datagram.h"
#include "net/reactor/internal/state.h"

// After this long a listener's socket that could not be received from is tried again.
enum { RETRY_MS = 100 };

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
  struct evnet_conn *conn = &reactor->conns[handle.index];
  *conn = (struct evnet_conn){
      .reactor = reactor,
      .generation = ++reactor->generation_last,
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

void datagram_start(struct evnet_conn *conn) { conn_allow_reading(conn, STOP_CLOSING); }

static void receive_again(struct evnet_timer *timer, void *user) {
  (void)timer;
  conn_allow_reading(user, STOP_FAILING);
}

// Receiving fails again and again: to go on immediately would spin. A single error, of an earlier
// datagram (ICMP), concerns one peer, and the socket goes on for the others.
static void receive_later(struct evnet_conn *conn, int status) {
  struct evnet_reactor *reactor = conn->reactor;
  struct datagram_socket *socket = datagram_of(conn);
  const uint64_t times =
      evnet_log_limit_pass(&log_limits_of(reactor)->deaf, evnet_reactor_clock_ms(reactor));
  if (times > 0) {
    char text[EVNET_ADDRESS_TEXT_BYTES];
    evnet_address_format(&socket->bound, text, sizeof text);
    evnet_log(&reactor->options.logger, EVNET_LOG_WARNING,
              "cannot receive on '%s': %s; retrying every %d ms (%" PRIu64
              " since the last report)",
              text, evnet_status_message(status), RETRY_MS, times);
  }
  conn_stop_reading(conn, STOP_FAILING);
  evnet_timer_start(reactor, &socket->retry, RETRY_MS, receive_again, conn);
}

void datagram_received(struct evnet_conn *conn, const struct evnet_completion *completion) {
  const bool connected = conn->state == CONN_OPEN;
  if (!connected && conn->state != CONN_DATAGRAM) return;
  if (completion->result < 0) {
    if (connected) {
      conn_failed(conn, (int)completion->result);
    } else if (!completion->more) {
      receive_later(conn, (int)completion->result);
    }
    return;
  }
  struct evnet_reactor *reactor = conn->reactor;
  struct datagram_socket *socket = datagram_of(conn);
  const size_t size = (size_t)completion->result;
  counter_add(&reactor->stats.datagrams_received, 1);
  counter_add(&reactor->stats.bytes_received, size);
  conn->in_ms = now32(reactor);
  if (completion->local != NULL && socket->asked != NULL)
    datagram_note_asked(socket, completion->peer, completion->local);
  if (reactor->handler.on_data == NULL) return;
  socket->peer = connected ? NULL : completion->peer;
  socket->local = completion->local;
  socket->truncated = completion->truncated;
  reactor->lease_conn = conn;
  reactor->lease = (struct evnet_bytes){.data = completion->data, .size = size};
  enum evnet_action action = reactor->handler.on_data(conn, reactor->user);
  reactor->lease_conn = NULL;
  socket->peer = socket->local = NULL;
  socket->truncated = false;
  // EVNET_CLOSE means nothing to a listener's.
  reactor_after_callback(reactor, connected ? conn : NULL, action);
  conn_check_stopping(conn);
}

// Closing

void datagram_close(struct evnet_conn *conn) {
  struct evnet_reactor *reactor = conn->reactor;
  struct datagram_socket *socket = datagram_of(conn);
  datagram_end(conn);
  evnet_timer_stop(reactor, &socket->retry);
  conn_stop_reading(conn, STOP_CLOSING);  // so that a resume, or a pause, later does nothing
  struct datagram_socket **to_this = &reactor->datagram_sockets;
  while (*to_this != socket) to_this = &(*to_this)->next;
  *to_this = socket->next;
  conn->state = CONN_CLOSED;
  evnet_poller_detach(reactor->poller, conn_handle(conn));
}

void datagram_close_idle(struct evnet_reactor *reactor, bool all) {
  datagram_flush(reactor);
  struct datagram_socket *next;
  for (struct datagram_socket *socket = reactor->datagram_sockets; socket != NULL; socket = next) {
    next = socket->next;
    struct evnet_conn *conn = socket->conn;
    // One that its holds have stopped gets its last read when they are released.
    if (!(conn->read_stop & STOP_HOLDS)) conn_stop_reading(conn, STOP_CLOSING);
    bool owes = conn->holds > 0 || socket->first != NULL;
    if (all || !owes) datagram_close(conn);
  }
}

// What it is

bool evnet_conn_is_truncated(const struct evnet_conn *conn) {
  return conn_is_datagram(conn) && datagram_of(conn) != NULL && datagram_of(conn)->truncated;
}

void datagram_remote_address(const struct evnet_conn *conn, struct evnet_address *out_address) {
  const struct evnet_address *peer = datagram_of(conn)->peer;
  *out_address = peer != NULL ? *peer : (struct evnet_address){.transport = EVNET_TRANSPORT_UDP};
}

void datagram_local_address(const struct evnet_conn *conn, struct evnet_address *out_address) {
  const struct datagram_socket *socket = datagram_of(conn);
  *out_address = socket->bound;
  if (socket->local == NULL) return;
  *out_address = *socket->local;
  // Of sockaddr_in and sockaddr_in6 alike, at the same place.
  out_address->socket.ip4.sin_port = socket->bound.socket.ip4.sin_port;
}
