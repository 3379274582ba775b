// Work for the end of the turn: connections to look at, and requests of other threads to answer.
// lifecycle.c and async.c do the work.
#ifndef EVNET_NET_REACTOR_INTERNAL_DUE_H_
#define EVNET_NET_REACTOR_INTERNAL_DUE_H_

#include <stdint.h>

#include "net/reactor/internal/conn.h"

struct evnet_async;

struct due {
  uint32_t first;                     // an index of a connection; NONE: the list is empty
  uint32_t last;                      // undefined while the list is empty
  struct evnet_async *answers_first;  // requests to be answered, in this order
  struct evnet_async *answers_last;
};

// due_add puts a connection on the due list, unless it is there, and sets flags.
//
//   flags  DUE_ bits, or 0: the connection is only to be looked at.
void due_add(struct evnet_conn *conn, uint16_t flags);

// due_is_stopping returns whether a connection is open and has had on_stopping.
static inline bool due_is_stopping(const struct evnet_conn *conn) {
  return conn->state == CONN_OPEN && (conn->flags & STOPPING_TOLD);
}

// due_check_stopping closes a connection at the end of the turn if the reactor stops and the
// connection has nothing left to do then, as close_check_stopping does.
void due_check_stopping(struct evnet_conn *conn);

// due_answer calls `finish` of a request at the end of the turn.
void due_answer(struct evnet_async *async, int status);

#endif  // EVNET_NET_REACTOR_INTERNAL_DUE_H_
