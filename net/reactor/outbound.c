// The way out: small writes gather in the scratch block and leave in one send; large ones go out
// from where they lie; what the kernel does not take stands in the connection's queue until the
// poller has sent it.
//
//   small writes --> scratch --callback returns--+--> one send --all taken--> done
//   large writes --no queue, with the scratch----+        |
//                                                         | the rest
//                                                         v
//   writes while there is a queue ---------------------> queue --send_start--> SEND --> next part
//   files (sendfile.c), behind the scratch -------------> queue
//
// The order of bytes is scratch behind queue, and only one of the two is ever in use for a
// connection: once bytes are queued, all later ones are queued behind them.
//
// A completion-based poller may answer a send of the scratch, or of leased bytes, with
// -EINPROGRESS: they are flying until its SEND, with this turn's or the next wait. What is written
// meanwhile is queued behind them, and what comes back of them goes in front of that.
//
//   scratch --send: -EINPROGRESS--> flying --SEND: all taken--> done, or the queue's turn
//                                      |
//                                      +--SEND: a rest--> in front of the queue --send_start-->
#include <errno.h>
#include <string.h>

#include "net/reactor/internal/datagram.h"
#include "net/reactor/internal/state.h"

static size_t queued_bytes(const struct evnet_conn *conn) {
  return conn->side != NULL ? evnet_outbound_bytes(&conn->side->outbound) : 0;
}

static size_t gathered_bytes(const struct evnet_conn *conn) {
  return conn->reactor->scratch_conn == conn ? conn->reactor->scratch_bytes : 0;
}

static size_t flying_bytes(const struct evnet_conn *conn) {
  return conn->flying ? evnet_poller_sending_bytes(conn->reactor->poller, conn_handle(conn)) : 0;
}

// Of a stream.
static size_t standing_bytes(const struct evnet_conn *conn) {
  return queued_bytes(conn) + gathered_bytes(conn) + flying_bytes(conn);
}

size_t evnet_conn_outbound_bytes(const struct evnet_conn *conn) {
  return conn_is_datagram(conn) ? datagram_outbound_bytes(conn) : standing_bytes(conn);
}

static bool queue_is_empty(const struct evnet_conn *conn) {
  return conn->side == NULL || evnet_outbound_is_empty(&conn->side->outbound);
}

// Of a stream: nothing is queued or in flight.
static bool is_clear(const struct evnet_conn *conn) {
  return queue_is_empty(conn) && !conn->flying;
}

bool outbound_is_empty(const struct evnet_conn *conn) {
  return conn_is_datagram(conn) ? !datagram_is_queued(conn) : is_clear(conn);
}

// At the front of the queue. What is under way stays there until its SEND.
static bool file_is_next(const struct evnet_conn *conn) {
  return conn->side != NULL && evnet_outbound_first_file(&conn->side->outbound) != NULL;
}

static void announce(struct evnet_conn *conn) {
  struct evnet_reactor *reactor = conn->reactor;
  // What it writes itself goes along and is not announced again.
  if (reactor->prewrite_conn != NULL) return;
  // The scratch may be another connection's: those bytes must not mix with conn's.
  if (reactor->scratch_conn != conn) outbound_flush_scratch(reactor);
  if (conn->state == CONN_CLOSED) return;
  reactor->prewrite_conn = conn;
  reactor->handler.on_prewrite(conn, reactor->user);
  reactor->prewrite_conn = NULL;
}

static inline void prewrite(struct evnet_conn *conn) {
  if (conn->reactor->handler.on_prewrite != NULL) announce(conn);
}

// What another connection's on_prewrite writes is queued and sent from the due list, where it is
// announced itself: connections that write to each other must not recurse.
static bool in_prewrite_of_another(const struct evnet_conn *conn) {
  const struct evnet_conn *announced = conn->reactor->prewrite_conn;
  return announced != NULL && announced != conn;
}

