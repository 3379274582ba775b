// One event loop: its turn, and what each completion means.
#include "net/reactor/reactor.h"

#include <errno.h>
#include <string.h>

#include "net/reactor/internal/datagram.h"
#include "net/reactor/internal/state.h"

void reactor_update_now(struct evnet_reactor *reactor) {
  stats_set_now(reactor, evnet_poller_now_ns(reactor->poller));
}

void reactor_begin_lap(struct evnet_reactor *reactor) {
  reactor_update_now(reactor);
  reactor->lap_ns = reactor->now_ns;
}

// Creating

static size_t table_bytes(const struct evnet_reactor *reactor) {
  return (size_t)reactor->conns_max * sizeof *reactor->conns;
}

static bool can_reserve(size_t bytes) {
  void *pages = evnet_pages_reserve(bytes);
  evnet_pages_release(pages, bytes);
  return pages != NULL;
}

static void log_failure(const struct evnet_reactor *reactor, int status) {
  const struct evnet_logger *logger = &reactor->options.logger;
  const char *message = evnet_poller_create_message(reactor->options.backend, status);
  const size_t bytes = (size_t)reactor->conns_max * EVNET_CONNECTION_BYTES;
  if (status == -ENOMEM && !can_reserve(bytes)) {
    evnet_log(
        logger, EVNET_LOG_ERROR,
        "option connections_max = %zu: cannot reserve %zu bytes of address space; raise ulimit -v "
        "or lower connections_max",
        reactor->options.connections_max, bytes);
  } else if (status == -ENOSYS || status == -EPERM || status == -EAGAIN) {
    evnet_log(logger, EVNET_LOG_ERROR, "option backend: %s", message);
  } else {
    evnet_log(logger, EVNET_LOG_ERROR, "cannot create a reactor: %s", message);
  }
}

static int create_parts(struct evnet_reactor *reactor) {
  const struct evnet_reactor_options *options = &reactor->options;
  // One handle for each listening socket, those of addresses that connect for one dial, and room
  // for those whose DETACH is still to come.
  const uint32_t dials =
      options->connections_max < 1024 ? (uint32_t)options->connections_max : 1024;
  const uint32_t spare = EVNET_LISTENER_SOCKETS_MAX + 8 * dials + 1024;
  const uint32_t conns_max = NONE - spare;
  reactor->conns_max =
      spare +
      (options->connections_max < conns_max ? (uint32_t)options->connections_max : conns_max);
  reactor->conns = evnet_pages_reserve(table_bytes(reactor));
  if (reactor->conns == NULL) return -ENOMEM;
  const struct evnet_poller_options poller_options = {
      .backend = options->backend,
      .handles_max = reactor->conns_max,
      .recv_bytes_max = (uint32_t)options->read_turn_bytes_max,
      .datagram_bytes_max = (uint32_t)options->udp_datagram_bytes_max,
      .no_udp_segmentation = options->no_udp_segmentation,
      .udp_gro = options->udp_gro,
      .allocator = options->allocator,
      .kernel = options->kernel,
  };
  return evnet_poller_create(&poller_options, &reactor->poller);
}

int evnet_reactor_create(const struct evnet_handler *handler, void *user,
                         const struct evnet_reactor_options *options,
                         struct evnet_reactor **out_reactor) {
  struct evnet_reactor_options resolved;
  int status = evnet_reactor_options_resolve(options, &resolved);
  if (status < 0) return status;
  struct evnet_reactor *reactor = evnet_allocate_zeroed(resolved.allocator, sizeof *reactor);
  if (reactor == NULL) return -ENOMEM;
  reactor->handler = *handler;
  reactor->user = user;
  reactor->options = resolved;
  limits_from_options(&resolved, &reactor->limits);
  reactor->due_first = NONE;
  reactor->stop_at_ns = UINT64_MAX;
  evnet_mailbox_init(&reactor->mailbox, resolved.mailbox_bytes_max);
  status = create_parts(reactor);
  if (status < 0) {
    evnet_pages_release(reactor->conns, table_bytes(reactor));
    log_failure(reactor, status);
    evnet_release(resolved.allocator, reactor);
    return status;
  }
  reactor->origin_ns = reactor->now_ns = reactor->lap_ns = evnet_poller_now_ns(reactor->poller);
  reactor->tick_ns = reactor->origin_ns + 1000000;
  evnet_wheel_init(&reactor->deadlines, 0);
  evnet_wheel_init(&reactor->timers, 0);
  *out_reactor = reactor;
  return 0;
}

