// The handler: each callback and each posted function takes steps from the input until EXIT. At the
// end of the input it stops misbehaving, so that all connections can close.
#include <stdlib.h>
#include <string.h>

#include "fuzz/tcp_input.h"

enum { STEPS_PER_CALLBACK = 12, PIECES = 7 };

// Reading. The bytes that one call returns must not change until the callback returns.

static void peek(struct record *c) {
  const struct world *w = c->world;
  const size_t unread = evnet_conn_inbound_bytes(c->conn);
  const struct evnet_bytes all = evnet_conn_peek(c->conn);
  CHECK(w, all.size == unread || (all.size == 0 && w->harness.failed));
  CHECK(w, evnet_conn_inbound_bytes(c->conn) == unread);
  model_hold(c, all, c->consumed);
}

static void peek_pair(struct record *c) {
  struct evnet_bytes spans[2];
  evnet_conn_peek_pair(c->conn, spans);
  CHECK(c->world, spans[0].size + spans[1].size == evnet_conn_inbound_bytes(c->conn));
  model_hold(c, spans[0], c->consumed);
  model_hold(c, spans[1], c->consumed + spans[0].size);
}

// The first n unread bytes. Empty if fewer are unread, or if memory to join them runs out.
static struct evnet_bytes next(struct record *c, size_t n) {
  const struct world *w = c->world;
  const size_t unread = evnet_conn_inbound_bytes(c->conn);
  const struct evnet_bytes bytes = evnet_conn_next(c->conn, n);
  CHECK(w, bytes.size == (n <= unread ? n : 0) || (bytes.size == 0 && w->harness.failed));
  CHECK(w, evnet_conn_inbound_bytes(c->conn) == unread - bytes.size);
  const size_t position = c->consumed;
  model_consumed(c, bytes);
  model_hold(c, bytes, position);
  return bytes;
}

static void take(struct record *c, size_t n) {
  const size_t unread = evnet_conn_inbound_bytes(c->conn);
  static uint8_t out[STEP_BYTES_MAX];
  const size_t taken = evnet_conn_read(c->conn, out, n);
  CHECK(c->world, taken == (n < unread ? n : unread));
  CHECK(c->world, evnet_conn_inbound_bytes(c->conn) == unread - taken);
  model_consumed(c, (struct evnet_bytes){.data = out, .size = taken});
}

static void discard(struct record *c, size_t n) {
  const size_t unread = evnet_conn_inbound_bytes(c->conn);
  const size_t gone = evnet_conn_discard(c->conn, n);
  CHECK(c->world, gone == (n < unread ? n : unread));
  CHECK(c->world, evnet_conn_inbound_bytes(c->conn) == unread - gone);
  model_consumed(c, (struct evnet_bytes){.data = c->inbound + c->consumed, .size = gone});
}

// Writing

static bool has_room(const struct record *c, size_t size) {
  return c->out.written + size <= c->world->stream_bytes;
}

// `truth` is a contiguous copy of the bytes in the pieces.
static void write_pieces(struct record *c, const struct iovec *pieces, size_t count,
                         const uint8_t *truth, size_t size) {
  const size_t queued = evnet_conn_outbound_bytes(c->conn);
  const bool was_ending = c->takes_nothing || c->write_ended;
  const ssize_t result = count == 1
                             ? evnet_conn_write(c->conn, pieces[0].iov_base, pieces[0].iov_len)
                             : evnet_conn_writev(c->conn, pieces, count);
  model_wrote(c, truth, size, queued, was_ending, result);
}

// Returns the bytes for a write, which differ from those of the previous write.
static const uint8_t *generate(struct world *w, size_t size) {
  const uint8_t *bytes = w->harness.noise + w->generated % STREAM_BYTES;
  w->generated += size;
  return bytes;
}

static void write_some(struct record *c, size_t size, size_t count) {
  if (!has_room(c, size)) return;
  const uint8_t *bytes = generate(c->world, size);
  struct iovec pieces[PIECES] = {0};
  size_t at = 0;
  for (size_t i = 0; i < count; i++) {
    // Every third piece is empty, and the last one has the remaining bytes.
    const size_t part = i + 1 == count ? size - at : i % 3 == 1 ? 0 : (size - at) / 2;
    pieces[i] = (struct iovec){.iov_base = (void *)(uintptr_t)(bytes + at), .iov_len = part};
    at += part;
  }
  write_pieces(c, pieces, count, bytes, size);
}

