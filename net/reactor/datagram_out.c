// The output of UDP sockets. Datagrams that callbacks write are gathered and sent in one call, up
// to EVNET_DATAGRAMS_MAX of them. If the socket is full, the remaining datagrams are queued in
// order, up to a bound.
//
//   write --> gather --flush--> taken
//     |                  |
//     |                  +--> full: queue --room--> taken
//     +-- something is queued: after it
//
// A socket with queued datagrams therefore has no gathered ones.
#include "net/reactor/internal/datagram_out.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "net/reactor/internal/clock.h"
#include "net/reactor/internal/datagram_socket.h"
#include "net/reactor/internal/deadline.h"
#include "net/reactor/internal/due.h"
#include "net/reactor/internal/handler.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/owner.h"

void datagram_copy_address(struct evnet_address *out, const struct evnet_address *address) {
  // Copy only the part that IP addresses use, because the rest of the union is for Unix paths.
  memcpy(&out->socket, &address->socket, sizeof out->socket.ip6);
  out->size = address->size;
}

static size_t size_of(const struct evnet_datagram *datagram) {
  size_t size = 0;
  for (uint32_t i = 0; i < datagram->count; i++) size += datagram->pieces[i].iov_len;
  return size;
}

static size_t cost_of(size_t size) {
  return sizeof(struct datagram_queued) + EVNET_BLOCK_SPARE_BYTES + size;
}

static void note_dropped(struct evnet_reactor *reactor) {
  counter_add(&reactor->stats.datagrams_dropped, 1);
}

static void answer(struct evnet_async *async, int status) {
  if (async != NULL) due_answer(async, status);
}

// The queue

// Only connections have the timeout. A listener's socket waits indefinitely.
static void start_write_timeout(const struct datagram_socket *socket) {
  struct evnet_conn *conn = socket->conn;
  if (socket->connected) conn->side->write_since_ms = clock_stamp(conn);
  const int64_t timeout_ms = limits_of(conn)->timeouts_ms[EVNET_TIMEOUT_WRITE];
  if (socket->connected && timeout_ms != EVNET_OFF) deadline_arm(conn, (uint64_t)timeout_ms);
}

static int enqueue(struct datagram_socket *socket, const struct datagram_outgoing *outgoing) {
  struct evnet_reactor *reactor = socket->conn->reactor;
  const size_t cost = cost_of(outgoing->size);
  const size_t bound = reactor->options.udp_outbound_bytes_max;
  if (socket->queued_cost > bound || cost > bound - socket->queued_cost) return -ENOBUFS;
  const size_t copied = outgoing->async == NULL ? outgoing->size : 0;
  struct datagram_queued *queued = evnet_allocate(reactor->options.allocator, cost_of(copied));
  if (queued == NULL) return -ENOMEM;
  queued->next = NULL;
  queued->async = outgoing->async;
  queued->has_to = outgoing->to != NULL;
  if (queued->has_to) datagram_copy_address(&queued->to, outgoing->to);
  queued->has_from = outgoing->from != NULL;
  if (queued->has_from) datagram_copy_address(&queued->from, outgoing->from);
  if (outgoing->async != NULL) {
    queued->piece = *outgoing->pieces;
  } else {
    uint8_t *end = evnet_block_align(queued->copy);
    queued->piece = (struct iovec){.iov_base = end, .iov_len = outgoing->size};
    for (size_t i = 0; i < outgoing->count; i++) {
      if (outgoing->pieces[i].iov_len == 0) continue;
      memcpy(end, outgoing->pieces[i].iov_base, outgoing->pieces[i].iov_len);
      end += outgoing->pieces[i].iov_len;
    }
  }
  if (socket->first == NULL) {
    socket->first = queued;
    start_write_timeout(socket);
  } else {
    socket->last->next = queued;
  }
  socket->last = queued;
  socket->queued_bytes += outgoing->size;
  socket->queued_cost += cost;
  counter_add(&reactor->stats.outbound_bytes, outgoing->size);
  return 0;
}

