// Passes received bytes to the handler.
#ifndef EVNET_NET_REACTOR_INTERNAL_INBOUND_H_
#define EVNET_NET_REACTOR_INTERNAL_INBOUND_H_

#include <stddef.h>
#include <stdint.h>

#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/names.h"

// inbound_received presents bytes that have arrived, or keeps them while reading is stopped.
void inbound_received(struct evnet_conn *conn, const uint8_t *data, size_t size);

// inbound_present calls on_data with the unread bytes.
void inbound_present(struct evnet_conn *conn);

// inbound_wake calls on_data now, or when reading resumes.
//
// Returns: 0.
// Errors:  -ENOMEM.
int inbound_wake(struct evnet_conn *conn);

#endif  // EVNET_NET_REACTOR_INTERNAL_INBOUND_H_
