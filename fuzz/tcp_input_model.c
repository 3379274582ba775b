// The rules for a connection, from the contracts of net/reactor/conn.h and handler.h.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/tcp_input.h"

static const uint64_t MS = 1000000;
static const uint64_t ROUNDING_NS = 2000000;  // 1 ms each for the reactor's clock and a wait

struct evnet_sim_state model_state(const struct record *c) {
  struct evnet_sim_state state;
  evnet_sim_inspect(c->peer, &state);
  return state;
}

// An empty write has no effect; its result shows whether the connection is open.
bool model_is_open(const struct record *c) { return evnet_conn_write(c->conn, "", 0) != -ENOTCONN; }

void model_ends(struct record *c) {
  if (c->ending_ns == 0) c->ending_ns = evnet_sim_now_ns(c->world->sim);
}

// Whether there is a reason why a connection may be closing that evnet has not reported yet.
static bool may_be_ending(const struct record *c) {
  const struct evnet_sim_state state = model_state(c);
  return c->ending_ns != 0 || c->takes_nothing || state.broken || state.client_end_arrived ||
         c->world->harness.failed || c->world->options.outbound_high_action == EVNET_HIGH_CLOSE;
}

// Whether a close for this reason must deliver all output. EVNET_REASON_LIFETIME also ends
// delivery, so it does not.
static bool is_orderly(int reason) {
  return reason == EVNET_REASON_PEER || reason == EVNET_REASON_LOCAL ||
         reason == EVNET_REASON_IDLE_TIMEOUT || reason == EVNET_REASON_READ_TIMEOUT;
}

// Returns the time when a timeout is due; UINT64_MAX: never. EVNET_TIMEOUT_WRITE may be due earlier.
static uint64_t timeout_ns(const struct record *c, enum evnet_timeout which) {
  const struct evnet_reactor_options *options = &c->world->options;
  const bool is_idle = which == EVNET_TIMEOUT_IDLE;
  const bool is_write = which == EVNET_TIMEOUT_WRITE;
  const int64_t after_ms = is_idle    ? options->idle_timeout_ms
                           : is_write ? options->write_timeout_ms
                                      : options->lifetime_ms;
  if (after_ms == EVNET_OFF) return UINT64_MAX;
  uint64_t since = c->opened_ns > c->kept_ns[which] ? c->opened_ns : c->kept_ns[which];
  const uint64_t active = is_idle || is_write ? model_state(c).server_active_ns : 0;
  if (active > since) since = active;
  if (is_write && c->wrote_ns > since) since = c->wrote_ns;
  return since + (uint64_t)after_ms * MS;
}

// Whether the lifetime is over, which also ends delivery and lingering. If on_timeout closes the
// connection and returns EVNET_KEEP, the close takes precedence and no new lifetime begins.
static bool has_outlived(const struct record *c, uint64_t now_ns) {
  const uint64_t due_ns = timeout_ns(c, EVNET_TIMEOUT_LIFETIME);
  if (due_ns == UINT64_MAX) return false;
  const bool was_kept = c->ending_ns == 0 || c->kept_ns[EVNET_TIMEOUT_LIFETIME] < c->ending_ns;
  const uint64_t first_due_ns = c->opened_ns + (uint64_t)c->world->options.lifetime_ms * MS;
  return now_ns + ROUNDING_NS >= (was_kept ? due_ns : first_due_ns);
}

