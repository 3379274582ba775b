// Output of streams: the scratch block, which gathers small writes, and the queue of bytes that the
// kernel has not taken. write.c decides whether a write is gathered or queued. marks.c checks the
// size of the queue against the water marks.
//
//   small writes --> scratch --callback returns--+--> one send --all taken--> done
//   large writes --no queue, with the scratch----+        |
//                                                         | the rest
//                                                         v
//   writes while there is a queue ---------------------> queue --send_start--> SEND --> next part
//   files (sendfile.c), after the scratch --------------> queue
//
// Bytes are sent in the order queue, then scratch. A connection uses only one of the two at a time:
// once bytes are queued, all later bytes are queued after them.
//
// A completion-based poller may return -EINPROGRESS for a send of the scratch or of leased bytes.
// The bytes are then flying until their SEND, which comes with this turn's wait or the next. Bytes
// written meanwhile are queued. If the kernel does not take all flying bytes, the rest goes to the
// front of the queue.
//
//   scratch --send: -EINPROGRESS--> flying --SEND: all taken--> done, or the queue's turn
//                                      |
//                                      +--SEND: a rest--> in front of the queue --send_start-->
#include "net/reactor/internal/outbound.h"

#include <errno.h>

#include "net/reactor/conn.h"
#include "net/reactor/internal/clock.h"
#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/datagram_out.h"
#include "net/reactor/internal/deadline.h"
#include "net/reactor/internal/due.h"
#include "net/reactor/internal/end.h"
#include "net/reactor/internal/flow.h"
#include "net/reactor/internal/handler.h"
#include "net/reactor/internal/marks.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/side.h"

// A file is sent in parts of at most this size, one a turn, which equals the default of
// read_turn_bytes_max.
enum { FILE_TURN_BYTES = 256 << 10 };

size_t evnet_conn_outbound_bytes(const struct evnet_conn *conn) {
  return conn_is_datagram(conn) ? datagram_outbound_bytes(conn) : outbound_bytes(conn);
}

// Returns whether a file is at the front of the queue. A file that is being sent stays there until
// its SEND.
static bool file_is_next(const struct evnet_conn *conn) {
  return conn->side != NULL && evnet_outbound_first_file(&conn->side->outbound) != NULL;
}

static void announce(struct evnet_conn *conn) {
  struct evnet_reactor *reactor = conn->reactor;
  // Bytes that on_prewrite writes are sent along, without another call of it.
  if (reactor->scratch.prewrite_conn != NULL) return;
  // The scratch may hold another connection's bytes, which must not mix with conn's.
  if (reactor->scratch.conn != conn) outbound_flush_scratch(reactor);
  if (conn->state == CONN_CLOSED) return;
  reactor->scratch.prewrite_conn = conn;
  const struct evnet_bound_handler *bound = handler_of(conn);
  if (bound->handler.on_prewrite != NULL) bound->handler.on_prewrite(conn, bound->user);
  reactor->scratch.prewrite_conn = NULL;
}

static inline void prewrite(struct evnet_conn *conn) {
  if (handler_of(conn)->handler.on_prewrite != NULL) announce(conn);
}

static void note_sent(struct evnet_conn *conn, size_t size) {
  counter_add(&conn->reactor->stats.bytes_sent, size);
  conn->out_ms = clock_stamp(conn);
}

// The queue

static void send_queue(struct evnet_conn *conn) {
  if (!rate_may_send(conn)) return;
  struct conn_side *side = conn->side;
  const struct evnet_outbound_file *file = evnet_outbound_first_file(&side->outbound);
  if (file != NULL) {
    int64_t size = file->size < FILE_TURN_BYTES ? file->size : FILE_TURN_BYTES;
    side->file = (struct evnet_file_range){
        .descriptor = file->descriptor, .offset = file->offset, .size = (size_t)size};
    side->send = (struct evnet_send){.file = &side->file};
  } else {
    size_t count = evnet_outbound_gather(&side->outbound, side->pieces, SEND_PIECES);
    side->send = (struct evnet_send){.pieces = side->pieces, .count = (uint32_t)count};
  }
  conn->flags |= SENDING;
  evnet_poller_send_start(conn->reactor->poller, conn_handle(conn), &side->send);
}

// Called when the queue is no longer empty.
void outbound_start_write_timeout(struct evnet_conn *conn) {
  conn->side->write_since_ms = clock_stamp(conn);
  int64_t timeout_ms = limits_of(conn)->timeouts_ms[EVNET_TIMEOUT_WRITE];
  if (timeout_ms != EVNET_OFF) deadline_arm(conn, (uint64_t)timeout_ms);
}