void evnet_reactor_set_owner(struct evnet_reactor *reactor,
                             const struct evnet_reactor_owner *owner) {
  reactor->owner = *owner;
}

const char *evnet_reactor_backend_name(const struct evnet_reactor *reactor) {
  return evnet_poller_name(reactor->poller);
}

uint64_t evnet_reactor_clock_ms(const struct evnet_reactor *reactor) {
  return reactor->origin_ns / 1000000 + reactor->now_ms;
}

// After user code

void reactor_after_callback(struct evnet_reactor *reactor, struct evnet_conn *conn,
                            enum evnet_action action) {
  reactor->ran = true;
  if (reactor->scratch_conn != NULL) outbound_flush_scratch(reactor);
  if (action == EVNET_NONE) return;
  if (action == EVNET_CLOSE && conn != NULL) conn_close_for(conn, EVNET_REASON_LOCAL);
  if (action == EVNET_SHUTDOWN) {
    if (reactor->owner.shutdown != NULL) {
      reactor->owner.shutdown(reactor->owner.context);
    } else {
      evnet_reactor_stop(reactor, reactor->options.drain_ms);
    }
  }
}

// The turn

static void dispatch_recv(struct evnet_conn *conn, const struct evnet_completion *completion) {
  if (!completion->more) conn->flags &= (uint16_t)~RECEIVING;
  if (conn->state == CONN_CLOSED) return;
  if (completion->result > 0) {
    inbound_received(conn, completion->data, (size_t)completion->result);
    if (!completion->more) conn_update_reading(conn);  // to be started again
  } else if (completion->result == 0) {
    conn_peer_ended(conn);
  } else {
    conn_failed(conn, (int)completion->result);
  }
}

static void dispatch_other(struct evnet_reactor *reactor, struct evnet_conn *conn,
                           const struct evnet_completion *completion) {
  switch (completion->op) {
    case EVNET_OP_RECV:
      break;
    case EVNET_OP_SEND:
      if (conn_is_datagram(conn)) {
        datagram_room(conn, (int)completion->result);
      } else {
        outbound_sent(conn, completion);
      }
      break;
    case EVNET_OP_DATAGRAM:
      if (!completion->more) conn->flags &= (uint16_t)~RECEIVING;
      datagram_received(conn, completion);
      if (!completion->more && conn->state != CONN_CLOSED) conn_update_reading(conn);
      break;
    case EVNET_OP_HANGUP:
      if (conn->state == CONN_DIALLING) adopt_open(conn);
      // 0: both sides have ended, and the kernel holds nothing in front of the peer's end.
      if (completion->result < 0) {
        conn_failed(conn, (int)completion->result);
      } else {
        conn_peer_ended(conn);
      }
      break;
    case EVNET_OP_ACCEPT:
      if (conn->state == CONN_LISTENER) listener_acceptable(reactor, conn->listener, completion);
      break;
    case EVNET_OP_CONNECT:
      dial_connected(conn, (int)completion->result);
      break;
    case EVNET_OP_DETACH:
      conn_detached(conn);
      break;
  }
}

static void dispatch(struct evnet_reactor *reactor, const struct evnet_completion *completion) {
  struct evnet_conn *conn = &reactor->conns[completion->handle.index];
  EVNET_DCHECK(conn->deadline.tag == completion->handle.generation);
  if (completion->op == EVNET_OP_RECV) {
    dispatch_recv(conn, completion);
  } else {
    dispatch_other(reactor, conn, completion);
  }
}

static uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

