// The way out of streams: the scratch block, in which small writes gather, and the queue of bytes
// that the kernel has not taken. write.c decides which of the two a write takes, marks.c watches
// the queue.
//
//   small writes --> scratch --callback returns--+--> one send --all taken--> done
//   large writes --no queue, with the scratch----+        |
//                                                         | the rest
//                                                         v
//   writes while there is a queue ---------------------> queue --send_start--> SEND --> next part
//   files (sendfile.c), after the scratch --------------> queue
//
// The order of bytes is queue, then scratch, and only one of the two is ever in use for a
// connection: once bytes are queued, all later ones are queued after them.
//
// A completion-based poller may answer a send of the scratch, or of leased bytes, with
// -EINPROGRESS: they are flying until its SEND, with this turn's or the next wait. Bytes that are
// written meanwhile are queued after them; flying bytes that the kernel does not take are put back
// in front of those.
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
#include "net/reactor/internal/marks.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/side.h"

// A file is sent in parts of at most this size, one a turn: as much as one connection may receive.
enum { FILE_TURN_BYTES = 256 << 10 };

size_t evnet_conn_outbound_bytes(const struct evnet_conn *conn) {
  return conn_is_datagram(conn) ? datagram_outbound_bytes(conn) : outbound_bytes(conn);
}

// At the front of the queue. What is under way stays there until its SEND.
static bool file_is_next(const struct evnet_conn *conn) {
  return conn->side != NULL && evnet_outbound_first_file(&conn->side->outbound) != NULL;
}

static void announce(struct evnet_conn *conn) {
  struct evnet_reactor *reactor = conn->reactor;
  // What it writes itself goes along and is not announced again.
  if (reactor->scratch.prewrite_conn != NULL) return;
  // The scratch may be another connection's: those bytes must not mix with conn's.
  if (reactor->scratch.conn != conn) outbound_flush_scratch(reactor);
  if (conn->state == CONN_CLOSED) return;
  reactor->scratch.prewrite_conn = conn;
  reactor->handler.on_prewrite(conn, reactor->user);
  reactor->scratch.prewrite_conn = NULL;
}

static inline void prewrite(struct evnet_conn *conn) {
  if (conn->reactor->handler.on_prewrite != NULL) announce(conn);
}

static void note_sent(struct evnet_conn *conn, size_t size) {
  counter_add(&conn->reactor->stats.bytes_sent, size);
  conn->out_ms = clock_stamp(conn);
}

// The queue

