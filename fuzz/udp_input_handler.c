// The handler: each callback and each posted function takes steps from the input until EXIT.
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/udp_input.h"

enum { STEPS_PER_CALLBACK = 12, PIECES = 7 };

struct evnet_address group_of(const struct socket *s) {
  struct evnet_address address;
  CHECK(s->world, evnet_address_parse("udp4://239.1.2.3:1", &address, NULL, 0) == 0);
  address.socket.ip4.sin_port = htons(s->port);
  return address;
}

// Writing

// Returns the bytes for a datagram, which differ from those of the previous one.
static const uint8_t *generate(struct world *w, size_t size) {
  const uint8_t *bytes = w->harness.noise + w->generated % NOISE_BYTES;
  w->generated += size + 1;
  return bytes;
}

// to: NULL: the sender of the presented datagram. count: of pieces; 0: calls evnet_conn_write.
static void write_to(struct socket *s, const struct evnet_address *to, const uint8_t *bytes,
                     size_t size, size_t count) {
  struct world *w = s->world;
  if (s->pending_count == PENDING_MAX) return;
  const size_t queued = evnet_conn_outbound_bytes(s->conn);
  const uint32_t id = model_write(s, to, bytes, size);
  w->writes++;
  ssize_t result;
  if (to != NULL) {
    result = evnet_conn_send_to(s->conn, to, bytes, size);
  } else if (count == 0) {
    result = evnet_conn_write(s->conn, bytes, size);
  } else {
    struct iovec pieces[PIECES] = {0};
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
      // Every third piece is empty, and the last one has the remaining bytes.
      const size_t part = i + 1 == count ? size - at : i % 3 == 1 ? 0 : (size - at) / 2;
      pieces[i] = (struct iovec){.iov_base = (void *)(uintptr_t)(bytes + at), .iov_len = part};
      at += part;
    }
    result = evnet_conn_writev(s->conn, pieces, count);
  }
  w->writes--;
  model_wrote(s, id, size, queued, result);
}

static void reply(struct socket *s, size_t size, size_t count) {
  write_to(s, NULL, generate(s->world, size), size, count);
}

static void echo(struct socket *s) {
  const struct evnet_bytes all = evnet_conn_peek(s->conn);
  write_to(s, NULL, all.data != NULL ? all.data : (const uint8_t *)"", all.size, 0);
}

static void send_to(struct socket *s, bool to_second, size_t size) {
  const struct world *w = s->world;
  const struct evnet_address to = *evnet_sim_udp_address(w->peers[to_second]);
  write_to(s, &to, generate(s->world, size), size, 0);
}

static void send_nowhere(struct socket *s, size_t n) {
  struct evnet_address to = *evnet_sim_udp_address(s->world->peers[0]);
  switch (n % 4) {
    case 0:
      to.socket.ip4.sin_port = htons(9);
      break;
    case 1:
      to.socket.ip4.sin_port = 0;
      break;
    case 2:
      to = group_of(s);
      break;
    default:
      CHECK(s->world, evnet_address_parse("udp6://[::1]:9", &to, NULL, 0) == 0);
  }
  write_to(s, &to, generate(s->world, n % 700), n % 700, 0);
}

// Settings

static void join(struct socket *s, bool joins, size_t n) {
  struct evnet_address group = group_of(s);
  const char *interface = NULL;
  int expected = 0;
  if (n % 4 == 1) {
    interface = "none";
    expected = -ENODEV;
  } else if (n % 4 == 2) {
    group.socket.ip4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    expected = -EINVAL;
  } else if (n % 4 == 3) {
    CHECK(s->world, evnet_address_parse("udp6://[ff02::1]:1", &group, NULL, 0) == 0);
    expected = -EAFNOSUPPORT;
  } else if (joins == s->is_member) {
    expected = joins ? -EADDRINUSE : -EADDRNOTAVAIL;
  }
  const int status = joins ? evnet_conn_join_group(s->conn, &group, interface)
                           : evnet_conn_leave_group(s->conn, &group, interface);
  CHECK(s->world, status == expected);
  if (status == 0) s->is_member = joins;
}

static void loop(struct socket *s, size_t n) {
  if (n % 4 < 2) {
    CHECK(s->world, evnet_conn_set_multicast_loop(s->conn, n % 2) == 0);
  } else {
    CHECK(s->world, evnet_conn_set_multicast_hops(s->conn, (int)n) == (n <= 255 ? 0 : -EINVAL));
  }
}

