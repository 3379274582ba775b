// The states of a connection, from the accepted descriptor to DETACH; conn.h has the picture.
// Nothing here calls on_close directly: a connection that reaches CLOSED is put on the due list,
// and conn_run_due, at the end of the turn, is the only place that closes.
#include "net/reactor/conn.h"

#include <errno.h>

#include "net/reactor/internal/datagram.h"
#include "net/reactor/internal/state.h"

_Static_assert(sizeof(struct evnet_conn) == 104,
               "an idle connection's memory is part of the contract");

// Connections that one look at the due list runs. Each may close and be dialled again from its
// on_close, and its handle is free after the next wait only. Between two waits there are two looks,
// and the spare handles (create_parts in reactor.c) are enough for both.
enum { DUE_MAX = 2048 };

// Opening

static struct evnet_conn *conn_init(struct evnet_reactor *reactor, struct evnet_handle handle,
                                    enum evnet_transport transport, uint8_t listener_index) {
  struct evnet_conn *conn = &reactor->conns[handle.index];
  EVNET_ASSERT(conn->state == CONN_FREE);  // the poller reuses an index after its DETACH only
  if (handle.index >= reactor->conns_top) reactor->conns_top = handle.index + 1;
  *conn = (struct evnet_conn){
      .reactor = reactor,
      .generation = ++reactor->generation_last,
      .deadline = {.tag = handle.generation},
      .due_next = NONE,
      .transport = (uint32_t)transport & 15u,
      .unopened = 1,
      .listener = listener_index,
      .state = CONN_OPEN,
  };
  reactor->handles++;
  return conn;
}

static bool is_full(const struct evnet_reactor *reactor) {
  return reactor->stats.connections_open + reactor->dial_count >= reactor->options.connections_max;
}

int conn_open(struct evnet_conn *conn) {
  struct evnet_reactor *reactor = conn->reactor;
  conn->state = CONN_OPEN;
  conn->in_ms = conn->out_ms = conn->read_since_ms = stats_stamp(conn);
  bool has_lifetime = reactor->limits.timeouts_ms[EVNET_TIMEOUT_LIFETIME] != EVNET_OFF;
  if (has_lifetime && side_get(conn) == NULL) return -ENOMEM;
  conn->unopened = 0;
  // Accepted by another reactor before the stop began: its bytes get their last read too.
  stop_newcomer(reactor);
  counter_add(&reactor->stats.connections_open, 1);
  counter_add(&reactor->stats.connections_opened, 1);
  reactor->background_open += conn->background;
  deadline_arm_earliest(conn);
  trace_opened(conn);
  enum evnet_action action = EVNET_NONE;
  if (reactor->handler.on_open != NULL) action = reactor->handler.on_open(conn, reactor->user);
  reactor_after_callback(reactor, conn, action);
  conn_update_reading(conn);
  return 0;
}

void conn_discard(struct evnet_conn *conn) {
  conn->state = CONN_CLOSED;
  evnet_poller_abort(conn->reactor->poller, conn_handle(conn));
}

static struct evnet_conn *init_dialling(struct evnet_reactor *reactor, struct evnet_handle handle,
                                        enum evnet_transport transport) {
  struct evnet_conn *conn = conn_init(reactor, handle, transport, EVNET_LISTENER_NONE);
  conn->state = CONN_DIALLING;
  conn->dialled = 1;
  reactor->dial_count++;
  return conn;
}

int conn_reserve(struct evnet_reactor *reactor, enum evnet_transport transport,
                 struct evnet_conn **out_conn) {
  struct evnet_handle handle;
  if (is_full(reactor)) return -ENOBUFS;
  int status = evnet_poller_reserve(reactor->poller, transport, &handle);
  if (status < 0) return status;
  *out_conn = init_dialling(reactor, handle, transport);
  return 0;
}