// Whether to look once more instead of sleeping (busy_poll_us).
static bool is_spinning(struct evnet_reactor *reactor) {
  if (reactor->options.busy_poll_us == 0) return false;
  if (reactor->active)
    reactor->spin_until_ns = reactor->now_ns + (uint64_t)reactor->options.busy_poll_us * 1000;
  reactor->active = false;
  return reactor->now_ns < reactor->spin_until_ns;
}

// How long the kernel may wait, in ns; -1: until something happens.
static int64_t wait_time(struct evnet_reactor *reactor, int64_t wait_ms_max) {
  bool has_work = reactor->due_first != NONE || reactor->inbox != NULL ||
                  reactor->answers_first != NULL || datagram_is_gathering(reactor);
  if (has_work || reactor->overdue || stop_is_reading(reactor) || is_spinning(reactor)) return 0;
  uint64_t wake_ms =
      earlier(evnet_wheel_next_ms(&reactor->deadlines), evnet_wheel_next_ms(&reactor->timers));
  if (wait_ms_max >= 0) wake_ms = earlier(wake_ms, reactor->now_ms + (uint64_t)wait_ms_max);
  uint64_t wake_ns = UINT64_MAX;
  if (wake_ms < (UINT64_MAX - reactor->origin_ns) / 1000000)
    wake_ns = reactor->origin_ns + wake_ms * 1000000;
  wake_ns = earlier(wake_ns, stop_deadline_ns(reactor));
  if (wake_ns == UINT64_MAX) return -1;
  uint64_t now_ns = reactor->now_ns;
  if (wake_ns <= now_ns) return 0;
  return wake_ns - now_ns > INT64_MAX ? INT64_MAX : (int64_t)(wake_ns - now_ns);
}

// UDP sockets' gathered datagrams, and what an on_prewrite of theirs took.
static void flush_datagrams(struct evnet_reactor *reactor) {
  if (!datagram_is_gathering(reactor)) return;
  datagram_flush(reactor);
  if (reactor->handler.on_prewrite != NULL) stats_lap(reactor);
}

static int wait_for_kernel(struct evnet_reactor *reactor, int64_t wait_ms_max, bool may_sleep) {
  flush_datagrams(reactor);
  int64_t timeout_ns = may_sleep ? wait_time(reactor, wait_ms_max) : 0;
  bool sleeps = timeout_ns != 0;
  if (sleeps && !evnet_mailbox_sleep(&reactor->mailbox)) timeout_ns = 0;
  reactor->asked_ms = reactor->now_ms;
  int status = evnet_poller_wait(reactor->poller, timeout_ns);
  if (sleeps) evnet_mailbox_awake(&reactor->mailbox);
  counter_add(&reactor->stats.turns, 1);
  return status;
}

// Returns whether there was a completion.
static bool dispatch_all(struct evnet_reactor *reactor) {
  bool any = false;
  struct evnet_completion completion;
  while (evnet_poller_next(reactor->poller, &completion)) {
    // The batch that these answer has ended.
    if (reactor->gather != NULL && completion.op != EVNET_OP_DATAGRAM) datagram_flush(reactor);
    dispatch(reactor, &completion);
    stats_lap(reactor);
    any = true;
  }
  return any;
}

// Asks the poller again after closing: a DETACH that it has by now would else make the next wait
// return immediately, for one system call more.
static void run_due(struct evnet_reactor *reactor) {
  if (reactor->due_first == NONE) return;
  conn_run_due(reactor);
  (void)dispatch_all(reactor);
}

