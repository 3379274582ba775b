#include "net/server/internal/round.h"

#include <errno.h>
#include <stddef.h>

static struct evnet_reactor *reactor_at(const struct server_round *round, uint32_t index) {
  return __atomic_load_n(&round->server->reactors[index].reactor, __ATOMIC_ACQUIRE);
}

static void run_end(struct evnet_message *message, void *context) {
  struct server_round *round = (struct server_round *)message;
  round->end(round, context == reactor_at(round, 0));
}

static void run_visit(struct evnet_message *message, void *context);

// Posts the next step from a reactor's thread.
static void post_next(struct server_round *round, struct evnet_reactor *reactor) {
  // 0 bytes exempt the step from the mailbox's bound, so only a reactor that has ended refuses it.
  round->message.bytes = 0;
  round->message.run = run_visit;
  while (++round->position < round->server->reactor_count) {
    if (evnet_reactor_post_message(reactor_at(round, round->position), &round->message) == 0)
      return;
  }
  round->message.run = run_end;
  if (evnet_reactor_post_message(reactor_at(round, 0), &round->message) == 0) return;
  if (evnet_reactor_post_message(reactor, &round->message) == 0) return;
  // The reactor has sealed its mailbox and is running the last messages.
  run_end(&round->message, reactor);
}

static void run_visit(struct evnet_message *message, void *context) {
  struct server_round *round = (struct server_round *)message;
  if (round->visit(round, &round->server->reactors[round->position])) post_next(round, context);
}

int server_round_post(struct server_round *round) {
  // Before is_bound is set, reactors may not exist yet.
  if (!__atomic_load_n(&round->server->is_bound, __ATOMIC_ACQUIRE)) return -ENOTCONN;
  round->position = 0;
  round->message.run = run_visit;
  round->unlisten.done = server_round_go_on;
  return evnet_reactor_post_message(reactor_at(round, 0), &round->message);
}

void server_round_again(struct server_round *round) {
  round->position = 0;
  run_visit(&round->message, reactor_at(round, 0));
}

void server_round_go_on(struct evnet_unlisten *unlisten, struct evnet_reactor *reactor) {
  post_next((struct server_round *)((char *)unlisten - offsetof(struct server_round, unlisten)),
            reactor);
}

void server_round_skip(struct server_round *round) {
  round->position = round->server->reactor_count;
}
