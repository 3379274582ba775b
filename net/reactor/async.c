// Requests of other threads. The reactor looks up the connection of a request by its id, and calls
// `finish` once for each request, when no other user code is running.
#include "net/reactor/async.h"

#include <errno.h>
#include <stddef.h>

#include "net/reactor/conn.h"
#include "net/reactor/internal/async.h"
#include "net/reactor/internal/callback.h"
#include "net/reactor/internal/clock.h"
#include "net/reactor/internal/close.h"
#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/datagram_write.h"
#include "net/reactor/internal/dial_record.h"
#include "net/reactor/internal/due.h"
#include "net/reactor/internal/end.h"
#include "net/reactor/internal/inbound.h"
#include "net/reactor/internal/open.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/table.h"
#include "net/reactor/internal/unlisten.h"
#include "net/reactor/internal/write.h"
#include "net/reactor/owner.h"

void async_run_answers(struct evnet_reactor *reactor) {
  // Take only the requests that are on the list now, because `finish` may add others that are also
  // answered immediately. Those run in the next turn, so this loop ends.
  struct evnet_async *async = reactor->due.answers_first;
  reactor->due.answers_first = NULL;
  while (async != NULL) {
    struct evnet_async *next = async->next;
    async->finish(async, async->status);
    callback_returned(reactor, NULL, EVNET_NONE);
    clock_lap(reactor);
    async = next;
  }
}

// Carrying out

// The queue returns the lent bytes.
static void returned(struct evnet_outbound_lent *lent, bool taken) {
  struct evnet_async *async =
      (struct evnet_async *)((char *)lent - offsetof(struct evnet_async, lent));
  due_answer(async, taken ? 0 : async->reactor->table.conns[async->id.index].reason);
}

static void send_to(struct evnet_async *async, struct evnet_conn *conn) {
  int status = -EOPNOTSUPP;
  if (conn->state == CONN_DATAGRAM) {
    status = datagram_send_async(conn, async->from, async->to, async);
  } else if (conn_is_datagram(conn)) {
    status = -EISCONN;
  }
  if (status < 0) due_answer(async, status);
}

static void write_to(struct evnet_async *async, struct evnet_conn *conn) {
  if (conn->state == CONN_DATAGRAM) {
    due_answer(async, -EDESTADDRREQ);
    return;
  }
  if (conn->state != CONN_OPEN) {
    due_answer(async, -ESTALE);
    return;
  }
  if (conn_is_datagram(conn)) {
    int status = datagram_send_async(conn, NULL, NULL, async);
    // on_prewrite, called for earlier datagrams, closed the connection.
    if (status == -ENOTCONN) status = -ESTALE;
    if (status < 0) due_answer(async, status);
    return;
  }
  async->lent.done = returned;
  int status = write_lent(conn, &async->lent, async->data, async->size);
  if (status <= 0) due_answer(async, status);
}

static int act_on(struct evnet_conn *conn, enum evnet_async_act act) {
  switch (act) {
    case EVNET_ASYNC_WAKE:
      if (conn_is_datagram(conn)) return -EOPNOTSUPP;
      if (conn->state != CONN_OPEN) return -ESTALE;
      return inbound_wake(conn);
    case EVNET_ASYNC_RELEASE:
      if (conn->state == CONN_DIALLING) return -ENOTCONN;  // it cannot have a hold yet
      evnet_conn_release(conn);
      return 0;
    case EVNET_ASYNC_RESUME:
      if (conn->state == CONN_DIALLING) return -ENOTCONN;  // it cannot be paused yet
      if (conn->state != CONN_OPEN && conn->state != CONN_DATAGRAM) return -ESTALE;
      evnet_conn_resume_reading(conn);
      return 0;
    case EVNET_ASYNC_CLOSE:
      return close_by_id(conn);
    case EVNET_ASYNC_ABORT:
      return abort_by_id(conn);
    case EVNET_ASYNC_WRITE:
    case EVNET_ASYNC_SEND_TO:
      break;
  }
  return -EINVAL;
}

// Requests

// Refuses a request that would exceed the bound on output.
static void refuse_request(struct evnet_async *async, struct evnet_conn *conn) {
  const bool closes = conn->reactor->options.outbound_overflow == EVNET_OVERFLOW_CLOSE;
  if (closes && !conn_is_datagram(conn)) end_conn(conn, EVNET_REASON_OUTBOUND_OVERFLOW);
  due_answer(async, -ENOBUFS);
}

// Keeps a write or a wake for a connection that is still being dialled until the dial ends. Returns
// whether the request is taken care of.
static bool wait_for_open(struct evnet_async *async, struct evnet_conn *conn) {
  const bool waits = async->act == EVNET_ASYNC_WRITE ||
                     (async->act == EVNET_ASYNC_WAKE && !conn_is_datagram(conn));
  if (conn->state != CONN_DIALLING || !waits) return false;
  if (conn->adopted) {  // connected already
    open_adopted(conn);
    return false;
  }
  if (!dial_add_request(conn, async)) refuse_request(async, conn);
  return true;
}

void async_carry_out(struct evnet_reactor *reactor, struct evnet_async *async) {
  struct evnet_conn *conn = table_find(reactor, &async->id);
  if (conn != NULL && wait_for_open(async, conn)) return;
  const bool ends = async->act == EVNET_ASYNC_CLOSE || async->act == EVNET_ASYNC_ABORT;
  const bool may_be_adopted = conn == NULL || conn->state == CONN_DATAGRAM;
  if (ends && may_be_adopted && unlisten_by_id(reactor, &async->id)) {
    due_answer(async, 0);
  } else if (conn == NULL) {
    due_answer(async, reactor->stop.phase == STOP_DONE ? -ESHUTDOWN : -ESTALE);
  } else if (async->act == EVNET_ASYNC_WRITE) {
    write_to(async, conn);
  } else if (async->act == EVNET_ASYNC_SEND_TO) {
    send_to(async, conn);
  } else {
    due_answer(async, act_on(conn, async->act));
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
