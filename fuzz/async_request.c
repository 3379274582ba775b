// Requests by ID. The target posts a message before and after each request. The reactor runs them
// immediately before and after it, so the target knows the state that the request found, and the
// position of its bytes in the output.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/async.h"

static bool is_write(const struct request *r) { return r->kind <= ASK_SHARED; }

// The begin and the end of a request

static void run_nothing(struct evnet_message *message, void *reactor) {
  (void)message;
  (void)reactor;
}

static void begin(struct request *r) {
  struct world *w = r->world;
  CHECK(w, !r->began && r->id.reactor == w->current_reactor);
  CHECK(w, r->serial > w->last_began[r->id.reactor]);  // requests of one thread begin in order
  w->last_began[r->id.reactor] = r->serial;
  w->waiting--;
  r->began = true;
  // Posting fails only in the turn that seals the mailbox.
  r->probe.run = run_nothing;
  const int probe =
      evnet_reactor_post_message(evnet_server_reactor(w->server, r->id.reactor), &r->probe);
  r->gone = probe < 0 ? -ESHUTDOWN : -ESTALE;
  struct evnet_sim_udp_state state;
  if (r->is_socket) r->found = evnet_sim_udp_inspect(w->sim, w->udp_port, &state);
  struct record *c = r->record;
  if (c == NULL || c->closed || c->conn == NULL) return;
  r->found = true;
  r->was_open = model_is_open(c);
  r->queued = evnet_conn_outbound_bytes(c->conn);
  if (r->kind == ASK_RELEASE) c->holds--;
  if (r->kind == ASK_WAKE && r->was_open) {
    c->wakes++;
    c->wake_due = true;
  }
  if (r->kind == ASK_CLOSE && r->was_open) c->close_asked = true;
}

static void end_write(struct request *r) {
  struct world *w = r->world;
  struct record *c = r->record;
  const size_t queued = evnet_conn_outbound_bytes(c->conn);
  if (c->write_ended) {
    r->expected = -EPIPE;
  } else if (r->queued + r->size > w->options.outbound_bytes_max) {
    r->expected = -ENOBUFS;
    if (w->options.outbound_overflow == EVNET_OVERFLOW_CLOSE) {
      c->overflowed = true;
      return;
    }
  } else if (queued == r->queued + r->size) {
    r->has_taken = true;
    memcpy(c->outbound + c->out.written, r->bytes, r->size);
    c->out.written += r->size;
    r->end = c->out.written;
    return;
  } else {
    r->expected = -ENOMEM;
    CHECK(w, w->harness.failed);
  }
  CHECK(w, queued == r->queued);
}

static void end(struct request *r) {
  const struct world *w = r->world;
  CHECK(w, r->began && !r->ended);
  r->ended = true;
  struct record *c = r->record;
  if (c == NULL || c->closed || !r->was_open) return;
  if (is_write(r)) end_write(r);
  if (r->kind == ASK_CLOSE) c->takes_nothing = true;
}

static void run_marker(struct evnet_message *message, void *reactor) {
  (void)reactor;
  const struct marker *marker = (struct marker *)message;
  if (!marker->request->accepted) return;
  (marker->is_behind ? end : begin)(marker->request);
}

// The completion of a request

static void on_release(void *data, void *user) {
  struct request *r = user;
  CHECK(r->world, !r->released && !r->told && r->ended);
  CHECK(r->world, memcmp(data, r->bytes, r->size) == 0);
  r->released = true;
  free(data);
}

static bool is_write_legal(const struct request *r, int status) {
  const struct record *c = r->record;
  if (!r->has_taken) return status == r->expected || (status == 0 && r->size == 0);
  if (status != 0) return c->closed && status == c->reason;
  struct evnet_sim_state state;
  evnet_sim_inspect(c->peer, &state);
  return r->size == 0 || state.server_sent_bytes >= r->end;
}