int conn_reserve_attempt(struct evnet_reactor *reactor, enum evnet_transport transport,
                         struct dial *dial, struct evnet_conn **out_conn) {
  struct evnet_handle handle;
  const int status = evnet_poller_reserve(reactor->poller, transport, &handle);
  if (status < 0) return status;
  struct evnet_conn *conn = conn_init(reactor, handle, transport, EVNET_LISTENER_NONE);
  conn->state = CONN_ATTEMPT;
  conn->dial = dial;
  *out_conn = conn;
  return 0;
}

int conn_adopt(struct evnet_reactor *reactor, int descriptor, const struct evnet_socket_kind *kind,
               struct evnet_conn **out_conn) {
  const struct evnet_reactor_owner *owner = &reactor->owner;
  if (is_full(reactor)) return -ENOBUFS;
  // First: once the poller has the descriptor, it is not given back.
  int status = owner->claim != NULL ? owner->claim(owner->context) : 0;
  if (status < 0) return status;
  struct evnet_handle handle;
  status = evnet_poller_adopt(reactor->poller, descriptor, kind, &handle);
  if (status < 0) {
    if (owner->unclaim != NULL) owner->unclaim(owner->context);
    return status;
  }
  *out_conn = init_dialling(reactor, handle, kind->transport);
  return 0;
}

int conn_claim(struct evnet_conn *conn) {
  const struct evnet_reactor_owner *owner = &conn->reactor->owner;
  return owner->claim != NULL ? owner->claim(owner->context) : 0;
}

int evnet_reactor_open(struct evnet_reactor *reactor, int descriptor,
                       const struct evnet_address *peer, uint8_t listener_index) {
  int status = 0;
  struct evnet_handle handle;
  if (reactor->stop_phase == STOP_DONE) {
    status = -ESHUTDOWN;
  } else if (is_full(reactor)) {
    status = -ENOBUFS;
  } else {
    status = evnet_poller_attach(reactor->poller, descriptor, peer->transport, &handle);
  }
  if (status < 0) {
    evnet_poller_discard_descriptor(reactor->poller, descriptor);
    return status;
  }
  struct evnet_conn *conn = conn_init(reactor, handle, peer->transport, listener_index);
  peer_set(conn, peer);
  status = conn_open(conn);
  if (status < 0) conn_discard(conn);
  return status;
}

// Reading on and off

void conn_update_reading(struct evnet_conn *conn) {
  bool reads = conn->state == CONN_OPEN || conn->state == CONN_DATAGRAM;
  bool wanted = !(conn->flags & PEER_ENDED) &&
                ((reads && conn->read_stop == 0) || conn->state == CONN_LINGERING);
  if (wanted == ((conn->flags & RECEIVING) != 0)) return;
  struct evnet_reactor *reactor = conn->reactor;
  if (wanted) {
    conn->flags |= RECEIVING;
    evnet_poller_recv_start(reactor->poller, conn_handle(conn));
    if (reads) stop_reading_resumed(reactor);
    if (conn->state != CONN_OPEN) return;
    conn->read_since_ms = stats_stamp(conn);
    int64_t read_timeout_ms = limits_of(conn)->timeouts_ms[EVNET_TIMEOUT_READ];
    if (read_timeout_ms != EVNET_OFF) deadline_arm(conn, (uint64_t)read_timeout_ms);
  } else {
    conn->flags &= (uint16_t)~RECEIVING;
    evnet_poller_recv_stop(reactor->poller, conn_handle(conn));
  }
}

void conn_stop_reading(struct evnet_conn *conn, unsigned bit) {
  conn->read_stop = (uint8_t)(conn->read_stop | bit);
  conn_update_reading(conn);
}

static bool is_woken(const struct evnet_conn *conn) {
  return conn->side != NULL && conn->side->woken;
}