static void pop(struct datagram_socket *socket, int status) {
  struct datagram_queued *queued = socket->first;
  socket->first = queued->next;
  socket->queued_bytes -= queued->piece.iov_len;
  socket->queued_cost -= cost_of(queued->piece.iov_len);
  counter_add(&socket->conn->reactor->stats.outbound_bytes, -(uint64_t)queued->piece.iov_len);
  answer(queued->async, status);
  evnet_release(socket->conn->reactor->options.allocator, queued);
}

static void await_room(struct datagram_socket *socket) {
  if (socket->awaiting) return;
  socket->awaiting = true;
  evnet_poller_await_room(socket->conn->reactor->poller, conn_handle(socket->conn));
}

// Sending

// Calls on_prewrite just before datagrams are sent. Datagrams that on_prewrite writes to this
// socket are sent with them, without another call. The same holds for datagrams of another UDP
// socket that on_prewrite causes to be sent immediately.
static void announce(struct evnet_conn *conn) {
  struct evnet_reactor *reactor = conn->reactor;
  struct datagram_gather *gather = reactor->gather;
  const struct evnet_bound_handler *bound = handler_of(conn);
  if (bound->handler.on_prewrite == NULL || gather->announcing) return;
  struct evnet_conn *outer = reactor->scratch.prewrite_conn;
  gather->announcing = true;
  reactor->scratch.prewrite_conn = conn;
  bound->handler.on_prewrite(conn, bound->user);
  reactor->scratch.prewrite_conn = outer;
  gather->announcing = false;
}

// A send on a connected socket may report the ICMP error of an earlier datagram. All other errors
// concern only the datagram that is being sent.
static void note_failure(struct datagram_socket *socket, int status) {
  if (!socket->connected || status != -ECONNREFUSED || socket->conn->state == CONN_CLOSED) return;
  socket->failure = status;
  due_add(socket->conn, 0);  // ends the connection later, not inside the write
}

// The kernel refused a datagram. The log names the reason, because the writer gets no status for
// it.
static void note_refused(struct datagram_socket *socket, const struct evnet_address *to,
                         int status) {
  struct evnet_reactor *reactor = socket->conn->reactor;
  note_dropped(reactor);
  note_failure(socket, status);
  if (socket->failure < 0) return;  // on_close gets the status
  const uint64_t times =
      evnet_log_limit_pass(&log_limits_of(reactor)->refused, evnet_reactor_now_ms(reactor));
  if (times == 0) return;
  char from[EVNET_ADDRESS_TEXT_BYTES];
  char peer[EVNET_ADDRESS_TEXT_BYTES] = "its peer";
  evnet_address_format(&socket->bound, from, sizeof from);
  if (to != NULL) {
    struct evnet_address copy = {.transport = EVNET_TRANSPORT_UDP};
    datagram_copy_address(&copy, to);
    evnet_address_format(&copy, peer, sizeof peer);
  }
  evnet_log(&reactor->options.logger, EVNET_LOG_WARNING,
            "cannot send a datagram from '%s' to '%s': %s%s (%" PRIu64 " since the last report)",
            from, peer, evnet_status_message(status),
            status == -EACCES ? "; set option udp_broadcast to send to a broadcast address" : "",
            times);
}

// Sends datagrams until the socket is full.
//
// Returns: the number of datagrams that were sent or permanently refused, each reported to `dealt`.
// If it is less than `count`, the socket is full.
static size_t send_now(struct datagram_socket *socket, const struct evnet_datagram *datagrams,
                       size_t count,
                       void (*dealt)(struct datagram_socket *socket, size_t index, int status)) {
  struct evnet_reactor *reactor = socket->conn->reactor;
  size_t done = 0;
  while (done < count) {
    int64_t sent = evnet_poller_send_datagrams(reactor->poller, conn_handle(socket->conn),
                                               datagrams + done, count - done);
    if (sent == 0) break;
    if (sent < 0) {
      note_refused(socket, datagrams[done].to, (int)sent);
      dealt(socket, done++, (int)sent);
      continue;
    }
    size_t bytes = 0;
    for (const size_t end = done + (size_t)sent; done < end; done++) {
      bytes += size_of(&datagrams[done]);
      dealt(socket, done, 0);
    }
    if (socket->connected)
      socket->conn->out_ms = socket->conn->side->write_since_ms = clock_stamp(socket->conn);
    counter_add(&reactor->stats.datagrams_sent, (uint64_t)sent);
    counter_add(&reactor->stats.bytes_sent, bytes);
  }
  return done;
}