static void echo(struct record *from, struct record *to, size_t n) {
  const size_t unread = evnet_conn_inbound_bytes(from->conn);
  const size_t size = n < unread ? n : unread;
  if (size > STEP_BYTES_MAX || !has_room(to, size)) return;
  const uint8_t *truth = from->inbound + from->consumed;
  const struct evnet_bytes bytes = next(from, size);
  const struct iovec piece = {.iov_base = (void *)(uintptr_t)bytes.data, .iov_len = bytes.size};
  write_pieces(to, &piece, 1, truth, bytes.size);
}

static void flush(struct record *c) {
  const ssize_t left = evnet_conn_flush(c->conn);
  if (left < 0) {
    CHECK(c->world, model_may_fail(c, left));
  } else {
    CHECK(c->world, (size_t)left == evnet_conn_outbound_bytes(c->conn));
  }
}

static void shutdown_write(struct record *c) {
  const bool was_ending = c->takes_nothing;  // its on_prewrite may close it
  const int status = evnet_conn_shutdown_write(c->conn);
  if (status == 0) c->write_ended = true;
  CHECK(c->world, status == 0 ? !was_ending : model_may_fail(c, status));
}

// Ends

static void close_conn(struct record *c) {
  c->close_asked = true;
  model_ends(c);
  evnet_conn_close(c->conn);
  c->takes_nothing = true;
}

static void abort_conn(struct record *c) {
  c->abort_asked = true;
  model_ends(c);
  evnet_conn_abort(c->conn);
  c->takes_nothing = true;
}

static void hold(struct record *c) {
  if (!model_is_open(c)) return;  // it would have no effect
  evnet_conn_hold(c->conn);
  c->holds++;
}

static void release(struct record *c) {
  if (c->holds == 0) return;
  c->holds--;
  evnet_conn_release(c->conn);
}

static void pause_reading(struct record *c) {
  c->paused = true;
  evnet_conn_pause_reading(c->conn);
}

static void resume_reading(struct record *c) {
  c->paused = false;
  evnet_conn_resume_reading(c->conn);
}

// Steps

// Returns the other connection if it is alive, else this one.
static struct record *other_of(struct record *c) {
  struct record *other = &c->world->records[c == &c->world->records[0]];
  return other->conn != NULL && !other->closed ? other : c;
}

static void act(struct record *c, const struct step *step) {
  struct record *on = step->other ? other_of(c) : c;
  switch (step->what) {
    case PEEK:
      peek(on);
      break;
    case PEEK_PAIR:
      peek_pair(on);
      break;
    case NEXT:
      (void)next(on, step->n);
      break;
    case TAKE:
      take(on, step->n);
      break;
    case DISCARD:
      discard(on, step->n);
      break;
    case ECHO:
      echo(c, on, step->n);
      break;
    case WRITE:
      write_some(on, step->n % 1024, 1);
      break;
    case WRITE_LARGE:
      write_some(on, step->n, 1);
      break;
    case WRITE_PIECES:
      write_some(on, step->n, PIECES);
      break;
    case FLUSH:
      flush(on);
      break;
    case PAUSE:
      pause_reading(on);
      break;
    case RESUME:
      resume_reading(on);
      break;
    case SHUTDOWN_WRITE:
      shutdown_write(on);
      break;
    case HOLD:
      hold(on);
      break;
    case RELEASE:
      release(on);
      break;
    case CLOSE:
      close_conn(on);
      break;
    case ABORT:
      abort_conn(on);
      break;
  }
}

static void forget_since(struct record *c, unsigned depth) {
  model_check_held(c);
  for (int i = 0; i < HELD; i++) {
    if (c->held[i].depth >= depth) c->held[i].bytes.size = 0;
  }
}

// Takes steps. Returns the n of EXIT; -1 at the end of the input.
static int run(struct record *c) {
  struct world *w = c->world;
  w->depth++;
  int answer = 0;
  for (int i = 0; i < STEPS_PER_CALLBACK; i++) {
    struct step step;
    answer = harness_step(&w->harness, &step) ? (int)step.n : -1;
    if (answer < 0 || step.what < PEEK || step.what > ABORT) break;
    act(c, &step);
    for (size_t k = 0; k < w->record_count; k++) model_check_held(&w->records[k]);
    answer = 0;
  }
  for (size_t k = 0; k < w->record_count; k++) forget_since(&w->records[k], w->depth);
  w->depth--;
  return answer;
}