static void note_sent(struct evnet_conn *conn, size_t size) {
  counter_add(&conn->reactor->stats.bytes_sent, size);
  conn->out_ms = stats_stamp(conn);
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

static void do_high_action(struct evnet_conn *conn) {
  switch (limits_of(conn)->outbound_high_action) {
    case EVNET_HIGH_CLOSE:
      conn_abort_for(conn, EVNET_REASON_HIGH_WATER);
      break;
    case EVNET_HIGH_STOP_READING:
      conn_stop_reading(conn, STOP_OUTBOUND_HIGH);
      break;
    case EVNET_HIGH_NOTIFY:
      conn_allow_reading(conn, STOP_OUTBOUND_HIGH);
      break;
  }
}

// As evnet_conn_outbound_bytes has them, but for what is gathered, which is sent before it comes to
// the mark: a producer that writes up to that must meet it, or it has no on_drain to wait for.
static size_t marked_bytes(const struct evnet_conn *conn) {
  return queued_bytes(conn) + flying_bytes(conn);
}

static void check_high_mark(struct evnet_conn *conn) {
  bool above = marked_bytes(conn) >= limits_of(conn)->outbound_high_water_bytes;
  if ((conn->flags & PRESSED) || !above) return;
  conn->flags |= PRESSED;
  do_high_action(conn);
  if (conn->state == CONN_CLOSED) return;
  // A drain that was not told yet never happened: the two would be told in the wrong order.
  if (conn->flags & DUE_DRAIN) {
    conn->flags &= (uint16_t)~DUE_DRAIN;
  } else {
    conn_defer(conn, DUE_PRESSURE);
  }
}

static void check_low_mark(struct evnet_conn *conn) {
  bool below = marked_bytes(conn) <= limits_of(conn)->outbound_low_water_bytes;
  if (!(conn->flags & PRESSED) || !below) return;
  conn->flags &= (uint16_t)~PRESSED;
  // Reading starts again with on_drain, not before it: what is read would be answered.
  if (conn->state == CONN_OPEN) conn_defer(conn, DUE_DRAIN);
}

void outbound_marks_changed(struct evnet_conn *conn) {
  check_low_mark(conn);
  check_high_mark(conn);
}

void outbound_high_action_changed(struct evnet_conn *conn) {
  if (conn->flags & PRESSED) do_high_action(conn);
}

// The queue is no longer empty.
static void start_write_timeout(struct evnet_conn *conn) {
  conn->side->write_since_ms = stats_stamp(conn);
  int64_t timeout_ms = limits_of(conn)->timeouts_ms[EVNET_TIMEOUT_WRITE];
  if (timeout_ms != EVNET_OFF) deadline_arm(conn, (uint64_t)timeout_ms);
}

// Something was queued, or could not be: the connection ends then, as a part of it may be sent.
//
//   first  there was nothing before it.
static int queued(struct evnet_conn *conn, bool first, int status) {
  if (status < 0) {
    conn_abort_for(conn, status);
    return status;
  }
  if (first && !queue_is_empty(conn)) {
    start_write_timeout(conn);
    if (conn->flying || in_prewrite_of_another(conn)) {
      conn_defer(conn, 0);
    } else {
      send_queue(conn);
    }
  }
  check_high_mark(conn);
  return 0;
}

// Queues the pieces but for their first `skip` bytes.
static int queue(struct evnet_conn *conn, const struct iovec *pieces, size_t count, size_t skip) {
  struct conn_side *side = side_get(conn);
  bool first = queue_is_empty(conn);
  int status = side == NULL ? -ENOMEM : evnet_outbound_append(&side->outbound, pieces, count, skip);
  return queued(conn, first, status);
}

static void send_end(struct evnet_conn *conn) {
  if (!(conn->flags & WRITE_ENDED) || (conn->flags & END_SENT)) return;
  conn->flags |= END_SENT;
  conn_defer(conn, 0);  // it may have been the second end
  (void)evnet_poller_shutdown_write(conn->reactor->poller, conn_handle(conn));
}

// All that was queued is sent.
static void drained(struct evnet_conn *conn) {
  send_end(conn);
  if (conn->state == CONN_FLUSHING) conn_linger(conn);
  side_trim(conn);
  conn_check_stopping_later(conn);
}

// What the kernel did not take of what was flying goes in front of all that was queued meanwhile.
static void take_back(struct evnet_conn *conn, const uint8_t *rest, size_t size) {
  if (size == 0) return;
  struct conn_side *side = side_get(conn);
  bool first = queue_is_empty(conn);
  int status = side == NULL ? -ENOMEM : evnet_outbound_prepend(&side->outbound, rest, size);
  if (status < 0) {
    conn_abort_for(conn, status);
    return;
  }
  if (first) start_write_timeout(conn);
  check_high_mark(conn);
}

// The poller has sent a part of the queue.
static void consume(struct evnet_conn *conn, size_t size) {
  struct conn_side *side = conn->side;
  if (file_is_next(conn)) {
    evnet_outbound_consume_file(&side->outbound, (int64_t)size);
  } else {
    evnet_outbound_consume(&side->outbound, size);
  }
  if (size > 0) side->write_since_ms = stats_stamp(conn);
  check_low_mark(conn);
}

// Whether the queue has to be sent; then it has been announced.
static bool announce_queue(struct evnet_conn *conn) {
  bool waits = conn->state != CONN_CLOSED && !queue_is_empty(conn) && !conn->flying &&
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
      conn_abort_for(conn, (int)completion->result);
    } else {
      conn_failed(conn, (int)completion->result);
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
    conn_failed(conn, (int)sent);
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
  bool awaited = conn->state != CONN_OPEN || (conn->flags & WRITE_ENDED) || !queue_is_empty(conn) ||
                 conn->reactor->stop_phase != STOP_NONE;
  if (awaited) conn_defer(conn, 0);
}

int outbound_may_write(const struct evnet_conn *conn) {
  if (conn->state != CONN_OPEN) return -ENOTCONN;
  return conn->flags & WRITE_ENDED ? -EPIPE : 0;
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
      conn_failed(conn, (int)sent);
      return (int)sent;
    }
    if (sent > 0) note_sent(conn, (size_t)sent);
    *taken_all = (size_t)sent == size;
  }
  return *taken_all ? 0 : queue(conn, pieces, count, (size_t)sent);
}