// Called after bytes were queued, or could not be queued. In the second case the connection ends,
// because a part of the bytes may be sent already.
//
//   first  the queue was empty before.
int outbound_queued(struct evnet_conn *conn, bool first, int status) {
  if (status < 0) {
    end_abort(conn, status);
    return status;
  }
  side_count(conn);
  if (first && !side_queue_is_empty(conn)) {
    outbound_start_write_timeout(conn);
    if (conn->flying || outbound_is_announcing_another(conn)) {
      due_add(conn, 0);
    } else if (!(conn->flags & SENDING)) {  // else it waits for room: its SEND sends the queue
      send_queue(conn);
    }
  }
  marks_check_high(conn);
  return 0;
}

// Queues the pieces without their first `skip` bytes.
int outbound_queue(struct evnet_conn *conn, const struct iovec *pieces, size_t count, size_t skip) {
  struct conn_side *side = side_get(conn);
  bool first = side_queue_is_empty(conn);
  int status = side == NULL ? -ENOMEM : evnet_outbound_append(&side->outbound, pieces, count, skip);
  return outbound_queued(conn, first, status);
}

void outbound_send_end(struct evnet_conn *conn) {
  if (!(conn->flags & WRITE_ENDED) || (conn->flags & END_SENT)) return;
  conn->flags |= END_SENT;
  due_add(conn, 0);  // the peer's FIN may have come before
  (void)evnet_poller_shutdown_write(conn->reactor->poller, conn_handle(conn));
}

// Called when all queued output is sent.
static void drained(struct evnet_conn *conn) {
  outbound_send_end(conn);
  if (conn->state == CONN_FLUSHING) end_linger(conn);
  side_trim(conn);
  due_check_stopping(conn);
}

// Puts flying bytes that the kernel did not take in front of all bytes queued meanwhile.
static void take_back(struct evnet_conn *conn, const uint8_t *rest, size_t size) {
  if (size == 0) return;
  struct conn_side *side = side_get(conn);
  bool first = side_queue_is_empty(conn);
  int status = side == NULL ? -ENOMEM : evnet_outbound_prepend(&side->outbound, rest, size);
  if (status < 0) {
    end_abort(conn, status);
    return;
  }
  side_count(conn);
  if (first) outbound_start_write_timeout(conn);
  marks_check_high(conn);
}

// Called when the poller has sent a part of the queue.
static void consume(struct evnet_conn *conn, size_t size) {
  struct conn_side *side = conn->side;
  if (file_is_next(conn)) {
    evnet_outbound_consume_file(&side->outbound, (int64_t)size);
  } else {
    evnet_outbound_consume(&side->outbound, size);
  }
  side_count(conn);
  if (size > 0) side->write_since_ms = clock_stamp(conn);
  marks_check_low(conn);
  flow_check_below(conn);
}

// Calls on_prewrite if the queue has to be sent. Returns whether it still has to be.
static bool announce_queue(struct evnet_conn *conn) {
  bool waits = conn->state != CONN_CLOSED && !side_queue_is_empty(conn) && !conn->flying &&
               !(conn->flags & SENDING) && rate_may_send(conn);
  if (!waits) return false;
  prewrite(conn);  // bytes that on_prewrite writes are queued, because the queue is not empty
  return conn->state != CONN_CLOSED;
}

void outbound_sent(struct evnet_conn *conn, const struct evnet_completion *completion) {
  bool flew = conn->flying;
  conn->flying = 0;
  conn->flags &= (uint16_t)~SENDING;
  if (flew) {
    // The send was counted when it began, because the wait that reports it may have lasted long.
    // Only the bytes that were not taken are subtracted here.
    counter_add(&conn->reactor->stats.bytes_sent, -(uint64_t)completion->rest);
  } else if (completion->result > 0) {
    note_sent(conn, (size_t)completion->result);
    rate_passed(conn, RATE_SEND, (size_t)completion->result);
  }
  if (conn->state == CONN_CLOSED) return;
  if (completion->result < 0) {
    // Reset if a file was cut short, because a FIN would make the file look complete to the peer.
    if (!flew && file_is_next(conn)) {
      end_abort(conn, (int)completion->result);
    } else {
      end_failed(conn, (int)completion->result);
    }
    return;
  }
  if (flew) {
    take_back(conn, completion->data, completion->rest);
    flow_check_below(conn);
  } else {
    consume(conn, (size_t)completion->result);
  }
  if (conn->state == CONN_CLOSED) return;
  if (outbound_is_empty(conn)) {
    drained(conn);
    return;
  }
  if (announce_queue(conn)) send_queue(conn);
}

void outbound_start(struct evnet_conn *conn) {
  if (!announce_queue(conn)) return;
  // Only a send_start is limited by a rate.
  if (file_is_next(conn) || conn->side->rate != NULL) {
    send_queue(conn);
    return;
  }
  struct conn_side *side = conn->side;
  size_t count = evnet_outbound_gather(&side->outbound, side->pieces, SEND_PIECES);
  int64_t sent = evnet_poller_send(conn->reactor->poller, conn_handle(conn), side->pieces, count);
  if (sent < 0) {
    end_failed(conn, (int)sent);
    return;
  }
  if (sent > 0) note_sent(conn, (size_t)sent);
  consume(conn, (size_t)sent);
  if (outbound_is_empty(conn)) {
    drained(conn);
  } else {
    send_queue(conn);
  }
}