void conn_allow_reading(struct evnet_conn *conn, unsigned bit) {
  if (!(conn->read_stop & bit)) return;
  conn->read_stop = (uint8_t)(conn->read_stop & ~bit);
  conn_update_reading(conn);
  if (conn_is_datagram(conn)) return;  // what is unread of a datagram is not presented again
  bool above_bound = conn->read_stop == STOP_INBOUND_MAX;
  if (conn->read_stop != 0 && !above_bound) return;
  bool has_data = evnet_conn_inbound_bytes(conn) > 0 || is_woken(conn);
  if (above_bound || has_data || (conn->flags & END_WAITS)) conn_defer(conn, DUE_DATA);
}

void evnet_conn_pause_reading(struct evnet_conn *conn) { conn_stop_reading(conn, STOP_USER); }

static void resume(struct evnet_conn *conn, unsigned bit) {
  // What stands above the bound is presented before more is read, for which there may be no room:
  // on_data either takes it or the connection overflows.
  bool above_bound = evnet_conn_inbound_bytes(conn) >= conn->reactor->options.inbound_bytes_max;
  conn_allow_reading(conn, above_bound ? bit : bit | STOP_INBOUND_MAX);
}

void evnet_conn_resume_reading(struct evnet_conn *conn) { resume(conn, STOP_USER); }

// Work for the end of the turn

void conn_defer(struct evnet_conn *conn, uint16_t due) {
  conn->flags |= due;
  if (conn->flags & LISTED) return;
  conn->flags |= LISTED;
  struct evnet_reactor *reactor = conn->reactor;
  uint32_t index = conn_handle(conn).index;
  conn->due_next = NONE;
  if (reactor->due_first == NONE) {
    reactor->due_first = index;
  } else {
    reactor->conns[reactor->due_last].due_next = index & NONE;  // as it is: 24 bits
  }
  reactor->due_last = index;
}

static void tell(struct evnet_conn *conn,
                 enum evnet_action (*callback)(struct evnet_conn *conn, void *user)) {
  struct evnet_reactor *reactor = conn->reactor;
  if (callback == NULL || conn->state != CONN_OPEN) return;
  reactor_after_callback(reactor, conn, callback(conn, reactor->user));
}

static void tell_closed(struct evnet_conn *conn) {
  struct evnet_reactor *reactor = conn->reactor;
  trace_closed(conn);
  evnet_wheel_cancel(&reactor->deadlines, &conn->deadline);
  // First: on_close may dial again, to take the place of this one.
  if (conn->unopened) {
    counter_add(&reactor->stats.dials_failed, 1);
  } else {
    counter_add(&reactor->stats.connections_open, (uint64_t)-1);
    reactor->background_open -= conn->background;
    stats_count_closed(&reactor->stats, conn->reason);
  }
  if (reactor->owner.closed != NULL) reactor->owner.closed(reactor->owner.context, conn);
  enum evnet_action action = EVNET_NONE;
  if (reactor->handler.on_close != NULL)
    action = reactor->handler.on_close(conn, conn->reason, reactor->user);
  // EVNET_CLOSE means nothing here.
  reactor_after_callback(reactor, NULL, action == EVNET_SHUTDOWN ? EVNET_SHUTDOWN : EVNET_NONE);
  if (conn->flags & RESET) {
    evnet_poller_abort(reactor->poller, conn_handle(conn));
  } else {
    evnet_poller_detach(reactor->poller, conn_handle(conn));
  }
}

static void close_when_released(struct evnet_conn *conn) {
  if (conn->state == CONN_OPEN && conn->holds > 0) {
    conn->flags |= CLOSE_ON_RELEASE;
  } else {
    conn_close_for(conn, EVNET_REASON_PEER);
  }
}

// With both ends sent and read nothing more can happen, in whichever order they came.
static void check_both_ended(struct evnet_conn *conn) {
  bool both = (conn->flags & END_SENT) && (conn->flags & PEER_ENDED);
  if (both && !(conn->flags & END_WAITS)) close_when_released(conn);
}

static void tell_ended(struct evnet_conn *conn) {
  struct evnet_reactor *reactor = conn->reactor;
  if (reactor->handler.on_half_close == NULL) {
    close_when_released(conn);
    return;
  }
  tell(conn, reactor->handler.on_half_close);
  check_both_ended(conn);
  conn_check_stopping(conn);
}

