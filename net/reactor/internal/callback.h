// The work that follows each callback of the user.
#ifndef EVNET_NET_REACTOR_INTERNAL_CALLBACK_H_
#define EVNET_NET_REACTOR_INTERNAL_CALLBACK_H_

#include "net/reactor/handler.h"
#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/names.h"

// callback_returned is called after each return of user code. It sends the gathered bytes and
// performs the action that the callback returned.
//
//   conn  the connection to which `action` applies, or NULL.
void callback_returned(struct evnet_reactor *reactor, struct evnet_conn *conn,
                       enum evnet_action action);

// callback_run calls a callback if the connection is open. The callback may be NULL.
void callback_run(struct evnet_conn *conn,
                  enum evnet_action (*callback)(struct evnet_conn *conn, void *user));

// callback_stopping calls on_stopping of an open connection, once.
void callback_stopping(struct evnet_conn *conn);

#endif  // EVNET_NET_REACTOR_INTERNAL_CALLBACK_H_