void outbound_await_room(struct evnet_conn *conn) {
  conn->flags |= SENDING;
  evnet_poller_await_room(conn->reactor->poller, conn_handle(conn));
}

// A poller's wait does not end when a flight does. A reactor with a connection on its due list does
// not sleep, so put the connection there if something waits for the flight.
void outbound_await_flight(struct evnet_conn *conn) {
  if (!conn->flying) return;
  bool awaited = conn->state != CONN_OPEN || (conn->flags & WRITE_ENDED) ||
                 !side_queue_is_empty(conn) || conn->reactor->stop.phase != STOP_NONE ||
                 (conn->side != NULL && conn->side->below_bytes > 0);
  if (awaited) due_add(conn, 0);
}

// Sending now

// Returns whether bytes of this size may fly. Only a single piece can fly, so callers add an empty
// piece to prevent it. Flying bytes of the high mark or more would count as pending without
// on_pressure, though the kernel may have room for all of them.
static bool may_fly(const struct evnet_conn *conn, size_t size) {
  return size < limits_of(conn)->outbound_high_water_bytes;
}

// Sends pieces of `size` bytes in one call and queues the bytes that the kernel does not take.
// Returns 0, or the error that ended the connection.
//
//   taken_all  in: the kernel has taken all earlier bytes; if not, the pieces are queued.
//              out: the kernel has taken these, too.
static int send_batch(struct evnet_conn *conn, const struct iovec *pieces, size_t count,
                      size_t size, bool *taken_all) {
  int64_t sent = 0;
  if (*taken_all) {
    sent = evnet_poller_send(conn->reactor->poller, conn_handle(conn), pieces, count);
    if (sent == -EINPROGRESS) {
      conn->flying = 1;
      note_sent(conn, size);
      flow_check_below(conn);  // the due list awaits the flight
      *taken_all = false;      // later bytes are queued after the flying ones
      return 0;
    }
    if (sent < 0) {
      end_failed(conn, (int)sent);
      return (int)sent;
    }
    if (sent > 0) note_sent(conn, (size_t)sent);
    *taken_all = (size_t)sent == size;
  }
  return *taken_all ? 0 : outbound_queue(conn, pieces, count, (size_t)sent);
}

// Takes the bytes out of the scratch. They stay in place until the next write.
static struct iovec take_scratch(struct evnet_reactor *reactor) {
  const struct iovec piece = {.iov_base = reactor->scratch.block,
                              .iov_len = reactor->scratch.bytes};
  reactor->scratch.conn = NULL;
  reactor->scratch.bytes = 0;
  return piece;
}

int outbound_send(struct evnet_conn *conn, const struct iovec *pieces, size_t count,
                  bool immediately) {
  struct evnet_reactor *reactor = conn->reactor;
  prewrite(conn);
  if (conn->state == CONN_CLOSED) return -ENOTCONN;
  // on_prewrite may have shut down writing, which comes before the pieces.
  int status = count > 0 ? outbound_may_write(conn) : 0;
  if (status < 0) return status;
  struct iovec batch[EVNET_SEND_PIECES_MAX];
  size_t batch_count = 0;
  size_t next = 0;
  if (reactor->scratch.conn == conn) {
    batch[0] = take_scratch(reactor);
    if (batch[0].iov_len > 0) batch_count = 1;
  }
  bool taken_all = outbound_may_pass(conn);
  while (batch_count > 0 || next < count) {
    size_t asked = batch_count > 0 ? batch[0].iov_len : 0;
    for (; next < count && batch_count < EVNET_SEND_PIECES_MAX; next++) {
      if (pieces[next].iov_len == 0) continue;
      asked += pieces[next].iov_len;
      batch[batch_count++] = pieces[next];
    }
    if (batch_count == 0) break;
    const bool flies = !immediately && may_fly(conn, asked);
    if (batch_count == 1 && !flies) batch[batch_count++] = (struct iovec){0};
    status = send_batch(conn, batch, batch_count, asked, &taken_all);
    if (status < 0) return status;
    batch_count = 0;
  }
  return 0;
}

void outbound_flush_scratch(struct evnet_reactor *reactor) {
  struct evnet_conn *conn = reactor->scratch.conn;
  if (conn == NULL) return;
  prewrite(conn);
  if (reactor->scratch.conn != conn) return;  // on_prewrite flushed it or closed conn
  const struct iovec batch[2] = {take_scratch(reactor)};
  const size_t size = batch[0].iov_len;
  if (size == 0) return;
  bool taken_all = outbound_may_pass(conn);
  (void)send_batch(conn, batch, may_fly(conn, size) ? 1 : 2, size, &taken_all);
}
