// Work for the end of the turn: the due list, of connections to check, and the list of requests to
// answer. This file only adds to the lists. lifecycle.c runs the due list, and async.c the
// requests.
#include "net/reactor/internal/due.h"

#include "net/reactor/async.h"
#include "net/reactor/internal/reactor.h"

// Connections

void due_add(struct evnet_conn *conn, uint16_t due) {
  conn->flags |= due;
  if (conn->flags & LISTED) return;
  conn->flags |= LISTED;
  struct evnet_reactor *reactor = conn->reactor;
  uint32_t index = conn_handle(conn).index;
  conn->due_next = NONE;
  if (reactor->due.first == NONE) {
    reactor->due.first = index;
  } else {
    // The mask keeps the value, because an index has 24 bits.
    reactor->table.conns[reactor->due.last].due_next = index & NONE;
  }
  reactor->due.last = index;
}

void due_check_stopping(struct evnet_conn *conn) {
  if (due_is_stopping(conn)) due_add(conn, 0);
}

// Completed requests

void due_answer(struct evnet_async *async, int status) {
  struct evnet_reactor *reactor = async->reactor;
  async->status = status;
  async->next = NULL;
  if (reactor->due.answers_first == NULL) {
    reactor->due.answers_first = async;
  } else {
    reactor->due.answers_last->next = async;
  }
  reactor->due.answers_last = async;
}
