// The handler: each callback and each completion takes steps from the input until EXIT.
#include <stdlib.h>

#include "fuzz/async.h"

enum { STEPS_PER_CALLBACK = 8, DEPTH_MAX = 4 };

static void take(struct record *c, size_t n) {
  const struct world *w = c->world;
  static uint8_t out[STEP_BYTES_MAX];
  const size_t taken = evnet_conn_read(c->conn, out, n);
  CHECK(w, taken <= c->sent - c->consumed);
  for (size_t i = 0; i < taken; i++) CHECK(w, out[i] == c->inbound[c->consumed + i]);
  c->consumed += taken;
}

static void write_some(struct record *c, size_t size) {
  if (c->out.written + size > STREAM_BYTES) return;
  const uint8_t *bytes = generate(c->world, size);
  const size_t queued = evnet_conn_outbound_bytes(c->conn);
  model_wrote(c, bytes, size, queued, evnet_conn_write(c->conn, bytes, size));
}

static void hold(struct record *c) {
  if (!model_is_open(c) || c->holds > 8) return;
  evnet_conn_hold(c->conn);
  c->holds++;
  request_release(c);
}

static void act(struct record *c, const struct step *step) {
  switch (step->what) {
    case TAKE:
      take(c, step->n);
      break;
    case WRITE:
      write_some(c, step->n % 1024);
      break;
    case WRITE_LARGE:
      write_some(c, step->n);
      break;
    case HOLD:
      hold(c);
      break;
    case PAUSE:
      c->paused = true;
      evnet_conn_pause_reading(c->conn);
      break;
    case RESUME:
      c->paused = false;
      evnet_conn_resume_reading(c->conn);
      break;
    case SHUTDOWN_WRITE:
      if (evnet_conn_shutdown_write(c->conn) == 0) c->write_ended = true;
      break;
    case ASK:
      request_ask(c->world, step->n);
      break;
    case AIM:
      c->world->aim = (uint32_t)step->n % 64;
      c->world->aim_how = (uint32_t)step->n / 64 % 8;
      break;
    case CLOSE:
      c->close_asked = true;
      evnet_conn_close(c->conn);
      c->takes_nothing = true;
      break;
    case ABORT:
      c->abort_asked = true;
      evnet_conn_abort(c->conn);
      c->takes_nothing = true;
      break;
  }
}

// Returns the n of EXIT; -1 at the end of the input.
static int run(struct record *c) {
  struct world *w = c->world;
  if (w->depth == DEPTH_MAX) return 0;
  w->depth++;
  int answer = 0;
  for (int i = 0; i < STEPS_PER_CALLBACK; i++) {
    struct step step;
    answer = harness_step(&w->harness, &step) ? (int)step.n : -1;
    if (answer < 0 || step.what == EXIT || step.what > ABORT) break;
    act(c, &step);
    answer = 0;
  }
  w->depth--;
  return answer;
}

void handler_run(struct record *c) { (void)run(c); }

static enum evnet_action close_if(struct record *c, bool closes) {
  if (!closes) return EVNET_NONE;
  c->close_asked = true;
  return EVNET_CLOSE;
}

static struct record *record_of(const struct evnet_conn *conn) { return evnet_conn_user(conn); }

static enum evnet_action on_open(struct evnet_conn *conn, void *user) {
  struct world *w = user;
  struct evnet_address address;
  evnet_conn_remote_address(conn, &address);
  struct record *c = NULL;
  for (uint32_t i = 0; i < w->record_count; i++) {
    if (evnet_sim_port(w->records[i].peer) == evnet_address_port(&address)) c = &w->records[i];
  }
  CHECK(w, c != NULL && c->conn == NULL);
  c->conn = conn;
  c->id = evnet_conn_get_id(conn);
  evnet_conn_set_user(conn, c);
  model_enter(c, "on_open");
  return close_if(c, run(c) == 1);
}

static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  struct world *w = user;
  struct record *c = record_of(conn);
  if (c == NULL) {
    // This is the UDP socket.
    struct evnet_conn_id id = evnet_conn_get_id(conn);
    CHECK(w, id.index == w->udp_id.index && id.reactor == w->udp_id.reactor);
    return EVNET_NONE;
  }
  model_enter(c, "on_data");
  CHECK(w, !c->close_asked && !c->abort_asked && !c->paused);
  CHECK(w, evnet_conn_inbound_bytes(conn) > 0 || c->wakes-- > 0);
  c->wake_due = false;
  const int answer = run(c);
  if (answer < 0) take(c, STEP_BYTES_MAX);
  return close_if(c, answer == 1);
}

static enum evnet_action on_half_close(struct evnet_conn *conn, void *user) {
  struct record *c = record_of(conn);
  model_enter(c, "on_half_close");
  CHECK((struct world *)user, !c->half_closed && !c->close_asked && !c->abort_asked);
  c->half_closed = true;
  const int answer = run(c);
  return close_if(c, answer == 1 || answer < 0);
}

static enum evnet_action on_close(struct evnet_conn *conn, int reason, void *user) {
  (void)user;
  struct record *c = record_of(conn);
  model_closed(c, reason);
  c->takes_nothing = true;
  c->closed = true;
  return EVNET_NONE;
}

struct evnet_handler handler_callbacks(void) {
  return (struct evnet_handler){
      .on_open = on_open, .on_data = on_data, .on_half_close = on_half_close, .on_close = on_close};
}