// Frees the scratch. Its bytes stay in place until the next write.
static struct iovec take_scratch(struct evnet_reactor *reactor) {
  const struct iovec piece = {.iov_base = reactor->scratch, .iov_len = reactor->scratch_bytes};
  reactor->scratch_conn = NULL;
  reactor->scratch_bytes = 0;
  return piece;
}

void outbound_flush_scratch(struct evnet_reactor *reactor) {
  struct evnet_conn *conn = reactor->scratch_conn;
  if (conn == NULL) return;
  prewrite(conn);
  if (reactor->scratch_conn != conn) return;  // on_prewrite has flushed it, or closed conn
  const struct iovec batch[2] = {take_scratch(reactor)};
  const size_t size = batch[0].iov_len;
  if (size == 0) return;
  bool taken_all = is_clear(conn);
  (void)send_batch(conn, batch, may_fly(conn, size) ? 1 : 2, size, &taken_all);
}

// Sends the scratch and then the pieces, in calls of at most EVNET_SEND_PIECES_MAX, and queues the
// bytes that the kernel does not take. Returns 0, or the error that ended the connection.
//
//   at_once  not later in the turn, as a completion-based poller would send gathered bytes: the
//            user asks for it, or more is to follow.
static int send_now(struct evnet_conn *conn, const struct iovec *pieces, size_t count,
                    bool at_once) {
  struct evnet_reactor *reactor = conn->reactor;
  prewrite(conn);
  if (conn->state == CONN_CLOSED) return -ENOTCONN;
  // It may have ended the way out in front of the pieces.
  int status = count > 0 ? outbound_may_write(conn) : 0;
  if (status < 0) return status;
  struct iovec batch[EVNET_SEND_PIECES_MAX];
  size_t batch_count = 0;
  size_t next = 0;
  if (reactor->scratch_conn == conn) {
    batch[0] = take_scratch(reactor);
    if (batch[0].iov_len > 0) batch_count = 1;
  }
  bool taken_all = is_clear(conn);
  while (batch_count > 0 || next < count) {
    size_t asked = batch_count > 0 ? batch[0].iov_len : 0;
    for (; next < count && batch_count < EVNET_SEND_PIECES_MAX; next++) {
      if (pieces[next].iov_len == 0) continue;
      asked += pieces[next].iov_len;
      batch[batch_count++] = pieces[next];
    }
    if (batch_count == 0) break;
    const bool flies = !at_once && may_fly(conn, asked);
    if (batch_count == 1 && !flies) batch[batch_count++] = (struct iovec){0};
    status = send_batch(conn, batch, batch_count, asked, &taken_all);
    if (status < 0) return status;
    batch_count = 0;
  }
  return 0;
}