// What was unread when reading was resumed, and the peer's end if that stood behind it.
static void present_again(struct evnet_conn *conn) {
  if (conn->state != CONN_OPEN || (conn->read_stop & ~STOP_INBOUND_MAX) != 0) return;
  conn->read_stop = 0;
  bool woken = is_woken(conn);
  if (woken) conn->side->woken = false;
  if (woken || evnet_conn_inbound_bytes(conn) > 0) inbound_present(conn);
  // Behind it: what on_data does may be to stop once more, and a poller may be quick.
  conn_update_reading(conn);
  if (conn->state != CONN_OPEN || conn->read_stop != 0 || !(conn->flags & END_WAITS)) return;
  conn->flags &= (uint16_t)~END_WAITS;
  tell_ended(conn);
}

static void run_due(struct evnet_conn *conn) {
  uint16_t due = conn->flags & (DUE_PRESSURE | DUE_DATA | DUE_CLOSE);
  conn->flags &= (uint16_t) ~(LISTED | DUE_PRESSURE | DUE_DATA | DUE_CLOSE);
  if (due & DUE_CLOSE) {
    tell_closed(conn);
    return;
  }
  if (conn->state == CONN_DIALLING) {
    adopt_open(conn);
    return;
  }
  if (due & DUE_PRESSURE) tell(conn, conn->reactor->handler.on_pressure);
  if (conn->flags & DUE_DRAIN) {  // still: on_pressure may have crossed the mark again
    conn->flags &= (uint16_t)~DUE_DRAIN;
    conn_allow_reading(conn, STOP_OUTBOUND_HIGH);  // first: on_drain may cross the mark again
    tell(conn, conn->reactor->handler.on_drain);
  }
  if (due & DUE_DATA) present_again(conn);
  if (conn_is_datagram(conn)) datagram_run_due(conn);
  side_trim(conn);
  outbound_start(conn);
  outbound_await_flight(conn);
  check_both_ended(conn);
  conn_check_stopping(conn);
}

// The rest of a due list stays in front of what became due meanwhile.
static void put_back(struct evnet_reactor *reactor, uint32_t first, uint32_t last) {
  if (reactor->due_first == NONE) reactor->due_last = last;
  reactor->conns[last].due_next = reactor->due_first & NONE;
  reactor->due_first = first;
}

void conn_run_due(struct evnet_reactor *reactor) {
  // Only those that are due now: what they bring about waits for the next turn, with I/O between.
  uint32_t index = reactor->due_first;
  const uint32_t last = reactor->due_last;
  reactor->due_first = NONE;
  for (int i = 0; i < DUE_MAX && index != NONE; i++) {
    struct evnet_conn *conn = &reactor->conns[index];
    index = conn->due_next;
    run_due(conn);
    stats_lap(reactor);
  }
  if (index != NONE) put_back(reactor, index, last);
}

// Ends

static void finish(struct evnet_conn *conn, int reason) {
  if (conn->state == CONN_CLOSED) return;
  struct evnet_reactor *reactor = conn->reactor;
  if (reactor->scratch_conn == conn) {
    reactor->scratch_conn = NULL;
    reactor->scratch_bytes = 0;
  }
  if (conn->state == CONN_DIALLING) dial_end(conn, reason);
  if (conn_is_datagram(conn)) datagram_end(conn);
  conn->state = CONN_CLOSED;
  conn->reason = reason;
  conn_stop_reading(conn, STOP_CLOSING);
  conn_defer(conn, DUE_CLOSE);
}

void conn_finish(struct evnet_conn *conn, int reason) { finish(conn, reason); }

void conn_failed(struct evnet_conn *conn, int error) {
  // Lingering, the kernel has taken everything and our end: how the peer goes is not why we closed.
  finish(conn, conn->state == CONN_LINGERING ? conn->reason : error);
}

