// Holds with the memory for their release: a request of another thread, made in advance.
#include "net/reactor/hold.h"

#include <errno.h>

#include "net/reactor/async.h"
#include "net/reactor/internal/reactor.h"

struct evnet_hold {
  struct evnet_async async;  // first member: finish casts a pointer to it
  const struct evnet_allocator *allocator;
};

static void finish(struct evnet_async *async, int status) {
  (void)status;  // if the connection has closed, so has its hold
  evnet_release(((struct evnet_hold *)async)->allocator, async);
}

int evnet_hold_take(struct evnet_conn *conn, struct evnet_hold **out_hold) {
  struct evnet_reactor *reactor = conn->reactor;
  const struct evnet_allocator *allocator = reactor->options.allocator;
  struct evnet_hold *hold = evnet_allocate(allocator, sizeof *hold);
  if (hold == NULL) return -ENOMEM;
  const int status = evnet_conn_hold(conn);
  if (status < 0) {
    evnet_release(allocator, hold);
    return status;
  }
  // 0 bytes exempt the release from the mailbox's bound.
  *hold = (struct evnet_hold){.async = {.id = evnet_conn_get_id(conn),
                                        .act = EVNET_ASYNC_RELEASE,
                                        .reactor = reactor,
                                        .finish = finish},
                              .allocator = allocator};
  *out_hold = hold;
  return 0;
}

struct evnet_conn_id evnet_hold_id(const struct evnet_hold *hold) {
  return hold->async.id;
}

void evnet_hold_release(struct evnet_hold *hold) {
  if (hold == NULL) return;
  // The post fails only if the reactor has ended, and then the connection has closed.
  if (evnet_reactor_async(hold->async.reactor, &hold->async) < 0)
    evnet_release(hold->allocator, hold);
}
