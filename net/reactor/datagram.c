// UDP sockets: how they receive and how they close. datagram_write.c and datagram_out.c send.
//
//   listen --accepting begins--> receiving --stop: last read--> sending only --nothing queued-->
//   closed
#include "net/reactor/datagram.h"

#include <inttypes.h>

#include "net/reactor/internal/callback.h"
#include "net/reactor/internal/close.h"
#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/datagram.h"
#include "net/reactor/internal/datagram_out.h"
#include "net/reactor/internal/datagram_socket.h"
#include "net/reactor/internal/datagram_write.h"
#include "net/reactor/internal/end.h"
#include "net/reactor/internal/handler.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/reading.h"
#include "net/reactor/owner.h"
#include "net/reactor/timer.h"

// After a failure to receive, a listener's socket retries after this time.
enum { RETRY_MS = 100 };

void datagram_start(struct evnet_conn *conn) { reading_allow(conn, STOP_CLOSING); }

static void receive_again(struct evnet_timer *timer, void *user) {
  (void)timer;
  reading_allow(user, STOP_FAILING);
}

// Receiving fails repeatedly, so an immediate retry would spin. A single error is different: it is
// the ICMP report of an earlier datagram to one peer, and the socket keeps receiving from the
// others.
static void receive_later(struct evnet_conn *conn, int status) {
  struct evnet_reactor *reactor = conn->reactor;
  struct datagram_socket *socket = datagram_of(conn);
  const uint64_t times =
      evnet_log_limit_pass(&log_limits_of(reactor)->deaf, evnet_reactor_now_ms(reactor));
  if (times > 0) {
    char text[EVNET_ADDRESS_TEXT_BYTES];
    evnet_address_format(&socket->bound, text, sizeof text);
    evnet_log(&reactor->options.logger, EVNET_LOG_WARNING,
              "cannot receive on '%s': %s; retrying every %d ms (%" PRIu64
              " since the last report)",
              text, evnet_status_message(status), RETRY_MS, times);
  }
  reading_stop(conn, STOP_FAILING);
  evnet_timer_start(reactor, &socket->retry, RETRY_MS, receive_again, conn);
}

// Reports the error of a datagram to one peer. The socket keeps receiving from the others.
static void report_error(struct evnet_conn *conn, const struct evnet_completion *completion) {
  const struct evnet_bound_handler *bound = handler_of(conn);
  if (completion->peer == NULL || bound->handler.on_datagram_error == NULL) return;
  const struct evnet_datagram_error error = {.status = (int)completion->result,
                                             .mtu = (uint32_t)completion->rest,
                                             .peer = completion->peer,
                                             .reporter = completion->local};
  bound->handler.on_datagram_error(conn, &error, bound->user);
  callback_returned(conn->reactor, NULL, EVNET_NONE);
  close_check_stopping(conn);
}

void datagram_received(struct evnet_conn *conn, const struct evnet_completion *completion) {
  const bool connected = conn->state == CONN_OPEN;
  if (!connected && conn->state != CONN_DATAGRAM) return;
  if (completion->result < 0) {
    if (connected) {
      end_failed(conn, (int)completion->result);
    } else if (!completion->more) {
      receive_later(conn, (int)completion->result);
    } else {
      report_error(conn, completion);
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
  const struct evnet_bound_handler *bound = handler_of(conn);
  if (bound->handler.on_data == NULL) return;
  socket->peer = connected ? NULL : completion->peer;
  socket->local = completion->local;
  socket->truncated = completion->truncated;
  reactor->lease.conn = conn;
  reactor->lease.bytes = (struct evnet_bytes){.data = completion->data, .size = size};
  enum evnet_action action = bound->handler.on_data(conn, bound->user);
  reactor->lease.conn = NULL;
  socket->peer = socket->local = NULL;
  socket->truncated = false;
  // A listener's UDP socket ignores EVNET_CLOSE.
  callback_returned(reactor, connected ? conn : NULL, action);
  close_check_stopping(conn);
}

bool evnet_conn_is_truncated(const struct evnet_conn *conn) {
  return conn_is_datagram(conn) && datagram_of(conn) != NULL && datagram_of(conn)->truncated;
}

// Room in the socket

void datagram_room(struct evnet_conn *conn, int status) {
  struct datagram_socket *socket = datagram_of(conn);
  if (conn->state == CONN_CLOSED) return;
  datagram_send_queued(socket, status);
  if (conn->state == CONN_CLOSED || socket->first != NULL) return;
  if (conn->state == CONN_FLUSHING) end_linger(conn);
  close_check_stopping(conn);
}

void datagram_run_due(struct evnet_conn *conn) {
  const struct datagram_socket *socket = datagram_of(conn);
  if (socket != NULL && socket->failure < 0) end_failed(conn, socket->failure);
}

// Closing

void datagram_close(struct evnet_conn *conn) {
  struct evnet_reactor *reactor = conn->reactor;
  struct datagram_socket *socket = datagram_of(conn);
  datagram_end(conn);
  evnet_timer_stop(reactor, &socket->retry);
  reading_stop(conn, STOP_CLOSING);  // a later pause or resume has no effect
  struct datagram_socket **to_this = &reactor->datagram_sockets;
  while (*to_this != socket) to_this = &(*to_this)->next;
  *to_this = socket->next;
  if (socket->leaving) reactor->listeners.leaving_datagram_count--;
  conn->state = CONN_CLOSED;
  evnet_poller_detach(reactor->poller, conn_handle(conn));
}

void datagram_close_idle(struct evnet_reactor *reactor, bool all) {
  datagram_flush(reactor);
  struct datagram_socket *next;
  for (struct datagram_socket *socket = reactor->datagram_sockets; socket != NULL; socket = next) {
    next = socket->next;
    struct evnet_conn *conn = socket->conn;
    // A socket that is stopped by its holds gets its last read when they are released.
    if (!(conn->read_stop & STOP_HOLDS)) reading_stop(conn, STOP_CLOSING);
    bool owes = conn->holds > 0 || socket->first != NULL;
    if (all || !owes) datagram_close(conn);
  }
}