static bool is_legal(const struct request *r, int status) {
  const struct world *w = r->world;
  const bool gone = status == r->gone;
  if (!r->found) return gone;
  if (r->is_socket) {
    if (r->kind != ASK_SEND_TO) return status == (is_write(r) ? -EDESTADDRREQ : -EOPNOTSUPP);
    if (r->sent || status == 0) return r->sent && status == 0;
    return status == -ENOBUFS || status == -EPERM || status == -ENETUNREACH ||
           status == -EHOSTUNREACH || (status == -ENOMEM && w->harness.failed) ||
           (status == -ESHUTDOWN && w->stop_asked);
  }
  if (r->kind == ASK_SEND_TO) return status == -EOPNOTSUPP || (gone && !r->was_open);
  if (!r->was_open) return gone;
  if (is_write(r)) return is_write_legal(r, status);
  return status == 0 || (r->kind == ASK_WAKE && status == -ENOMEM && w->harness.failed);
}

static void on_done(struct evnet_conn_id id, int status, void *user) {
  struct request *r = user;
  struct world *w = r->world;
  evnet_sim_note(w->sim, "done", r->kind, r->serial, status);
  CHECK(w, memcmp(&id, &r->id, sizeof id) == 0);
  CHECK(w, r->accepted && r->ended && !r->told);
  CHECK(w, r->id.reactor == w->current_reactor || w->ending);
  CHECK(w, r->kind != ASK_OWNED || r->released);
  CHECK(w, is_legal(r, status));
  r->told = true;
  if (r->record != NULL && r->record->conn != NULL && !r->record->closed)
    r->world->answered(r->record);
}

void request_watch(void *user, const struct evnet_sim_udp_news *news) {
  struct world *w = user;
  if (news->event != EVNET_SIM_UDP_TAKEN || w->ending) return;
  bool is_asked_for = false;
  for (uint32_t i = 0; i < w->request_count && !is_asked_for; i++) {
    struct request *r = &w->requests[i];
    const bool waits = r->kind == ASK_SEND_TO && r->is_socket && r->began && !r->told && !r->sent;
    if (!waits || r->size != news->size || memcmp(r->bytes, news->data, r->size) != 0) continue;
    r->sent = is_asked_for = true;
  }
  CHECK(w, is_asked_for);
}

// Making requests

static void aim(struct request *r) {
  struct world *w = r->world;
  if (w->record_count > 0) r->record = &w->records[w->aim % w->record_count];
  if (r->record != NULL) r->id = r->record->id;
  switch (w->aim_how) {
    case 1:
      r->id.generation++;
      break;
    case 2:
      r->id.reactor += REACTORS;
      break;
    case 3:
      memset(&r->id, 0, sizeof r->id);
      break;
    case 4:
      r->id = w->udp_id;
      r->is_socket = true;
      break;
    default:
      return;
  }
  r->record = NULL;
  // The next generation may be that of an existing connection.
  for (uint32_t i = 0; i < w->record_count; i++) {
    struct record *c = &w->records[i];
    if (c->conn != NULL && memcmp(&c->id, &r->id, sizeof r->id) == 0) r->record = c;
  }
  // The target's generation may also become valid before the request begins. To prevent that, use a
  // generation that no slot reaches.
  if (w->aim_how == 1 && r->record == NULL) r->id.generation += RECORDS;
}

static int call(struct request *r) {
  struct world *w = r->world;
  switch (r->kind) {
    case ASK_WRITE:
      return evnet_async_write(w->server, r->id, r->bytes, r->size, on_done, r);
    case ASK_WRITEV: {
      const size_t half = r->size / 2;
      const struct iovec pieces[] = {
          {.iov_base = (void *)(uintptr_t)r->bytes, .iov_len = half},
          {0},
          {.iov_base = (void *)(uintptr_t)(r->bytes + half), .iov_len = r->size - half}};
      return evnet_async_writev(w->server, r->id, pieces, 3, on_done, r);
    }
    case ASK_OWNED: {
      uint8_t *copy = malloc(r->size + 1);
      CHECK(w, copy != NULL);
      memcpy(copy, r->bytes, r->size);
      const int status =
          evnet_async_write_owned(w->server, r->id, copy, r->size, on_release, on_done, r);
      if (status < 0) free(copy);
      return status;
    }
    case ASK_SHARED:
      r->bytes = w->harness.noise;
      r->size = w->shared_size;
      return evnet_async_write_shared(w->server, r->id, w->shared, on_done, r);
    case ASK_SEND_TO:
      return evnet_async_send_to(w->server, r->id, evnet_sim_udp_address(w->udp_peer), r->bytes,
                                 r->size, on_done, r);
    case ASK_WAKE:
      return evnet_async_wake(w->server, r->id, on_done, r);
    case ASK_CLOSE:
      return evnet_async_close(w->server, r->id, on_done, r);
    case ASK_RELEASE:
      return evnet_async_release(w->server, r->id);
  }
  return -EINVAL;
}