// Writing

// Copies bytes behind those in the scratch, which conn has or which is free, and has room.
static inline void add_to_scratch(struct evnet_conn *conn, const void *data, size_t size) {
  struct evnet_reactor *reactor = conn->reactor;
  if (reactor->scratch_conn == NULL) {
    reactor->scratch_conn = conn;
    reactor->scratch = evnet_poller_scratch(reactor->poller);
  }
  memcpy(reactor->scratch + reactor->scratch_bytes, data, size);
  reactor->scratch_bytes += size;
}

static int gather(struct evnet_conn *conn, const struct iovec *pieces, size_t count, size_t size) {
  struct evnet_reactor *reactor = conn->reactor;
  if (reactor->scratch_conn != conn) outbound_flush_scratch(reactor);
  if (gathered_bytes(conn) + size > EVNET_POLLER_SCRATCH_BYTES) {
    int status = send_now(conn, NULL, 0, true);
    if (status < 0) return status;
  }
  // Either may have run on_prewrite, which may have done anything to conn.
  int status = outbound_may_write(conn);
  if (status < 0) return status;
  if (!is_clear(conn)) return queue(conn, pieces, count, 0);
  for (size_t i = 0; i < count; i++) {
    if (pieces[i].iov_len > 0) add_to_scratch(conn, pieces[i].iov_base, pieces[i].iov_len);
  }
  return 0;
}

// Whether a write only adds to the scratch, as a small write does that finds nothing queued. writev
// decides about all others.
static bool joins_scratch(const struct evnet_conn *conn, size_t size) {
  const struct evnet_reactor *reactor = conn->reactor;
  if (conn_is_datagram(conn) || outbound_may_write(conn) < 0 || !is_clear(conn)) return false;
  if (reactor->prewrite_conn != NULL) return false;
  if (reactor->scratch_conn != NULL && reactor->scratch_conn != conn) return false;
  if (size == 0 || size >= DIRECT_BYTES) return false;
  const size_t total = reactor->scratch_bytes + size;
  // The high mark is below outbound_bytes_max.
  return total <= EVNET_POLLER_SCRATCH_BYTES && total < limits_of(conn)->outbound_high_water_bytes;
}

static int overflow(struct evnet_conn *conn) {
  if (conn->reactor->options.outbound_overflow == EVNET_OVERFLOW_CLOSE) {
    conn_abort_for(conn, EVNET_REASON_OUTBOUND_OVERFLOW);
  }
  return -ENOBUFS;
}

int outbound_queue_file(struct evnet_conn *conn, const struct evnet_outbound_file *file) {
  // With a queue there is nothing gathered, and what is queued announces itself.
  int status = outbound_is_empty(conn) ? send_now(conn, NULL, 0, false) : 0;
  if (status == 0) status = outbound_may_write(conn);
  if (status < 0) return status;
  struct conn_side *side = side_get(conn);
  bool first = queue_is_empty(conn);
  status = side == NULL ? -ENOMEM : evnet_outbound_append_file(&side->outbound, file);
  return status == -ENOBUFS ? overflow(conn) : queued(conn, first, status);
}