static bool is_legal(const struct record *c, int reason) {
  const struct world *w = c->world;
  const struct evnet_sim_state state = model_state(c);
  switch (reason) {
    case EVNET_REASON_PEER:
      return state.client_end_arrived && c->presented == c->sent && c->holds == 0 &&
             (!w->has_half_close || (c->half_closed && c->write_ended));
    case EVNET_REASON_LOCAL:
      return c->close_asked;
    case EVNET_REASON_ABORTED:
      return c->abort_asked || w->abandoned;
    case EVNET_REASON_IDLE_TIMEOUT:
      return c->timed_out[EVNET_TIMEOUT_IDLE];
    case EVNET_REASON_READ_TIMEOUT:
      return c->timed_out[EVNET_TIMEOUT_READ];
    case EVNET_REASON_WRITE_TIMEOUT:
      // While a closing connection delivers its output, on_timeout is not called.
      return c->timed_out[EVNET_TIMEOUT_WRITE] || may_be_ending(c);
    case EVNET_REASON_LIFETIME:
      // on_timeout is not called for a closing connection.
      return c->timed_out[EVNET_TIMEOUT_LIFETIME] || has_outlived(c, evnet_sim_now_ns(w->sim));
    case EVNET_REASON_INBOUND_OVERFLOW:
      return c->inbound_overflow;
    case EVNET_REASON_OUTBOUND_OVERFLOW:
      return c->outbound_overflow;
    case EVNET_REASON_HIGH_WATER:
      return w->options.outbound_high_action == EVNET_HIGH_CLOSE;
    case -ENOMEM:
      return w->harness.failed;
    case -ECONNRESET:
    case -EPIPE:
      return state.broken;
    default:
      return false;
  }
}

// Whether on_timeout should have been called already.
static bool is_overdue(const struct record *c, enum evnet_timeout which) {
  const uint64_t due_ns = timeout_ns(c, which);
  return due_ns != UINT64_MAX && evnet_sim_now_ns(c->world->sim) > due_ns + ROUNDING_NS;
}

// Callbacks

void model_enter(struct record *c, const char *callback) {
  const struct world *w = c->world;
  evnet_sim_note(w->sim, callback, 0, evnet_sim_port(c->peer), 0);
  CHECK(w, c->conn != NULL);
  CHECK(w, !c->closed);
  const size_t late = w->faults.late_recv > 0 ? EVNET_SIM_LATE_BYTES_MAX : 0;
  CHECK(w, evnet_conn_inbound_bytes(c->conn) <=
               w->options.inbound_bytes_max + w->options.read_turn_bytes_max + late);
  // The bytes that on_prewrite writes are added after the bound was checked.
  CHECK(w, w->has_prewrite || evnet_conn_outbound_bytes(c->conn) <= w->options.outbound_bytes_max);
}

// on_data, on_half_close, on_pressure, on_drain and on_timeout must not be called once it is
// closing.
static void enter_open(struct record *c, const char *callback) {
  model_enter(c, callback);
  CHECK(c->world, !c->close_asked && !c->abort_asked && model_is_open(c));
}

void model_data(struct record *c) {
  const struct world *w = c->world;
  enter_open(c, "on_data");
  CHECK(w, !c->paused);
  CHECK(w, !c->pressed || w->options.outbound_high_action != EVNET_HIGH_STOP_READING);
  CHECK(w, !c->inbound_overflow || w->has_prewrite);
  const size_t unread = evnet_conn_inbound_bytes(c->conn);
  CHECK(w, unread > 0 && unread <= c->sent - c->consumed);
  // Bytes that on_data presented before are presented again unless they were consumed.
  CHECK(w, c->consumed + unread >= c->presented);
  c->presented = c->consumed + unread;
}

void model_data_done(struct record *c, enum evnet_action action) {
  const struct world *w = c->world;
  if (action == EVNET_CLOSE || !model_is_open(c)) return;
  if (evnet_conn_inbound_bytes(c->conn) < w->options.inbound_bytes_max) return;
  // on_prewrite may still pause or resume reading.
  if (c->paused && !w->has_prewrite) return;
  c->inbound_overflow = true;
  model_ends(c);
}

void model_half_closed(struct record *c) {
  const struct world *w = c->world;
  enter_open(c, "on_half_close");
  CHECK(w, !c->half_closed);
  CHECK(w, !c->paused);
  CHECK(w, model_state(c).client_end_arrived);
  CHECK(w, c->presented == c->sent);
  c->half_closed = true;
}