static bool is_refusal_legal(const struct request *r, int status) {
  const struct world *w = r->world;
  const bool can_be = r->id.reactor < REACTORS && r->id.generation > 0;
  switch (status) {
    case 0:
      return can_be && !w->has_ended[r->id.reactor];
    case -ESTALE:
      return !can_be;
    case -ENOMEM:
      return w->harness.failed;
    case -ENOBUFS:
      return w->options.mailbox_bytes_max < 64 << 20 && r->kind != ASK_RELEASE;
    case -ESHUTDOWN:
      return can_be && (w->has_ended[r->id.reactor] || w->stop_asked);
    default:
      return false;
  }
}

static int post(struct request *r) {
  struct world *w = r->world;
  struct evnet_reactor *reactor = evnet_server_reactor(w->server, r->id.reactor);
  if (r->id.generation == 0) reactor = NULL;
  r->before = (struct marker){.message.run = run_marker, .request = r};
  r->behind = (struct marker){.message.run = run_marker, .request = r, .is_behind = true};
  const int before =
      reactor != NULL ? evnet_reactor_post_message(reactor, &r->before.message) : -ESTALE;
  const int status = call(r);
  evnet_sim_note(w->sim, "ask", r->kind, r->serial, status);
  CHECK(w, is_refusal_legal(r, status));
  r->accepted = status == 0;
  if (reactor != NULL) w->has_mail[r->id.reactor] = true;
  if (!r->accepted) return status;
  CHECK(w, before == 0 && evnet_reactor_post_message(reactor, &r->behind.message) == 0);
  w->waiting++;
  return 0;
}

static struct request *make(struct world *w, enum request_kind kind) {
  if (w->request_count == REQUESTS) return NULL;
  struct request *r = &w->requests[w->request_count++];
  *r = (struct request){.world = w, .kind = kind, .serial = w->request_count};
  return r;
}

void request_ask(struct world *w, size_t n) {
  const enum request_kind kind = (enum request_kind)(n % 8);
  // request_release releases holds.
  if (kind == ASK_RELEASE || w->waiting > WAITING_MAX) return;
  struct request *r = make(w, kind);
  if (r == NULL) return;
  r->size = n / 8;
  if (kind == ASK_SEND_TO && r->size < 16) r->size += 16;  // so that each datagram is unique
  r->bytes = generate(w, r->size);
  aim(r);
  const size_t size = kind == ASK_SHARED ? w->shared_size : r->size;
  if (r->record != NULL && r->record->out.written + size > STREAM_BYTES) {
    w->request_count--;
    return;
  }
  (void)post(r);
}

void request_release(struct record *c) {
  struct request *r = make(c->world, ASK_RELEASE);
  if (r == NULL) {
    c->holds--;
    evnet_conn_release(c->conn);
    return;
  }
  r->record = c;
  r->id = c->id;
  (void)post(r);
}

void request_end(const struct world *w) {
  for (uint32_t i = 0; i < w->request_count; i++) {
    const struct request *r = &w->requests[i];
    if (!r->accepted) continue;
    CHECK(w, r->ended);
    CHECK(w, r->told || r->kind == ASK_RELEASE);
    CHECK(w, r->released || r->kind != ASK_OWNED);
  }
}