ssize_t evnet_conn_writev(struct evnet_conn *conn, const struct iovec *pieces, size_t count) {
  if (conn_is_datagram(conn)) return datagram_writev(conn, pieces, count);
  int status = outbound_may_write(conn);
  if (status < 0) return status;
  size_t size_max = conn->reactor->options.outbound_bytes_max;
  size_t standing = standing_bytes(conn);
  size_t room = standing < size_max ? size_max - standing : 0;
  size_t size = 0;
  for (size_t i = 0; i < count; i++) {
    if (pieces[i].iov_len > room - size) return overflow(conn);
    size += pieces[i].iov_len;
  }
  if (size == 0) return 0;
  if (!is_clear(conn) || in_prewrite_of_another(conn)) {
    status = queue(conn, pieces, count, 0);
  } else if (size < DIRECT_BYTES && standing + size < limits_of(conn)->outbound_high_water_bytes) {
    status = gather(conn, pieces, count, size);
  } else {
    status = send_now(conn, pieces, count, false);
  }
  return status < 0 ? status : (ssize_t)size;
}

ssize_t evnet_conn_write(struct evnet_conn *conn, const void *data, size_t size) {
  if (joins_scratch(conn, size)) {
    add_to_scratch(conn, data, size);
    return (ssize_t)size;
  }
  const struct iovec piece = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
  return evnet_conn_writev(conn, &piece, 1);
}

int outbound_lend(struct evnet_conn *conn, struct evnet_outbound_lent *lent, const void *data,
                  size_t size) {
  int status = outbound_may_write(conn);
  if (status < 0) return status;
  size_t size_max = conn->reactor->options.outbound_bytes_max;
  size_t standing = evnet_conn_outbound_bytes(conn);
  if (standing > size_max || size > size_max - standing) return overflow(conn);
  if (gathered_bytes(conn) > 0) {
    status = send_now(conn, NULL, 0, true);
    if (status == 0) status = outbound_may_write(conn);  // on_prewrite may have closed it
    if (status < 0) return status;
  }
  bool first = queue_is_empty(conn);
  if (first && size == 0) return 0;
  struct conn_side *side = side_get(conn);
  if (side == NULL) return -ENOMEM;
  status = evnet_outbound_append_lent(&side->outbound, lent, data, size);
  EVNET_DCHECK(status == 0);  // the queue itself has no bound
  if (first) {
    start_write_timeout(conn);
    conn_defer(conn, 0);
  }
  check_high_mark(conn);
  return 1;
}

ssize_t evnet_conn_flush(struct evnet_conn *conn) {
  if (conn_is_datagram(conn)) {
    if (conn->state == CONN_CLOSED) return -ENOTCONN;
    datagram_flush(conn->reactor);
    return (ssize_t)datagram_outbound_bytes(conn);
  }
  if (conn->state == CONN_CLOSED) return -ENOTCONN;
  if (gathered_bytes(conn) > 0) {
    int status = send_now(conn, NULL, 0, true);
    if (status < 0) return status;
  }
  return (ssize_t)(queued_bytes(conn) + flying_bytes(conn));
}

int evnet_conn_shutdown_write(struct evnet_conn *conn) {
  if (conn_is_datagram(conn)) return -EOPNOTSUPP;
  if (conn->state != CONN_OPEN) return -ENOTCONN;
  if (conn->flags & WRITE_ENDED) return 0;
  if (gathered_bytes(conn) > 0 && send_now(conn, NULL, 0, false) < 0) return -ENOTCONN;
  conn->flags |= WRITE_ENDED;
  // Not drained(): a callback may be looking at unread bytes, which a trim would move.
  outbound_await_flight(conn);
  if (outbound_is_empty(conn)) send_end(conn);
  return 0;
}