static void send_queue(struct evnet_conn *conn) {
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

// The queue is no longer empty.
void outbound_start_write_timeout(struct evnet_conn *conn) {
  conn->side->write_since_ms = clock_stamp(conn);
  int64_t timeout_ms = limits_of(conn)->timeouts_ms[EVNET_TIMEOUT_WRITE];
  if (timeout_ms != EVNET_OFF) deadline_arm(conn, (uint64_t)timeout_ms);
}

// Something was queued, or could not be: the connection ends then, as a part of it may be sent.
//
//   first  there was nothing before it.
int outbound_queued(struct evnet_conn *conn, bool first, int status) {
  if (status < 0) {
    end_abort(conn, status);
    return status;
  }
  if (first && !side_queue_is_empty(conn)) {
    outbound_start_write_timeout(conn);
    if (conn->flying || outbound_is_announcing_another(conn)) {
      due_add(conn, 0);
    } else {
      send_queue(conn);
    }
  }
  marks_check_high(conn);
  return 0;
}

// Queues the pieces but for their first `skip` bytes.
int outbound_queue(struct evnet_conn *conn, const struct iovec *pieces, size_t count, size_t skip) {
  struct conn_side *side = side_get(conn);
  bool first = side_queue_is_empty(conn);
  int status = side == NULL ? -ENOMEM : evnet_outbound_append(&side->outbound, pieces, count, skip);
  return outbound_queued(conn, first, status);
}

void outbound_send_end(struct evnet_conn *conn) {
  if (!(conn->flags & WRITE_ENDED) || (conn->flags & END_SENT)) return;
  conn->flags |= END_SENT;
  due_add(conn, 0);  // it may have been the second end
  (void)evnet_poller_shutdown_write(conn->reactor->poller, conn_handle(conn));
}

// All that was queued is sent.
static void drained(struct evnet_conn *conn) {
  outbound_send_end(conn);
  if (conn->state == CONN_FLUSHING) end_linger(conn);
  side_trim(conn);
  due_check_stopping(conn);
}

// What the kernel did not take of what was flying goes in front of all that was queued meanwhile.
static void take_back(struct evnet_conn *conn, const uint8_t *rest, size_t size) {
  if (size == 0) return;
  struct conn_side *side = side_get(conn);
  bool first = side_queue_is_empty(conn);
  int status = side == NULL ? -ENOMEM : evnet_outbound_prepend(&side->outbound, rest, size);
  if (status < 0) {
    end_abort(conn, status);
    return;
  }
  if (first) outbound_start_write_timeout(conn);
  marks_check_high(conn);
}

// The poller has sent a part of the queue.
static void consume(struct evnet_conn *conn, size_t size) {
  struct conn_side *side = conn->side;
  if (file_is_next(conn)) {
    evnet_outbound_consume_file(&side->outbound, (int64_t)size);
  } else {
    evnet_outbound_consume(&side->outbound, size);
  }
  if (size > 0) side->write_since_ms = clock_stamp(conn);
  marks_check_low(conn);
}

// Whether the queue has to be sent; then it has been announced.
static bool announce_queue(struct evnet_conn *conn) {
  bool waits = conn->state != CONN_CLOSED && !side_queue_is_empty(conn) && !conn->flying &&
               !(conn->flags & SENDING);
  if (!waits) return false;
  prewrite(conn);  // what it writes is queued, as the queue is not empty
  return conn->state != CONN_CLOSED;
}

void outbound_sent(struct evnet_conn *conn, const struct evnet_completion *completion) {
  bool flew = conn->flying;
  conn->flying = 0;
  conn->flags &= (uint16_t)~SENDING;
  if (flew) {
    // Noted when it began, as the wait that tells of it may have lasted long; but for this.
    counter_add(&conn->reactor->stats.bytes_sent, -(uint64_t)completion->rest);
  } else if (completion->result > 0) {
    note_sent(conn, (size_t)completion->result);
  }
  if (conn->state == CONN_CLOSED) return;
  if (completion->result < 0) {
    // With a file cut short an orderly end would tell the peer that it was all.
    if (!flew && file_is_next(conn)) {
      end_abort(conn, (int)completion->result);
    } else {
      end_failed(conn, (int)completion->result);
    }
    return;
  }
  if (flew) {
    take_back(conn, completion->data, completion->rest);
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
  if (file_is_next(conn)) {
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

// A poller's wait does not end for the sake of a flight; but a reactor with something on its due
// list does not sleep.
void outbound_await_flight(struct evnet_conn *conn) {
  if (!conn->flying) return;
  bool awaited = conn->state != CONN_OPEN || (conn->flags & WRITE_ENDED) ||
                 !side_queue_is_empty(conn) || conn->reactor->stop.phase != STOP_NONE;
  if (awaited) due_add(conn, 0);
}

// Sending now

// Only a single piece can fly, so an empty one beside it makes sure that it does not. In flight,
// bytes of the high mark or more would count as pending without on_pressure, though the kernel may
// have room for all of them.
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
      *taken_all = false;  // what follows is queued behind it
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

// Frees the scratch. Its bytes stay in place until the next write.
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
  // It may have ended the way out in front of the pieces.
  int status = count > 0 ? outbound_may_write(conn) : 0;
  if (status < 0) return status;
  struct iovec batch[EVNET_SEND_PIECES_MAX];
  size_t batch_count = 0;
  size_t next = 0;
  if (reactor->scratch.conn == conn) {
    batch[0] = take_scratch(reactor);
    if (batch[0].iov_len > 0) batch_count = 1;
  }
  bool taken_all = outbound_is_clear(conn);
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
  if (reactor->scratch.conn != conn) return;  // on_prewrite has flushed it, or closed conn
  const struct iovec batch[2] = {take_scratch(reactor)};
  const size_t size = batch[0].iov_len;
  if (size == 0) return;
  bool taken_all = outbound_is_clear(conn);
  (void)send_batch(conn, batch, may_fly(conn, size) ? 1 : 2, size, &taken_all);
}
