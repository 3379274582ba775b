// Messages that other threads have posted, run on the reactor's thread. Each turn runs some of
// them, and the end of the reactor runs the rest.
#include "net/reactor/internal/inbox.h"

#include "net/reactor/internal/async.h"
#include "net/reactor/internal/callback.h"
#include "net/reactor/internal/clock.h"
#include "net/reactor/internal/post.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/resolver.h"
#include "net/reactor/internal/unlisten.h"
#include "net/reactor/internal/watch.h"
#include "net/reactor/mailbox.h"

// Messages must not starve sockets, so a turn runs at most this many of them.
enum { MESSAGES_PER_TURN = 1024 };

static void run_message(struct evnet_reactor *reactor, struct evnet_message *message) {
  size_t bytes = message->bytes;
  message->run(message, reactor);
  callback_returned(reactor, NULL, EVNET_NONE);
  counter_add(&reactor->stats.messages, 1);
  clock_lap(reactor);
  evnet_mailbox_release(&reactor->posted.mailbox, bytes);
}

void inbox_run(struct evnet_reactor *reactor) {
  if (reactor->posted.inbox == NULL)
    reactor->posted.inbox = evnet_mailbox_take(&reactor->posted.mailbox);
  if (reactor->posted.inbox == NULL) return;
  reactor->active = true;
  clock_begin_lap(reactor);  // timeouts that messages start count from now
  for (int count = MESSAGES_PER_TURN; count > 0 && reactor->posted.inbox != NULL; count--) {
    struct evnet_message *message = reactor->posted.inbox;
    reactor->posted.inbox = message->next;
    run_message(reactor, message);
  }
}

void inbox_end(struct evnet_reactor *reactor) {
  resolver_end(reactor);
  unlisten_end(reactor);
  watch_end_all(reactor);
  struct evnet_message *rest = evnet_mailbox_seal(&reactor->posted.mailbox);
  while (reactor->posted.inbox != NULL || rest != NULL) {
    if (reactor->posted.inbox == NULL) {
      reactor->posted.inbox = rest;
      rest = NULL;
    }
    struct evnet_message *message = reactor->posted.inbox;
    reactor->posted.inbox = message->next;
    run_message(reactor, message);
  }
  while (reactor->posted.later != NULL) {
    post_run_later(reactor);
    callback_returned(reactor, NULL, EVNET_NONE);
  }
  while (reactor->due.answers_first != NULL) async_run_answers(reactor);
}
