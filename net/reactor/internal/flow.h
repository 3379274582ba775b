// The inbound mark, and notifications of producers.
#ifndef EVNET_NET_REACTOR_INTERNAL_FLOW_H_
#define EVNET_NET_REACTOR_INTERNAL_FLOW_H_

#include <stdbool.h>

#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/names.h"

// flow_check_inbound stops reading if the inbound mark is in effect and reached, and resumes it if
// the mark had stopped it and no longer does.
void flow_check_inbound(struct evnet_conn *conn);

// flow_check_below puts a connection on the due list if its on_below may be due.
void flow_check_below(struct evnet_conn *conn);

// flow_take_below returns whether on_below is due now, and then ends the request.
bool flow_take_below(struct evnet_conn *conn);

#endif  // EVNET_NET_REACTOR_INTERNAL_FLOW_H_
