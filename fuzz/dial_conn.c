// The callbacks: the steps that they take from the input, and the rules that hold in each.
#include <errno.h>
#include <string.h>

#include "fuzz/dial.h"

enum { BLOCK_BYTES = 4096 };

// Returns the record of a connection, which must not have had its on_close.
static struct conn *conn_of(struct evnet_conn *conn, void *user) {
  struct conn *c = evnet_conn_user(conn);
  CHECK(c->world == user && (c->state == OPEN || c->state == ENDING));
  const struct evnet_conn_id id = evnet_conn_get_id(conn);
  CHECK(memcmp(&id, &c->id, sizeof id) == 0);
  return c;
}

static void write_bytes(struct conn *c, struct evnet_conn *conn, size_t size) {
  uint8_t block[BLOCK_BYTES];
  for (size_t i = 0; i < size; i++) {
    const size_t offset = c->written + i;
    block[i] = offset == 0 ? (uint8_t)(c - c->world->conns) : byte_at(offset);
  }
  const int64_t status = evnet_conn_write(conn, block, size);
  if (status >= 0) {
    CHECK(status == (int64_t)size);
    c->written += size;
  } else {
    CHECK(status == -ENOTCONN || status == -EPIPE || status == -ENOBUFS ||
          (status == -ENOMEM && c->world->harness.failed) || status == -ECONNRESET);
  }
}

static void take_unread(struct conn *c, struct evnet_conn *conn, bool echo) {
  const struct evnet_bytes bytes = evnet_conn_peek(conn);
  for (size_t i = 0; i < bytes.size; i++) CHECK(bytes.data[i] == byte_at(c->received + i));
  c->received += bytes.size;
  evnet_conn_discard(conn, bytes.size);
  for (size_t left = echo ? bytes.size : 0; left > 0 && c->state == OPEN;) {
    const size_t part = left < BLOCK_BYTES ? left : BLOCK_BYTES;
    write_bytes(c, conn, part);
    left -= part;
  }
}

// Takes one step of the input, if there is one.
static enum evnet_action act(struct conn *c, struct evnet_conn *conn) {
  struct step step;
  if (!harness_step(&c->world->harness, &step)) return EVNET_NONE;
  switch (step_number(&step, HANDLER_STEPS)) {
    case ECHO:
      take_unread(c, conn, true);
      break;
    case WRITE:
      write_bytes(c, conn, step.n % BLOCK_BYTES + 1);
      break;
    case LEAVE:
      c->state = ENDING;
      return EVNET_CLOSE;
    case CLOSE:
      c->state = ENDING;
      evnet_conn_close(conn);
      break;
    case ABORT:
      c->state = ENDING;
      evnet_conn_abort(conn);
      break;
    case DIAL_MORE:
      begin_dial(c->world, step.n);
      break;
    default:
      break;
  }
  return EVNET_NONE;
}

static enum evnet_action on_open(struct evnet_conn *conn, void *user) {
  struct conn *c = evnet_conn_user(conn);
  CHECK(c->world == user && c->state == BEGUN && !c->nobody && !c->cancelled);
  c->state = OPEN;
  c->id = evnet_conn_get_id(conn);
  write_bytes(c, conn, 1);
  return act(c, conn);
}

static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  struct conn *c = conn_of(conn, user);
  CHECK(c->state == OPEN);
  const enum evnet_action action = act(c, conn);
  if (c->state == OPEN) take_unread(c, conn, false);
  return action;
}

static enum evnet_action on_half_close(struct evnet_conn *conn, void *user) {
  struct conn *c = conn_of(conn, user);
  CHECK(c->state == OPEN);
  c->state = ENDING;
  return EVNET_CLOSE;
}

static bool is_failure_of_a_dial(const struct conn *c, int reason) {
  const struct world *w = c->world;
  return (c->nobody && reason == -ECONNREFUSED) || (c->cancelled && reason == -ECANCELED) ||
         (w->sim != NULL && (reason == -ECONNREFUSED || reason == -EADDRNOTAVAIL ||
                             reason == -ETIMEDOUT || reason == -ECONNRESET)) ||
         reason == -ETIMEDOUT || (w->stopping && reason < 0) || (w->ending && reason < 0) ||
         (w->harness.failed && reason == -ENOMEM) || reason == -EAGAIN;
}

static enum evnet_action on_close(struct evnet_conn *conn, int reason, void *user) {
  struct conn *c = evnet_conn_user(conn);
  CHECK(c->world == user && c->state != UNUSED && c->state != CLOSED);
  CHECK(reason < 0);
  if (c->state == BEGUN) CHECK(!c->dialled || is_failure_of_a_dial(c, reason));
  c->state = CLOSED;
  struct step step;
  if (!c->world->ending && harness_step(&c->world->harness, &step) &&
      step_number(&step, HANDLER_STEPS) == DIAL_MORE)
    begin_dial(c->world, step.n);
  return EVNET_NONE;
}

struct evnet_handler conn_handler(void) {
  return (struct evnet_handler){
      .on_open = on_open, .on_data = on_data, .on_half_close = on_half_close, .on_close = on_close};
}