void conn_abort_for(struct evnet_conn *conn, int reason) {
  // FREE: a listener's UDP socket that has closed, whose pointer the user still has.
  if (conn->state == CONN_CLOSED || conn->state == CONN_FREE) return;
  conn->flags |= RESET;
  finish(conn, reason);
}

void conn_linger(struct evnet_conn *conn) {
  EVNET_DCHECK(conn->state == CONN_FLUSHING);  // every caller has just looked
  struct evnet_reactor *reactor = conn->reactor;
  bool peer_ended = (conn->flags & PEER_ENDED) || conn_is_datagram(conn);
  int64_t linger_ms = limits_of(conn)->linger_ms;
  if (peer_ended || linger_ms == EVNET_OFF) {
    finish(conn, conn->reason);
    return;
  }
  // close(2) with unread input makes the kernel send a reset, which can destroy what the peer has
  // not read yet (RFC 1122 section 4.2.2.13). So: our end first, then throw input away until the
  // peer's end.
  if (!(conn->flags & END_SENT) &&
      evnet_poller_shutdown_write(reactor->poller, conn_handle(conn)) < 0) {
    finish(conn, conn->reason);
    return;
  }
  conn->flags |= END_SENT;
  conn->state = CONN_LINGERING;
  conn->out_ms = stats_stamp(conn);
  deadline_arm_earliest(conn);
  conn_update_reading(conn);
}

void conn_close_for(struct evnet_conn *conn, int reason) {
  if (conn->state != CONN_OPEN) return;
  if (conn->reactor->scratch_conn == conn) outbound_flush_scratch(conn->reactor);
  if (conn_is_datagram(conn)) datagram_flush(conn->reactor);
  if (conn->state != CONN_OPEN) return;  // sending failed
  conn->state = CONN_FLUSHING;
  conn->reason = reason;
  conn_stop_reading(conn, STOP_CLOSING);
  outbound_await_flight(conn);
  if (outbound_is_empty(conn)) conn_linger(conn);
  // Else the write timeout has been running since the bytes were queued.
}

void conn_peer_ended(struct evnet_conn *conn) {
  if (conn->flags & PEER_ENDED) return;  // both its RECV and a HANGUP may tell it
  conn->flags |= PEER_ENDED;
  if (conn->state == CONN_LINGERING) finish(conn, conn->reason);
  if (conn->state != CONN_OPEN) return;
  bool presenting = evnet_conn_inbound_bytes(conn) > 0 && (conn->flags & DUE_DATA);
  if (presenting || conn->read_stop != 0) {
    conn->flags |= END_WAITS;
  } else {
    tell_ended(conn);
  }
}

void conn_detached(struct evnet_conn *conn) {
  side_free(conn);
  conn->reactor->handles--;
  conn->state = CONN_FREE;
}

struct evnet_conn *conn_find(struct evnet_reactor *reactor, const struct evnet_conn_id *id) {
  if (id->index >= reactor->conns_top) return NULL;
  struct evnet_conn *conn = &reactor->conns[id->index];
  bool alive = conn->state != CONN_FREE && conn->state != CONN_CLOSED &&
               conn->state != CONN_LISTENER && conn->state != CONN_ATTEMPT;
  return alive && conn->generation == id->generation ? conn : NULL;
}

int conn_close_by_id(struct evnet_conn *conn) {
  if (conn->state == CONN_DATAGRAM) return -EOPNOTSUPP;
  if (conn->state == CONN_DIALLING) {
    conn_finish(conn, -ECANCELED);
    return 0;
  }
  if (conn->state != CONN_OPEN) return -ESTALE;
  conn_close_for(conn, EVNET_REASON_LOCAL);
  return 0;
}

bool evnet_reactor_was_claimed(const struct evnet_conn *conn) { return conn->dialled; }

void evnet_conn_close(struct evnet_conn *conn) { conn_close_for(conn, EVNET_REASON_LOCAL); }

void evnet_conn_abort(struct evnet_conn *conn) {
  if (conn->state != CONN_DATAGRAM) conn_abort_for(conn, EVNET_REASON_ABORTED);
}