static void dealt_queued(struct datagram_socket *socket, size_t index, int status) {
  (void)index;
  pop(socket, status);  // datagrams leave in order, so this is the first
}

static void send_queue(struct datagram_socket *socket) {
  struct evnet_datagram datagrams[EVNET_DATAGRAMS_MAX];
  while (socket->first != NULL) {
    size_t count = 0;
    const struct datagram_queued *queued = socket->first;
    for (; queued != NULL && count < EVNET_DATAGRAMS_MAX; queued = queued->next) {
      datagrams[count++] = (struct evnet_datagram){.pieces = &queued->piece,
                                                   .count = 1,
                                                   .to = queued->has_to ? &queued->to : NULL,
                                                   .from = queued->has_from ? &queued->from : NULL};
    }
    if (send_now(socket, datagrams, count, dealt_queued) < count) {
      await_room(socket);
      return;
    }
  }
}

// The poller cannot report when there is room, and retrying without that would spin.
static void refuse_queue(struct datagram_socket *socket, int status) {
  while (socket->first != NULL) {
    note_refused(socket, socket->first->has_to ? &socket->first->to : NULL, status);
    pop(socket, status);
  }
}

void datagram_send_queued(struct datagram_socket *socket, int status) {
  struct evnet_conn *conn = socket->conn;
  socket->awaiting = false;
  if (status < 0) refuse_queue(socket, status);
  if (socket->first != NULL) announce(conn);
  if (conn->state == CONN_CLOSED) return;
  send_queue(socket);
}

// Gathering

static void dealt_gathered(struct datagram_socket *socket, size_t index, int status) {
  answer(socket->conn->reactor->gather->asyncs[index], status);
}

// Queues the remaining datagrams, because the socket is full.
static void queue_gathered(struct datagram_gather *gather, size_t index) {
  struct datagram_socket *socket = gather->socket;
  for (; index < gather->count; index++) {
    const struct evnet_datagram *datagram = &gather->datagrams[index];
    const struct datagram_outgoing outgoing = {.to = datagram->to,
                                               .from = datagram->from,
                                               .pieces = datagram->pieces,
                                               .count = datagram->count,
                                               .size = size_of(datagram),
                                               .async = gather->asyncs[index]};
    int status = enqueue(socket, &outgoing);
    if (status == 0) continue;
    note_dropped(socket->conn->reactor);
    answer(outgoing.async, status);
  }
  if (socket->first != NULL) await_room(socket);
}

static void send_gathered(struct datagram_gather *gather) {
  struct datagram_socket *socket = gather->socket;
  if (socket == NULL) return;
  size_t done = send_now(socket, gather->datagrams, gather->count, dealt_gathered);
  queue_gathered(gather, done);
  gather->socket = NULL;
  gather->count = 0;
  gather->copied = 0;
  gather->bytes = gather->cost = 0;
}

void datagram_end(struct evnet_conn *conn) {
  struct evnet_reactor *reactor = conn->reactor;
  struct datagram_socket *socket = datagram_of(conn);
  if (socket == NULL) return;
  if (reactor->gather->socket == socket) send_gathered(reactor->gather);
  while (socket->first != NULL) {
    note_dropped(reactor);
    pop(socket, -ESHUTDOWN);
  }
}

void datagram_flush(struct evnet_reactor *reactor) {
  struct datagram_gather *gather = reactor->gather;
  if (gather == NULL || gather->socket == NULL) return;
  const struct datagram_socket *socket = gather->socket;
  announce(socket->conn);
  // Otherwise on_prewrite wrote to another socket, and gathering for that one sent these datagrams.
  if (gather->socket == socket) send_gathered(gather);
}