static enum evnet_action close_if(struct record *c, bool closes) {
  if (!closes) return EVNET_NONE;
  c->close_asked = true;
  model_ends(c);
  return EVNET_CLOSE;
}

// Callbacks

static struct record *record_of(const struct evnet_conn *conn) { return evnet_conn_user(conn); }

static enum evnet_action on_open(struct evnet_conn *conn, void *user) {
  struct world *w = user;
  struct evnet_address address;
  evnet_conn_remote_address(conn, &address);
  struct record *c = NULL;
  for (size_t i = 0; i < w->record_count; i++) {
    if (evnet_sim_port(w->records[i].peer) == evnet_address_port(&address)) c = &w->records[i];
  }
  CHECK(w, c != NULL && c->conn == NULL);
  c->conn = conn;
  c->opened_ns = evnet_sim_now_ns(w->sim);
  evnet_conn_set_user(conn, c);
  model_enter(c, "on_open");
  CHECK(w, evnet_conn_inbound_bytes(conn) == 0);
  return close_if(c, run(c) == 1);
}

static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  (void)user;
  struct record *c = record_of(conn);
  model_data(c);
  const int answer = run(c);
  if (answer < 0) discard(c, SIZE_MAX);
  const enum evnet_action action = close_if(c, answer == 1);
  model_data_done(c, action);
  return action;
}

static enum evnet_action on_half_close(struct evnet_conn *conn, void *user) {
  (void)user;
  struct record *c = record_of(conn);
  model_half_closed(c);
  const int answer = run(c);
  return close_if(c, answer == 1 || answer < 0);
}

static enum evnet_action on_pressure(struct evnet_conn *conn, void *user) {
  struct record *c = record_of(conn);
  model_enter(c, "on_pressure");
  CHECK((struct world *)user, !c->pressed && !c->close_asked && !c->abort_asked);
  c->pressed = true;
  return close_if(c, run(c) == 1);
}

static enum evnet_action on_drain(struct evnet_conn *conn, void *user) {
  struct record *c = record_of(conn);
  model_enter(c, "on_drain");
  CHECK((struct world *)user, c->pressed && !c->close_asked && !c->abort_asked);
  c->pressed = false;
  return close_if(c, run(c) == 1);
}

static enum evnet_action on_timeout(struct evnet_conn *conn, enum evnet_timeout which, void *user) {
  (void)user;
  struct record *c = record_of(conn);
  model_timeout(c, which);
  if (run(c) == 2) {
    c->kept_ns[which] = evnet_sim_now_ns(c->world->sim);
    return EVNET_KEEP;
  }
  c->timed_out[which] = true;
  model_ends(c);
  return EVNET_NONE;
}

static void on_prewrite(struct evnet_conn *conn, void *user) {
  struct record *c = record_of(conn);
  model_enter(c, "on_prewrite");
  CHECK((struct world *)user, !c->abort_asked);
  (void)run(c);
}

static enum evnet_action on_close(struct evnet_conn *conn, int reason, void *user) {
  (void)user;
  struct record *c = record_of(conn);
  model_closed(c, reason);
  c->takes_nothing = true;
  const int answer = run(c);
  c->closed = true;
  return answer == 1 ? EVNET_CLOSE : EVNET_NONE;
}

void handler_posted(void *user) {
  struct record *c = user;
  c->world->posted = false;
  if (c->conn == NULL || c->closed) return;
  if (run(c) >= 0) return;
  while (c->holds > 0) release(c);
  resume_reading(c);
  if (c->half_closed) close_conn(c);
}

struct evnet_handler handler_callbacks(const struct world *w) {
  struct evnet_handler handler = {
      .on_open = on_open,
      .on_data = on_data,
      .on_pressure = on_pressure,
      .on_drain = on_drain,
      .on_timeout = on_timeout,
      .on_close = on_close,
  };
  if (w->has_half_close) handler.on_half_close = on_half_close;
  if (w->has_prewrite) handler.on_prewrite = on_prewrite;
  return handler;
}