static void without(struct socket *s) {
  const struct world *w = s->world;
  CHECK(w, evnet_conn_shutdown_write(s->conn) == -EOPNOTSUPP);
  CHECK(w, evnet_conn_set_timeout(s->conn, EVNET_TIMEOUT_IDLE, 1) == -EOPNOTSUPP);
  CHECK(w, evnet_conn_set_linger(s->conn, 1) == -EOPNOTSUPP);
  CHECK(w, evnet_conn_set_water_marks(s->conn, 10, 5) == -EOPNOTSUPP);
  CHECK(w, evnet_conn_set_high_action(s->conn, EVNET_HIGH_CLOSE) == -EOPNOTSUPP);
  evnet_conn_close(s->conn);
  evnet_conn_abort(s->conn);
  CHECK(w, model_is_alive(s));
}

// Steps

static void read_some(struct socket *s, const struct step *step) {
  const struct world *w = s->world;
  const size_t unread = evnet_conn_inbound_bytes(s->conn);
  CHECK(w, unread == 0 || s->presenting);
  if (step->what == PEEK) {
    CHECK(w, evnet_conn_peek(s->conn).size == unread);
    return;
  }
  static uint8_t out[STEP_BYTES_MAX];
  const size_t expected = step->n < unread ? step->n : unread;
  const size_t got = step->what == TAKE ? evnet_conn_read(s->conn, out, step->n)
                                        : evnet_conn_discard(s->conn, step->n);
  CHECK(w, got == expected);
  CHECK(w, evnet_conn_inbound_bytes(s->conn) == unread - got);
}

static void act(struct socket *s, const struct step *step) {
  switch (step->what) {
    case PEEK:
    case TAKE:
    case DISCARD:
      read_some(s, step);
      break;
    case REPLY:
      reply(s, step->n % 1024, 0);
      break;
    case REPLY_LARGE:
      reply(s, step->n, 0);
      break;
    case REPLY_PIECES:
      reply(s, step->n, PIECES);
      break;
    case ECHO:
      echo(s);
      break;
    case SEND_TO:
      send_to(s, step->n % 2, step->n % 2048);
      break;
    case SEND_NOWHERE:
      send_nowhere(s, step->n);
      break;
    case FLUSH:
      CHECK(s->world, evnet_conn_flush(s->conn) == (ssize_t)evnet_conn_outbound_bytes(s->conn));
      break;
    case PAUSE:
      s->paused = true;
      evnet_conn_pause_reading(s->conn);
      break;
    case RESUME:
      s->paused = false;
      evnet_conn_resume_reading(s->conn);
      break;
    case JOIN:
      join(s, true, step->n);
      break;
    case LEAVE:
      join(s, false, step->n);
      break;
    case LOOP:
      loop(s, step->n);
      break;
    case WITHOUT:
      without(s);
      break;
  }
}

// Takes steps. Returns the n of EXIT; -1 at the end of the input.
static int run(struct socket *s) {
  struct world *w = s->world;
  w->depth++;
  int answer = 0;
  for (int i = 0; i < STEPS_PER_CALLBACK; i++) {
    struct step step;
    answer = harness_step(&w->harness, &step) ? (int)step.n : -1;
    if (answer < 0 || step.what < PEEK || step.what > WITHOUT) break;
    struct socket *on = step.other ? &w->sockets[s == &w->sockets[0]] : s;
    if (model_is_alive(on)) act(on, &step);
    answer = 0;
  }
  w->depth--;
  return answer;
}

static struct socket *socket_of(struct world *w, const struct evnet_conn *conn) {
  struct socket *s = &w->sockets[conn == w->sockets[1].conn];
  CHECK(w, s->conn == conn);
  return s;
}

static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  struct socket *s = socket_of(user, conn);
  model_presented(s);
  s->presenting = true;
  const int answer = run(s);
  s->presenting = false;
  return answer == 1 ? EVNET_CLOSE : EVNET_NONE;
}

static void on_prewrite(struct evnet_conn *conn, void *user) {
  struct world *w = user;
  struct socket *s = socket_of(w, conn);
  model_announced(s);
  w->prewrites++;
  (void)run(s);
  w->prewrites--;
  model_announced(s);
}

static enum evnet_action on_close(struct evnet_conn *conn, int reason, void *user) {
  (void)conn;
  CHECK((struct world *)user, reason != reason);  // must not be called for a UDP socket
  return EVNET_NONE;
}

static enum evnet_action on_open(struct evnet_conn *conn, void *user) {
  return on_close(conn, 0, user);
}

void handler_posted(void *user) {
  struct world *w = user;
  w->posted = false;
  if (w->ending || run(&w->sockets[0]) >= 0) return;
  for (int i = 0; i < SOCKETS; i++) {
    struct socket *s = &w->sockets[i];
    if (!model_is_alive(s)) continue;
    s->paused = false;
    evnet_conn_resume_reading(s->conn);
  }
}

struct evnet_handler handler_callbacks(const struct world *w) {
  struct evnet_handler handler = {.on_open = on_open, .on_data = on_data, .on_close = on_close};
  if (w->has_prewrite) handler.on_prewrite = on_prewrite;
  return handler;
}
