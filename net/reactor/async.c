// Requests of other threads: each finds its connection by id, or finds that it has gone, and is
// answered once, at a moment when the reactor does nothing else.
#include "net/reactor/async.h"

#include <errno.h>

#include "net/reactor/internal/datagram.h"
#include "net/reactor/internal/state.h"

void async_answer(struct evnet_async *async, int status) {
  struct evnet_reactor *reactor = async->reactor;
  async->status = status;
  async->next = NULL;
  if (reactor->answers_first == NULL) {
    reactor->answers_first = async;
  } else {
    reactor->answers_last->next = async;
  }
  reactor->answers_last = async;
}

void async_run_answers(struct evnet_reactor *reactor) {
  // Only those that stand here now: what they bring about may be answered at once, for ever.
  struct evnet_async *async = reactor->answers_first;
  reactor->answers_first = NULL;
  while (async != NULL) {
    struct evnet_async *next = async->next;
    async->finish(async, async->status);
    reactor_after_callback(reactor, NULL, EVNET_NONE);
    stats_lap(reactor);
    async = next;
  }
}

// The queue gives the bytes back.
static void returned(struct evnet_outbound_lent *lent, bool taken) {
  struct evnet_async *async =
      (struct evnet_async *)((char *)lent - offsetof(struct evnet_async, lent));
  async_answer(async, taken ? 0 : async->reactor->conns[async->id.index].reason);
}

static void send_to(struct evnet_async *async, struct evnet_conn *conn) {
  int status = -EOPNOTSUPP;
  if (conn->state == CONN_DATAGRAM) {
    status = datagram_send_async(conn, async->from, async->to, async);
  } else if (conn_is_datagram(conn)) {
    status = -EISCONN;
  }
  if (status < 0) async_answer(async, status);
}

static void write_to(struct evnet_async *async, struct evnet_conn *conn) {
  if (conn->state == CONN_DATAGRAM) {
    async_answer(async, -EDESTADDRREQ);
    return;
  }
  if (conn->state != CONN_OPEN) {
    async_answer(async, -ESTALE);
    return;
  }
  if (conn_is_datagram(conn)) {
    int status = datagram_send_async(conn, NULL, NULL, async);
    // on_prewrite, of what was written before, has closed it.
    if (status == -ENOTCONN) status = -ESTALE;
    if (status < 0) async_answer(async, status);
    return;
  }
  async->lent.done = returned;
  int status = outbound_lend(conn, &async->lent, async->data, async->size);
  if (status <= 0) async_answer(async, status);
}

static int act_on(struct evnet_conn *conn, enum evnet_async_act act) {
  switch (act) {
    case EVNET_ASYNC_WAKE:
      if (conn_is_datagram(conn)) return -EOPNOTSUPP;
      if (conn->state != CONN_OPEN) return -ESTALE;
      return inbound_wake(conn);
    case EVNET_ASYNC_RELEASE:
      if (conn->state == CONN_DIALLING) return -ENOTCONN;  // it has had no hold
      evnet_conn_release(conn);
      return 0;
    case EVNET_ASYNC_CLOSE:
      return conn_close_by_id(conn);
    case EVNET_ASYNC_WRITE:
    case EVNET_ASYNC_SEND_TO:
      break;
  }
  return -EINVAL;
}

// A write, or a wake, by the id of a dial under way waits until that has ended. Returns whether it
// was taken care of.
static bool wait_for_open(struct evnet_async *async, struct evnet_conn *conn) {
  const bool waits = async->act == EVNET_ASYNC_WRITE ||
                     (async->act == EVNET_ASYNC_WAKE && !conn_is_datagram(conn));
  if (conn->state != CONN_DIALLING || !waits) return false;
  if (conn->dial == NULL) {  // adopted, and connected long since
    adopt_open(conn);
    return false;
  }
  if (!dial_add_request(conn, async)) async_answer(async, -ENOBUFS);
  return true;
}

void async_carry_out(struct evnet_reactor *reactor, struct evnet_async *async) {
  struct evnet_conn *conn = conn_find(reactor, &async->id);
  if (conn != NULL && wait_for_open(async, conn)) return;
  if (conn == NULL) {
    async_answer(async, reactor->stop_phase == STOP_DONE ? -ESHUTDOWN : -ESTALE);
  } else if (async->act == EVNET_ASYNC_WRITE) {
    write_to(async, conn);
  } else if (async->act == EVNET_ASYNC_SEND_TO) {
    send_to(async, conn);
  } else {
    async_answer(async, act_on(conn, async->act));
  }
}

static void run(struct evnet_message *message, void *context) {
  struct evnet_async *async = (struct evnet_async *)message;
  async->reactor = context;
  async_carry_out(async->reactor, async);
}

int evnet_reactor_async(struct evnet_reactor *reactor, struct evnet_async *async) {
  async->message.run = run;
  return evnet_reactor_post_message(reactor, &async->message);
}
