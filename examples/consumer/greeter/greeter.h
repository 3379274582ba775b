// A server of one line: whoever sends "NAME\n" is answered "hello, NAME\n".

#ifndef GREETER_GREETER_H_
#define GREETER_GREETER_H_

#include <stdint.h>

#include "evnet/evnet.h"

// greeter_start serves on 127.0.0.1, on a thread of the server's own.
//
//   port        0 for any.
//   out_server  stopped by evnet_server_stop, then waited for and destroyed by the caller.
//   out_port    the port it has.
//
// Returns: 0, or evnet's negative status.
int greeter_start(uint16_t port, struct evnet_server **out_server, uint16_t *out_port);

#endif  // GREETER_GREETER_H_
