// The received descriptors of a connection.
#ifndef EVNET_NET_REACTOR_INTERNAL_DESCRIPTORS_H_
#define EVNET_NET_REACTOR_INTERNAL_DESCRIPTORS_H_

#include <stdint.h>

#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/names.h"

// A ring of descriptors.
struct conn_descriptors {
  uint32_t max;
  uint32_t first;
  uint32_t count;
  int failure;  // 0, or the negative status with which the connection has to end
  int of[];     // max
};

// descriptors_run_due ends a connection that could not keep its descriptors.
void descriptors_run_due(struct evnet_conn *conn);

#endif  // EVNET_NET_REACTOR_INTERNAL_DESCRIPTORS_H_
