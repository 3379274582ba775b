// The opening of a connection.
#ifndef EVNET_NET_REACTOR_INTERNAL_OPEN_H_
#define EVNET_NET_REACTOR_INTERNAL_OPEN_H_

#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/names.h"

// open_conn opens a connection, with on_open.
//
// Returns: 0.
// Errors:  -ENOMEM, without on_open.
int open_conn(struct evnet_conn *conn);

// open_adopted opens an adopted connection, which is in DIALLING without a dial.
void open_adopted(struct evnet_conn *conn);

#endif  // EVNET_NET_REACTOR_INTERNAL_OPEN_H_
