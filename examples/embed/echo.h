// The part of the examples that does not depend on the other event loop: a listening socket, and a
// reactor that serves it.
#ifndef EVNET_EXAMPLES_EMBED_ECHO_H_
#define EVNET_EXAMPLES_EMBED_ECHO_H_

#include <stdint.h>

#include "evnet/evnet.h"

enum { ECHO_DELAY_MS = 20 };

// echo_create creates a reactor that listens on a free port of 127.0.0.1, prints the address, and
// stops on SIGTERM or SIGINT.
//
// Returns: 0, or a status.
int echo_create(const struct evnet_handler *handler, void *user,
                struct evnet_reactor **out_reactor);

// echo_reply sends a connection's unread bytes back.
void echo_reply(struct evnet_conn *conn);

#endif  // EVNET_EXAMPLES_EMBED_ECHO_H_
