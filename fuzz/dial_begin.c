// Begins dials, for steps of the world and for callbacks.
#include <errno.h>
#include <stdio.h>

#include "fuzz/dial.h"

struct world dial_world;

struct conn *conn_new(struct world *w) {
  CHECK(w->conns_used < CONNS_MAX);
  struct conn *c = &w->conns[w->conns_used++];
  *c = (struct conn){.world = w, .state = BEGUN};
  return c;
}

bool is_refusal(const struct world *w, int status) {
  switch (status) {
    case -ENOMEM:
      return w->harness.failed;
    case -ENOBUFS:
      return w->connections_max > 0;
    case -ESHUTDOWN:
      return w->stopping;
    default:
      return false;
  }
}

enum { ADDRESS_BYTES = EVNET_ADDRESS_TEXT_BYTES + 8 };

// Writes an address. which: 0: of the listener; 1: one without a listener; 2, 3: invalid ports.
static void dial_text(const struct world *w, size_t which, char text[ADDRESS_BYTES]) {
  static const char *const bad[] = {"tcp://127.0.0.1:65536", "tcp://127.0.0.1:0"};
  if (which >= 2) {
    (void)snprintf(text, ADDRESS_BYTES, "%s", bad[which - 2]);
  } else if (w->sim != NULL) {
    (void)snprintf(text, ADDRESS_BYTES, "tcp://127.0.0.1:%u", which == 0 ? w->port : 9u);
  } else {
    (void)snprintf(text, ADDRESS_BYTES, "%s%s", w->listener_text, which == 0 ? "" : "-nobody");
  }
}

void begin_dial(struct world *w, size_t n) {
  if (w->conns_used == CONNS_MAX) return;
  char text[ADDRESS_BYTES];
  dial_text(w, n % 4, text);
  struct conn *c = conn_new(w);
  c->dialled = true;
  c->nobody = n % 4 == 1;
  const struct evnet_dial_options options = {
      .conn_user = c,
      .timeout_ms = n / 4 == 0 ? EVNET_OFF : (int64_t)(n / 4),
      .source = w->options & 1 && w->sim != NULL ? "127.0.0.7:0" : NULL,
      .no_nodelay = w->options & 2,
      .send_buffer_bytes = w->options & 4 ? 4096 : 0,
  };
  const int status = evnet_dial(w->reactor, text, &options, &c->id);
  if (status == 0) {
    CHECK(n % 4 < 2);
    CHECK(c->state == BEGUN);  // evnet_dial calls no callback itself
    return;
  }
  CHECK(n % 4 >= 2 ? status == EVNET_STATUS_ADDRESS || is_refusal(w, status)
                   : is_refusal(w, status));
  c->state = CLOSED;
}