void model_timeout(struct record *c, enum evnet_timeout which) {
  const struct world *w = c->world;
  enter_open(c, "on_timeout");
  const uint64_t now = evnet_sim_now_ns(w->sim);
  switch (which) {
    case EVNET_TIMEOUT_IDLE:
      // Bytes in flight count as activity before the kernel takes them.
      CHECK(w, w->faults.flights > 0 || now + ROUNDING_NS >= timeout_ns(c, which));
      break;
    case EVNET_TIMEOUT_READ:
      CHECK(w, w->options.read_timeout_ms != EVNET_OFF && !c->paused);
      break;
    case EVNET_TIMEOUT_WRITE:
      CHECK(w, evnet_conn_outbound_bytes(c->conn) > 0);
      break;
    case EVNET_TIMEOUT_LIFETIME:
      CHECK(w, now + ROUNDING_NS >= timeout_ns(c, which));
      break;
  }
}

void model_closed(struct record *c, int reason) {
  const struct world *w = c->world;
  model_enter(c, evnet_status_name(reason));
  CHECK(w, is_legal(c, reason));
  CHECK(w, !is_orderly(reason) || evnet_conn_outbound_bytes(c->conn) == 0);
  c->reason = reason;
  c->closed_ns = evnet_sim_now_ns(w->sim);
}

// Results

void model_consumed(struct record *c, struct evnet_bytes bytes) {
  const struct world *w = c->world;
  CHECK(w, bytes.size <= c->sent - c->consumed);
  if (bytes.size > 0) CHECK(w, memcmp(bytes.data, c->inbound + c->consumed, bytes.size) == 0);
  c->consumed += bytes.size;
  if (c->consumed > c->presented) c->presented = c->consumed;
}

void model_check_held(const struct record *c) {
  for (int i = 0; i < HELD; i++) {
    const struct held *held = &c->held[i];
    if (held->bytes.size == 0) continue;
    CHECK(c->world, memcmp(held->bytes.data, c->inbound + held->position, held->bytes.size) == 0);
  }
}

void model_hold(struct record *c, struct evnet_bytes bytes, size_t position) {
  CHECK(c->world, bytes.size <= c->sent - position);
  c->held[c->held_next++ % HELD] =
      (struct held){.bytes = bytes, .position = position, .depth = c->world->depth};
  model_check_held(c);
}

// Whether a call may fail with this error.
bool model_may_fail(const struct record *c, ssize_t error) {
  switch (error) {
    case -ENOTCONN:
      return may_be_ending(c);
    case -EPIPE:
    case -ECONNRESET:
      return model_state(c).broken;
    case -ENOMEM:
      return c->world->harness.failed;
    default:
      return false;
  }
}

void model_wrote(struct record *c, const uint8_t *bytes, size_t size, size_t queued_before,
                 bool was_ending, ssize_t result) {
  const struct world *w = c->world;
  evnet_sim_note(w->sim, "write", evnet_sim_port(c->peer), (int64_t)size, result);
  const bool overflows = size > 0 && queued_before + size > w->options.outbound_bytes_max;
  if (result >= 0) {
    CHECK(w, (size_t)result == size);
    c->wrote_ns = evnet_sim_now_ns(w->sim);
    CHECK(w, !was_ending && !overflows);
    memcpy(c->outbound + c->out.written, bytes, size);
    c->out.written += size;
  } else if (result == -ENOBUFS) {
    CHECK(w, overflows && !was_ending);
    if (w->options.outbound_overflow == EVNET_OVERFLOW_REFUSE) {
      CHECK(w, evnet_conn_outbound_bytes(c->conn) == queued_before && model_is_open(c));
    } else {
      c->outbound_overflow = true;
      model_ends(c);
    }
  } else {
    CHECK(w, model_may_fail(c, result) || (result == -EPIPE && c->write_ended));
    if (result == -ENOTCONN || c->write_ended) return;
    memcpy(c->outbound + c->out.written, bytes, size);
    c->out.perhaps = size;
  }
}

