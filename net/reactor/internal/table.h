// The table of connections. A connection's place is the index of the poller's handle. This file
// takes, finds and frees places; it calls no handler.
#ifndef EVNET_NET_REACTOR_INTERNAL_TABLE_H_
#define EVNET_NET_REACTOR_INTERNAL_TABLE_H_

#include <stdint.h>

#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/names.h"
#include "net/reactor/owner.h"

struct conn_table {
  struct evnet_conn *conns;  // reserved address space
  uint32_t max;
  uint32_t top;              // no index from here on was ever used
  uint32_t handles;          // handles that are attached or wait for DETACH, listeners included
  uint64_t generation_last;  // the generation of the newest connection
};

// table_init initializes the record of a connection in OPEN, for a handle that the poller has just
// made.
struct evnet_conn *table_init(struct evnet_reactor *reactor, struct evnet_handle handle,
                              enum evnet_transport transport, struct evnet_origin origin);

// table_is_full returns whether connections_max connections are open or being dialled.
bool table_is_full(const struct evnet_reactor *reactor);

// table_reserve creates a connection in DIALLING, whose handle has no descriptor yet.
//
// Returns: 0.
// Errors:  -ENOBUFS at connections_max; those of evnet_poller_reserve.
int table_reserve(struct evnet_reactor *reactor, enum evnet_transport transport,
                  struct evnet_conn **out_conn);

// table_reserve_attempt creates a handle in ATTEMPT, for one of several attempts of a dial. It does
// not count as a connection.
//
// Returns: 0.
// Errors:  those of evnet_poller_reserve.
int table_reserve_attempt(struct evnet_reactor *reactor, enum evnet_transport transport,
                          struct dial *dial, struct evnet_conn **out_conn);

// table_adopt claims a place at the owner and creates a connection in DIALLING for a connected
// socket of the caller.
//
// Returns: 0; the descriptor belongs to the poller.
// Errors:  -ENOBUFS at connections_max; those of the owner's claim and of evnet_poller_adopt. The
//          descriptor stays the caller's.
int table_adopt(struct evnet_reactor *reactor, int descriptor, const struct evnet_socket_kind *kind,
                struct evnet_conn **out_conn);

// table_claim asks the owner for a place for a connection that is being dialled.
//
// Returns: 0, or the negative status of the owner, which knows the limits.
int table_claim(struct evnet_conn *conn);

// table_discard closes a connection without on_close; no user code knows of it.
void table_discard(struct evnet_conn *conn);

// table_find returns the connection of an id, or NULL if it has closed or never existed.
struct evnet_conn *table_find(struct evnet_reactor *reactor, const struct evnet_conn_id *id);

// table_detached frees the place of a connection after DETACH.
void table_detached(struct evnet_conn *conn);

#endif  // EVNET_NET_REACTOR_INTERNAL_TABLE_H_
