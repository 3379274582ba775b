#include "net/reactor/descriptors.h"

#include <errno.h>
#include <unistd.h>

#include "net/reactor/conn.h"
#include "net/reactor/internal/clock.h"
#include "net/reactor/internal/descriptors.h"
#include "net/reactor/internal/due.h"
#include "net/reactor/internal/end.h"
#include "net/reactor/internal/outbound.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/side.h"

static struct conn_descriptors *descriptors_of(const struct evnet_conn *conn) {
  return conn->state == CONN_OPEN && conn->side != NULL ? conn->side->descriptors : NULL;
}

// Receiving

static bool takes(void *context, struct evnet_handle handle) {
  const struct evnet_reactor *reactor = context;
  return descriptors_of(&reactor->table.conns[handle.index]) != NULL;
}

static void take(void *context, struct evnet_handle handle, const int *received, size_t count,
                 bool cut) {
  const struct evnet_reactor *reactor = context;
  struct evnet_conn *conn = &reactor->table.conns[handle.index];
  struct conn_descriptors *descriptors = descriptors_of(conn);
  for (size_t i = 0; i < count; i++) {
    if (descriptors->count == descriptors->max || descriptors->failure < 0) {
      descriptors->failure = -ENOBUFS;
      (void)close(received[i]);
    } else {
      const uint32_t at = (descriptors->first + descriptors->count++) % descriptors->max;
      descriptors->of[at] = received[i];
    }
  }
  if (cut && descriptors->failure == 0) descriptors->failure = -EMFILE;
  if (descriptors->failure < 0) due_add(conn, 0);
}

int evnet_conn_accept_descriptors(struct evnet_conn *conn, size_t count_max) {
  if (conn->state != CONN_OPEN) return -ENOTCONN;
  if (conn->transport != EVNET_TRANSPORT_UNIX) return -EOPNOTSUPP;
  if (count_max == 0 || count_max > EVNET_DESCRIPTORS_MAX) return -EINVAL;
  struct evnet_reactor *reactor = conn->reactor;
  struct conn_side *side = side_get(conn);
  if (side == NULL) return -ENOMEM;
  if (side->descriptors != NULL) return side->descriptors->max == count_max ? 0 : -EALREADY;
  side->descriptors = evnet_allocate_zeroed(
      reactor->options.allocator,
      sizeof *side->descriptors + count_max * sizeof side->descriptors->of[0]);
  if (side->descriptors == NULL) {
    due_add(conn, 0);  // which frees the side, if nothing needs it
    return -ENOMEM;
  }
  side->descriptors->max = (uint32_t)count_max;
  if (reactor->taker.takes == NULL) {
    reactor->taker = (struct evnet_taker){.takes = takes, .take = take, .context = reactor};
    evnet_poller_set_taker(reactor->poller, &reactor->taker);
  }
  if (conn->flags & RECEIVING) {  // from now on the poller has to ask
    evnet_poller_recv_stop(reactor->poller, conn_handle(conn));
    evnet_poller_recv_start(reactor->poller, conn_handle(conn));
  }
  return 0;
}

int evnet_conn_take_descriptor(struct evnet_conn *conn) {
  struct conn_descriptors *descriptors = descriptors_of(conn);
  if (descriptors == NULL || descriptors->count == 0) return -ENOENT;
  const int descriptor = descriptors->of[descriptors->first];
  descriptors->first = (descriptors->first + 1) % descriptors->max;
  descriptors->count--;
  return descriptor;
}

void descriptors_run_due(struct evnet_conn *conn) {
  const struct conn_descriptors *descriptors = descriptors_of(conn);
  if (descriptors != NULL && descriptors->failure < 0) end_abort(conn, descriptors->failure);
}

// Sending

// Sends what the callbacks have written, so that the descriptor comes after it. Returns 0 if nothing
// is queued then.
static int send_earlier(struct evnet_conn *conn) {
  if (outbound_is_announcing_another(conn)) return -EAGAIN;
  if (conn->reactor->scratch.conn == conn) {
    int status = outbound_send(conn, NULL, 0, true);
    if (status == 0) status = outbound_may_write(conn);
    if (status < 0) return status;
  }
  return outbound_may_pass(conn) ? 0 : -EAGAIN;
}

ssize_t evnet_conn_send_descriptor(struct evnet_conn *conn, int descriptor, const void *data,
                                   size_t size) {
  int status = outbound_may_write(conn);
  if (status < 0) return status;
  const bool is_limited = conn->side != NULL && conn->side->rate != NULL;
  if (conn->transport != EVNET_TRANSPORT_UNIX || is_limited) return -EOPNOTSUPP;
  if (size == 0) return -EINVAL;
  if (size > conn->reactor->options.outbound_bytes_max) return -ENOBUFS;
  status = send_earlier(conn);
  if (status < 0) return status;
  struct evnet_reactor *reactor = conn->reactor;
  const int64_t sent =
      evnet_poller_send_descriptor(reactor->poller, conn_handle(conn), descriptor, data, size);
  if (sent == -EAGAIN) {
    if (side_get(conn) == NULL) return -ENOMEM;
    outbound_await_room(conn);
  }
  if (sent < 0) return (ssize_t)sent;
  counter_add(&reactor->stats.bytes_sent, (uint64_t)sent);
  conn->out_ms = clock_stamp(conn);
  if ((size_t)sent == size) return (ssize_t)size;
  const struct iovec rest = {.iov_base = (void *)((uintptr_t)data + (size_t)sent),
                             .iov_len = size - (size_t)sent};
  status = outbound_queue(conn, &rest, 1, 0);
  return status < 0 ? status : (ssize_t)size;
}
