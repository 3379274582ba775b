// The water marks of a stream's output.
#ifndef EVNET_NET_REACTOR_INTERNAL_MARKS_H_
#define EVNET_NET_REACTOR_INTERNAL_MARKS_H_

#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/names.h"

// marks_check_high marks on_pressure as due if output has reached the high mark.
void marks_check_high(struct evnet_conn *conn);

// marks_check_low marks on_drain as due if output has fallen to the low mark.
void marks_check_low(struct evnet_conn *conn);

// marks_changed checks both marks after they were changed.
void marks_changed(struct evnet_conn *conn);

// marks_action_changed performs the new action if output is above the high mark.
void marks_action_changed(struct evnet_conn *conn);

#endif  // EVNET_NET_REACTOR_INTERNAL_MARKS_H_
