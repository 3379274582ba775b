// The arguments of evnet_dial.
#ifndef EVNET_NET_REACTOR_INTERNAL_DIAL_OPTIONS_H_
#define EVNET_NET_REACTOR_INTERNAL_DIAL_OPTIONS_H_

#include "net/reactor/internal/dial_record.h"

struct evnet_dial_options;
struct evnet_reactor_options;

// dial_read reads an address and the options into a record of zeroes. The log names the argument
// that is refused.
//
// Returns: 1 for an address with a name, of which only the transport is known; 0 for a numeric
//          address or a path.
// Errors:  EVNET_STATUS_ADDRESS, EVNET_STATUS_OPTION.
int dial_read(const struct evnet_reactor_options *defaults, const char *address,
              const struct evnet_dial_options *options, struct dial *dial);

#endif  // EVNET_NET_REACTOR_INTERNAL_DIAL_OPTIONS_H_