//   sleeps_on  also a turn that has run something waits; nobody looks before the next turn.
static int turn(struct evnet_reactor *reactor, int64_t wait_ms_max, bool sleeps_on) {
  if (reactor->stop_phase == STOP_DONE) return 0;
  if (reactor->scratch_conn != NULL) {  // written between two turns
    reactor_begin_lap(reactor);
    outbound_flush_scratch(reactor);
  }
  reactor->ran = false;
  post_run(reactor);
  // With nothing to run, and a wait without an end, the time of the last turn will do: it only has
  // to be near, as the wheels count from it.
  bool may_run =
      reactor->deadlines.count > 0 || reactor->timers.count > 0 || reactor->due_first != NONE;
  bool may_end = wait_ms_max >= 0 || stop_deadline_ns(reactor) != UINT64_MAX;
  if (may_run || may_end) reactor_begin_lap(reactor);
  // While some wait for settled_ms those that expire meanwhile can only wait, too.
  if (!reactor->overdue) deadline_expire(reactor);
  timer_expire(reactor);
  run_due(reactor);
  stop_step(reactor);
  async_run_answers(reactor);
  if (reactor->stop_phase == STOP_DONE) {
    post_end(reactor);
    return 0;
  }
  int status = wait_for_kernel(reactor, wait_ms_max, sleeps_on || !reactor->ran);
  if (status < 0) return status;
  reactor_begin_lap(reactor);
  const bool quiet = !dispatch_all(reactor) && status == 0;
  if (!quiet) reactor->active = true;
  flush_datagrams(reactor);
  if (reactor->overdue && deadline_settle(reactor)) {
    reactor->overdue = false;
    deadline_expire(reactor);
  }
  reactor->stop_quiet_turns = quiet ? reactor->stop_quiet_turns + 1 : 0;
  run_due(reactor);
  async_run_answers(reactor);
  return 1;
}

static int guarded_turn(struct evnet_reactor *reactor, int64_t wait_ms_max, bool sleeps_on) {
  EVNET_ASSERT(!reactor->turning);
  reactor->turning = true;
  int status = turn(reactor, wait_ms_max, sleeps_on);
  reactor->turning = false;
  return status;
}

int evnet_reactor_turn(struct evnet_reactor *reactor, int64_t wait_ms_max) {
  return guarded_turn(reactor, wait_ms_max, false);
}

int evnet_reactor_run_turn(struct evnet_reactor *reactor) {
  return guarded_turn(reactor, -1, true);
}

// Everything closes, with on_close: the reactor ends without a stop.
static void abandon(struct evnet_reactor *reactor, int reason) {
  reactor->stop_phase = STOP_DONE;
  for (uint32_t i = 0; i < reactor->conns_top; i++) {
    struct evnet_conn *conn = &reactor->conns[i];
    if (conn->state == CONN_DATAGRAM) {
      datagram_close(conn);
    } else if (conn->state != CONN_FREE && conn->state != CONN_LISTENER &&
               conn->state != CONN_ATTEMPT) {
      conn_abort_for(conn, reason);
    }
  }
  while (reactor->due_first != NONE)
    conn_run_due(reactor);  // ends: whatever is open has been closed
  post_end(reactor);
}

int evnet_reactor_run(struct evnet_reactor *reactor) {
  int status;
  do {
    status = evnet_reactor_run_turn(reactor);
  } while (status > 0);
  if (status < 0) {
    evnet_log(&reactor->options.logger, EVNET_LOG_ERROR, "the event loop failed: %s",
              evnet_status_message(status));
    const struct evnet_reactor_owner *owner = &reactor->owner;
    if (owner->drained != NULL) (void)owner->drained(owner->context, true);
    abandon(reactor, status);
  }
  return status;
}

void evnet_reactor_discard(struct evnet_reactor *reactor, int descriptor) {
  evnet_poller_discard_descriptor(reactor->poller, descriptor);
}

void evnet_reactor_destroy(struct evnet_reactor *reactor) {
  if (reactor == NULL) return;
  EVNET_ASSERT(!reactor->turning);
  if (reactor->stop_phase != STOP_DONE) abandon(reactor, EVNET_REASON_ABORTED);
  const struct evnet_allocator *allocator = reactor->options.allocator;
  evnet_poller_destroy(reactor->poller);  // now nothing that a send was using is in use any more
  for (uint32_t i = 0; i < reactor->conns_top; i++) {
    if (reactor->conns[i].state != CONN_FREE) side_free(&reactor->conns[i]);
  }
  async_run_answers(reactor);
  evnet_block_release(allocator, reactor->gather);
  evnet_pages_release(reactor->conns, table_bytes(reactor));
  evnet_release(allocator, reactor);
}
