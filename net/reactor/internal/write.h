// Writes of lent bytes and of files, which are not copied.
#ifndef EVNET_NET_REACTOR_INTERNAL_WRITE_H_
#define EVNET_NET_REACTOR_INTERNAL_WRITE_H_

#include <stddef.h>

#include "net/buffer/outbound.h"
#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/names.h"

// write_lent queues lent bytes, to be sent at the end of the turn.
//
// Returns: 1; 0 if there was nothing to send.
// Errors:  the bytes are not queued. Only -ENOBUFS may end the connection.
int write_lent(struct evnet_conn *conn, struct evnet_outbound_lent *lent, const void *data,
               size_t size);

// write_file queues a file after all bytes that were written.
//
// Returns: 0; the file's descriptor belongs to the queue.
// Errors:  as evnet_conn_writev. The descriptor stays the caller's.
int write_file(struct evnet_conn *conn, const struct evnet_outbound_file *file);

#endif  // EVNET_NET_REACTOR_INTERNAL_WRITE_H_
