// The rules for connections, which hold for every sequence of requests.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/async.h"

static struct evnet_sim_state state_of(const struct record *c) {
  struct evnet_sim_state state;
  evnet_sim_inspect(c->peer, &state);
  return state;
}

// An empty write has no effect; its result shows whether the connection is open.
bool model_is_open(const struct record *c) { return evnet_conn_write(c->conn, "", 0) != -ENOTCONN; }

static bool may_be_ending(const struct record *c) {
  const struct evnet_sim_state state = state_of(c);
  return c->close_asked || c->abort_asked || c->takes_nothing || c->overflowed || state.broken ||
         state.client_end_arrived || c->world->harness.failed || c->world->stop_asked;
}

static bool is_legal(const struct record *c, int reason) {
  const struct world *w = c->world;
  switch (reason) {
    case EVNET_REASON_PEER:
      return state_of(c).client_end_arrived && c->holds == 0;
    case EVNET_REASON_LOCAL:
      return c->close_asked;
    case EVNET_REASON_ABORTED:
      return c->abort_asked;
    case EVNET_REASON_SHUTDOWN:
      return w->stop_asked && c->holds == 0;
    case EVNET_REASON_DRAIN_DEADLINE:
      // A connection with nothing left to do closes before the deadline.
      return w->stop_asked &&
             (w->stop_is_hasty || c->holds > 0 || c->close_asked ||
              evnet_conn_outbound_bytes(c->conn) + evnet_conn_inbound_bytes(c->conn) > 0);
    case EVNET_REASON_OUTBOUND_OVERFLOW:
      return c->overflowed;
    case -ENOMEM:
      return w->harness.failed;
    case -ECONNRESET:
    case -EPIPE:
      return state_of(c).broken;
    default:
      return false;
  }
}

void model_enter(struct record *c, const char *callback) {
  const struct world *w = c->world;
  evnet_sim_note(w->sim, callback, (int64_t)w->current_reactor, evnet_sim_port(c->peer), 0);
  CHECK(w, c->conn != NULL && !c->closed);
  CHECK(w, c->id.reactor == w->current_reactor);
  CHECK(w, evnet_conn_outbound_bytes(c->conn) <= w->options.outbound_bytes_max);
}

void model_closed(struct record *c, int reason) {
  const struct world *w = c->world;
  model_enter(c, evnet_status_name(reason));
  CHECK(w, is_legal(c, reason));
  const bool orderly = reason == EVNET_REASON_PEER || reason == EVNET_REASON_LOCAL ||
                       reason == EVNET_REASON_SHUTDOWN;
  CHECK(w, !orderly || evnet_conn_outbound_bytes(c->conn) == 0);
  CHECK(w, !orderly || state_of(c).server_sent_bytes >= c->out.written);
  c->reason = reason;
}

void model_wrote(struct record *c, const uint8_t *bytes, size_t size, size_t queued_before,
                 ssize_t result) {
  struct world *w = c->world;
  evnet_sim_note(w->sim, "write", evnet_sim_port(c->peer), (int64_t)size, result);
  const bool overflows = queued_before + size > w->options.outbound_bytes_max;
  if (result >= 0) {
    CHECK(w, (size_t)result == size && !overflows && !c->takes_nothing && !c->write_ended);
    memcpy(c->outbound + c->out.written, bytes, size);
    c->out.written += size;
    return;
  }
  switch (result) {
    case -ENOBUFS:
      CHECK(w, overflows);
      if (w->options.outbound_overflow == EVNET_OVERFLOW_CLOSE) c->overflowed = true;
      return;
    case -ENOTCONN:
      CHECK(w, may_be_ending(c));
      return;
    case -EPIPE:
      CHECK(w, c->write_ended || state_of(c).broken);
      break;
    case -ECONNRESET:
      CHECK(w, state_of(c).broken);
      break;
    default:
      CHECK(w, result == -ENOMEM && w->harness.failed);
  }
  if (c->write_ended) return;
  memcpy(c->outbound + c->out.written, bytes, size);
  c->out.perhaps = size;
}

void model_peer_read(struct record *c, const uint8_t *bytes, int64_t result) {
  const struct world *w = c->world;
  const bool had_end = c->out.saw_end;
  stream_read(&c->out, w->sim, c->outbound, bytes, result);
  if (c->out.saw_end && !had_end) CHECK(w, c->closed || c->write_ended || may_be_ending(c));
}

void model_idle(const struct world *w) {
  for (uint32_t i = 0; i < w->record_count; i++) {
    const struct record *c = &w->records[i];
    if (c->conn == NULL || c->closed || c->paused || w->harness.failed) continue;
    CHECK(w, !c->wake_due || !model_is_open(c));
  }
}

void model_end(const struct record *c) {
  const struct world *w = c->world;
  CHECK(w, c->closed || c->conn == NULL);
  CHECK(w, c->left || c->out.saw_end || c->out.saw_reset);
}
