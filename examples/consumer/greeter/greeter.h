// A line-based server: it replies to "NAME\n" with "hello, NAME\n".

#ifndef GREETER_GREETER_H_
#define GREETER_GREETER_H_

#include <stdint.h>

#include "evnet/evnet.h"

// greeter_start starts a server on 127.0.0.1, which runs on its own thread.
//
//   port        0: any free port.
//   out_server  the server. The caller stops it with evnet_server_stop, waits for it with
//               evnet_server_wait, and frees it with evnet_server_destroy.
//   out_port    the port that it listens on.
//
// Returns: 0, or a negative status of evnet.
int greeter_start(uint16_t port, struct evnet_server **out_server, uint16_t *out_port);

#endif  // GREETER_GREETER_H_