bool datagram_is_gathering(const struct evnet_reactor *reactor) {
  return reactor->gather != NULL && reactor->gather->socket != NULL;
}

// Returns whether another datagram can be gathered without sending those that are gathered.
static bool has_room(const struct evnet_reactor *reactor, const struct datagram_socket *socket,
                     size_t size) {
  const struct datagram_gather *gather = reactor->gather;
  if (gather->socket == NULL) return true;
  // If the socket turns out to be full, the queue must have room for all gathered datagrams.
  const size_t bound = reactor->options.udp_outbound_bytes_max;
  return gather->socket == socket && gather->count < EVNET_DATAGRAMS_MAX &&
         size <= sizeof gather->copies - gather->copied && gather->cost < bound &&
         cost_of(size) <= bound - gather->cost;
}

static void gather_copy(struct datagram_gather *gather, const struct datagram_outgoing *outgoing,
                        struct iovec *out_piece) {
  uint8_t *copy = gather->copies + gather->copied;
  *out_piece = (struct iovec){.iov_base = copy, .iov_len = outgoing->size};
  for (size_t i = 0; i < outgoing->count; i++) {
    if (outgoing->pieces[i].iov_len == 0) continue;
    memcpy(copy, outgoing->pieces[i].iov_base, outgoing->pieces[i].iov_len);
    copy += outgoing->pieces[i].iov_len;
  }
  gather->copied += (uint32_t)outgoing->size;
}

static void gather_add(struct datagram_socket *socket, const struct datagram_outgoing *outgoing,
                       bool borrowed) {
  struct datagram_gather *gather = socket->conn->reactor->gather;
  gather->socket = socket;
  const uint32_t index = gather->count++;
  struct evnet_datagram *datagram = &gather->datagrams[index];
  if (borrowed) {
    *datagram =
        (struct evnet_datagram){.pieces = outgoing->pieces, .count = (uint32_t)outgoing->count};
  } else {
    gather_copy(gather, outgoing, &gather->pieces[index]);
    *datagram = (struct evnet_datagram){.pieces = &gather->pieces[index], .count = 1};
  }
  if (outgoing->to != NULL) {
    datagram_copy_address(&gather->to[index], outgoing->to);
    datagram->to = &gather->to[index];
  }
  if (outgoing->from != NULL) {
    datagram_copy_address(&gather->from[index], outgoing->from);
    datagram->from = &gather->from[index];
  }
  gather->asyncs[index] = outgoing->async;
  gather->bytes += outgoing->size;
  gather->cost += cost_of(outgoing->size);
}

int datagram_send(struct datagram_socket *socket, const struct datagram_outgoing *outgoing) {
  struct evnet_reactor *reactor = socket->conn->reactor;
  if (!has_room(reactor, socket, outgoing->size)) datagram_flush(reactor);
  // on_prewrite may have closed the socket.
  const enum conn_state state = (enum conn_state)socket->conn->state;
  if (state != CONN_OPEN && state != CONN_DATAGRAM) return -ENOTCONN;
  // There may still be no room, because on_prewrite may have gathered more datagrams.
  if (!has_room(reactor, socket, outgoing->size)) send_gathered(reactor->gather);
  if (socket->first != NULL) {
    int status = enqueue(socket, outgoing);
    if (status < 0) note_dropped(reactor);
    return status;
  }
  const bool large = outgoing->size >= DIRECT_BYTES && outgoing->count <= EVNET_SEND_PIECES_MAX;
  gather_add(socket, outgoing, large || outgoing->async != NULL);
  if (large && outgoing->async == NULL) datagram_flush(reactor);
  return 0;
}

size_t datagram_outbound_bytes(const struct evnet_conn *conn) {
  const struct datagram_socket *socket = datagram_of(conn);
  const struct datagram_gather *gather = conn->reactor->gather;
  if (socket == NULL) return 0;
  return socket->queued_bytes + (gather->socket == socket ? gather->bytes : 0);
}
