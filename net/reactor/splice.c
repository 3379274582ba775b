// Moving the bytes of one connection to another: unread bytes by a write, and bytes that wait in the
// kernel by the poller's splice.
//
// Splicing costs more calls than receiving and sending, so it pays for large amounts only:
//
//               EVNET_SPLICE_BYTES_MIN or more unread bytes were moved
//   received -----------------------------------------------------------> spliced
//      ^                                                                     |
//      +---------------- fewer were spliced, 8 times in a row ---------------+
#include "net/reactor/splice.h"

#include <errno.h>

#include "net/reactor/conn.h"
#include "net/reactor/internal/clock.h"
#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/end.h"
#include "net/reactor/internal/handler.h"
#include "net/reactor/internal/inbound.h"
#include "net/reactor/internal/outbound.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/reading.h"
#include "net/reactor/internal/side.h"
#include "net/reactor/internal/splice.h"

void splice_ready(struct evnet_conn *conn) {
  // If on_data does not splice, the poller receives.
  if (conn->state != CONN_OPEN || reading_is_withheld(conn)) return;
  if (side_inbound_bytes(conn) > 0) return;
  inbound_present(conn);
}

static bool may_splice(const struct evnet_conn *from, const struct evnet_conn *to) {
  if (from->state != CONN_OPEN || from->read_stop != 0 || !(from->flags & RECEIVING)) return false;
  if (side_inbound_bytes(from) > 0 || outbound_may_write(to) < 0) return false;
  if (from->side != NULL && from->side->rate != NULL) return false;
  return outbound_may_pass(to) && side_gathered_bytes(to) == 0 &&
         handler_of(to)->handler.on_prewrite == NULL;
}

// Queues the bytes that the kernel of `to` did not take. If `to` ends, they are still taken out of
// the poller's pipe.
static void queue_rest(struct evnet_poller *poller, struct evnet_conn *to, size_t rest) {
  uint8_t block[16384];
  while (rest > 0) {
    const size_t got = evnet_poller_splice_rest(poller, block, sizeof block);
    if (got == 0) return;
    rest -= got;
    const struct iovec piece = {.iov_base = block, .iov_len = got};
    if (to->state == CONN_OPEN) (void)outbound_queue(to, &piece, 1, 0);
  }
}

static size_t splice_kernel(struct evnet_conn *from, struct evnet_conn *to, bool soon) {
  struct evnet_reactor *reactor = from->reactor;
  struct evnet_spliced spliced;
  const int status = evnet_poller_splice(reactor->poller, conn_handle(from), conn_handle(to),
                                         SIZE_MAX, soon, &spliced);
  if (status < 0) return 0;
  if (spliced.received > 0) {
    counter_add(&reactor->stats.bytes_received, spliced.received);
    from->in_ms = now32(reactor);
  }
  if (spliced.sent > 0) {
    counter_add(&reactor->stats.bytes_sent, spliced.sent);
    to->out_ms = clock_stamp(to);
  }
  // A queue of a dead connection would wait for room.
  if (spliced.to_status < 0) end_failed(to, spliced.to_status);
  queue_rest(reactor->poller, to, spliced.received - spliced.sent);
  if (spliced.from_status < 0) end_failed(from, spliced.from_status);
  return spliced.received;
}

ssize_t evnet_conn_splice(struct evnet_conn *from, struct evnet_conn *to) {
  if (conn_is_datagram(from) || conn_is_datagram(to)) return -EOPNOTSUPP;
  EVNET_ASSERT(from->reactor == to->reactor && from != to);
  struct evnet_bytes spans[2];
  evnet_conn_peek_pair(from, spans);
  const size_t unread = spans[0].size + spans[1].size;
  if (unread > 0) {
    const struct iovec pieces[2] = {
        {.iov_base = (void *)(uintptr_t)spans[0].data, .iov_len = spans[0].size},
        {.iov_base = (void *)(uintptr_t)spans[1].data, .iov_len = spans[1].size}};
    const ssize_t written = spans[1].size == 0 ? evnet_conn_write(to, spans[0].data, spans[0].size)
                                               : evnet_conn_writev(to, pieces, 2);
    if (written < 0) return written;
    evnet_conn_discard(from, unread);
    if (unread < EVNET_SPLICE_BYTES_MIN) return written;
  }
  if (!may_splice(from, to)) return (ssize_t)unread;
  return (ssize_t)(unread + splice_kernel(from, to, unread > 0));
}