int evnet_conn_hold(struct evnet_conn *conn) {
  if (conn->holds == UINT32_MAX) return -EOVERFLOW;
  conn->holds++;
  if (conn->holds >= conn->reactor->options.holds_max) conn_stop_reading(conn, STOP_HOLDS);
  return 0;
}

uint32_t evnet_conn_holds(const struct evnet_conn *conn) { return conn->holds; }

void evnet_conn_release(struct evnet_conn *conn) {
  EVNET_ASSERT(conn->holds > 0);  // the caller's own count is wrong: a peer cannot bring this about
  conn->holds--;
  if ((conn->read_stop & STOP_HOLDS) && conn->holds < conn->reactor->options.holds_max)
    resume(conn, STOP_HOLDS);
  if (conn->holds > 0) return;
  if (conn->flags & CLOSE_ON_RELEASE) conn_close_for(conn, EVNET_REASON_PEER);
  conn_check_stopping_later(conn);
}

// Stopping

static bool is_told(const struct evnet_conn *conn) {
  return conn->state == CONN_OPEN && (conn->flags & STOPPING_TOLD);
}

void conn_check_stopping(struct evnet_conn *conn) {
  if (!is_told(conn) || conn->background) return;
  if (stop_is_reading(conn->reactor)) {
    conn_defer(conn, 0);
    return;
  }
  bool has_work = conn->holds > 0 || evnet_conn_inbound_bytes(conn) > 0 ||
                  evnet_conn_outbound_bytes(conn) > 0 || !outbound_is_empty(conn) ||
                  (conn->flags & (DUE_PRESSURE | DUE_DRAIN | DUE_DATA));
  // Its last read is still to come after on_drain, and when reading is about to go on: on_data runs
  // first, with what was unread above inbound_bytes_max.
  bool resumes = conn->read_stop == 0 && !(conn->flags & (RECEIVING | PEER_ENDED));
  bool has_read = !(conn->read_stop & STOP_OUTBOUND_HIGH) && !resumes;
  if (has_work) outbound_await_flight(conn);
  if (has_read && !has_work) conn_close_for(conn, EVNET_REASON_SHUTDOWN);
}

void conn_check_stopping_later(struct evnet_conn *conn) {
  if (is_told(conn)) conn_defer(conn, 0);
}

int evnet_conn_set_background(struct evnet_conn *conn, bool background) {
  if (conn->state == CONN_DATAGRAM) return -EOPNOTSUPP;
  if (conn->state != CONN_OPEN) return -ENOTCONN;
  if (conn->background == background) return 0;
  conn->background = background;
  conn->reactor->background_open += background ? 1 : UINT32_MAX;
  conn_check_stopping_later(conn);
  return 0;
}

void conn_tell_stopping(struct evnet_conn *conn) {
  struct evnet_reactor *reactor = conn->reactor;
  if (conn->state != CONN_OPEN || (conn->flags & STOPPING_TOLD)) return;
  conn->flags |= STOPPING_TOLD;
  if (reactor->handler.on_stopping == NULL) return;
  reactor->handler.on_stopping(conn, reactor->user);
  reactor_after_callback(reactor, conn, EVNET_NONE);
  stats_lap(reactor);
}

// What it is

struct evnet_conn_id evnet_conn_id(const struct evnet_conn *conn) {
  return (struct evnet_conn_id){.reactor = conn->reactor->owner.reactor_index,
                                .index = conn_handle(conn).index,
                                .generation = conn->generation};
}

void *evnet_conn_user(const struct evnet_conn *conn) { return conn->user; }

void evnet_conn_set_user(struct evnet_conn *conn, void *user) { conn->user = user; }

struct evnet_reactor *evnet_conn_reactor(const struct evnet_conn *conn) {
  return conn->reactor;
}

int evnet_conn_listener_index(const struct evnet_conn *conn) {
  return conn->listener == EVNET_LISTENER_NONE ? -1 : conn->listener;
}
