// The callbacks of a connection. The user pointer of the handler is the struct kv.
#ifndef EVNET_EXAMPLES_KV_SESSION_H_
#define EVNET_EXAMPLES_KV_SESSION_H_

#include "examples/kv/kv.h"

enum evnet_action session_on_open(struct evnet_conn *conn, void *user);
enum evnet_action session_on_data(struct evnet_conn *conn, void *user);
enum evnet_action session_on_drain(struct evnet_conn *conn, void *user);
enum evnet_action session_on_close(struct evnet_conn *conn, int reason, void *user);

#endif  // EVNET_EXAMPLES_KV_SESSION_H_