void model_peer_read(struct record *c, const uint8_t *bytes, int64_t result) {
  const struct world *w = c->world;
  const bool had_end = c->out.saw_end;
  stream_read(&c->out, w->sim, c->outbound, bytes, result);
  if (c->out.saw_end && !had_end) CHECK(w, c->closed || c->write_ended || may_be_ending(c));
}

// When the system is idle

static void idle_open(const struct record *c, const struct evnet_sim_state *state) {
  const struct world *w = c->world;
  // Bytes in flight count as sent from the start, though the kernel may refuse them all.
  CHECK(w, w->faults.flights > 0 || !is_overdue(c, EVNET_TIMEOUT_IDLE));
  CHECK(w, !is_overdue(c, EVNET_TIMEOUT_LIFETIME));
  if (c->paused) return;
  if (c->pressed && w->options.outbound_high_action == EVNET_HIGH_STOP_READING) return;
  if (!state->client_end_arrived) {
    CHECK(w, state->receiving);
  } else if (w->has_half_close) {
    CHECK(w, c->half_closed);
  } else {
    CHECK(w, c->holds > 0);
  }
}

static void idle_conn(const struct record *c) {
  const struct world *w = c->world;
  if (c->conn == NULL || c->closed) return;
  const struct evnet_sim_state state = model_state(c);
  CHECK(w, state.attached);
  // evnet must report a reset, unless it has reported that both sides have ended.
  CHECK(w, !state.broken || (state.server_ended && state.client_end_arrived));
  // A flight that has succeeded, but whose completion no wait has reported, needs no pending send.
  const bool queued = evnet_conn_outbound_bytes(c->conn) > state.untold_bytes;
  CHECK(w, !queued || state.sending);
  // Bytes that a flight returns are queued again only when it returns.
  CHECK(w, !queued || w->faults.flights > 0 || !is_overdue(c, EVNET_TIMEOUT_WRITE));
  CHECK(w, !c->write_ended || queued || state.server_ended);
  if (model_is_open(c)) {
    idle_open(c, &state);
  } else {
    // It delivers its output, or waits for the peer's end-of-stream.
    CHECK(w, queued || (state.server_ended && state.receiving));
  }
}

void model_idle(const struct world *w) {
  bool standing = w->options.lifetime_ms != EVNET_OFF;  // a lifetime needs memory
  for (size_t i = 0; i < w->record_count; i++) {
    const struct record *c = &w->records[i];
    idle_conn(c);
    if (c->conn == NULL || c->closed) continue;
    // A lingering connection stores how much the peer has acknowledged.
    if (!model_is_open(c)) standing = true;
    if (evnet_conn_inbound_bytes(c->conn) + evnet_conn_outbound_bytes(c->conn) > 0) standing = true;
  }
  CHECK(w, standing || w->harness.live_blocks == w->own_blocks);
}

// At the end

// Whether a connection that closed gracefully may still have been reset: by the peer; because the
// peer sent more after lingering was over or off; or because the lifetime ended lingering.
static bool may_have_reset(const struct record *c, const struct evnet_sim_state *state) {
  const struct world *w = c->world;
  if (!is_orderly(c->reason) && c->reason != EVNET_REASON_INBOUND_OVERFLOW) return true;
  if (c->reason == EVNET_REASON_PEER) return false;
  return state->client_reset || !c->ending_ns || w->options.linger_ms == EVNET_OFF ||
         c->closed_ns + ROUNDING_NS >= c->ending_ns + (uint64_t)w->options.linger_ms * MS ||
         has_outlived(c, c->closed_ns);
}

void model_end(const struct record *c) {
  const struct world *w = c->world;
  const struct evnet_sim_state state = model_state(c);
  CHECK(w, c->closed || (c->conn == NULL && (w->harness.failed || w->abandoned || c->left)));
  if (c->left) return;
  CHECK(w, c->out.saw_end || c->out.saw_reset);
  CHECK(w, !c->out.saw_reset || c->conn == NULL || may_have_reset(c, &state));
}
