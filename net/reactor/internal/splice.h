// Splicing: bytes that wait in the kernel for evnet_conn_splice.
#ifndef EVNET_NET_REACTOR_INTERNAL_SPLICE_H_
#define EVNET_NET_REACTOR_INTERNAL_SPLICE_H_

#include "net/reactor/internal/names.h"

struct evnet_conn;

// splice_ready calls on_data of a connection that has spliced, without unread bytes, so that it can
// splice again.
void splice_ready(struct evnet_conn *conn);

#endif  // EVNET_NET_REACTOR_INTERNAL_SPLICE_H_
