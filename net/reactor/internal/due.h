// Work for the end of the turn: connections to check, and requests of other threads to complete.
// lifecycle.c and async.c do the work.
#ifndef EVNET_NET_REACTOR_INTERNAL_DUE_H_
#define EVNET_NET_REACTOR_INTERNAL_DUE_H_

#include <stdint.h>

#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/names.h"

struct evnet_async;

struct due {
  uint32_t first;                     // an index of a connection; NONE: the list is empty
  uint32_t last;                      // undefined while the list is empty
  struct evnet_async *answers_first;  // completed requests, in order
  struct evnet_async *answers_last;
};

// due_add sets flags of a connection, and puts it on the due list unless it is there.
//
//   flags  DUE_ bits; 0 if the connection only has to be checked.
void due_add(struct evnet_conn *conn, uint16_t flags);

// due_is_stopping returns whether a connection is open and has had on_stopping.
static inline bool due_is_stopping(const struct evnet_conn *conn) {
  return conn->state == CONN_OPEN && (conn->flags & STOPPING_TOLD);
}

// due_check_stopping puts a connection on the due list if the reactor is stopping, so that
// close_check_stopping runs at the end of the turn.
void due_check_stopping(struct evnet_conn *conn);

// due_answer completes a request: `finish` is called at the end of the turn.
void due_answer(struct evnet_async *async, int status);

#endif  // EVNET_NET_REACTOR_INTERNAL_DUE_H_
