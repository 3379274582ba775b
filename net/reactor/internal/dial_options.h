// The arguments of evnet_dial.
#ifndef EVNET_NET_REACTOR_INTERNAL_DIAL_OPTIONS_H_
#define EVNET_NET_REACTOR_INTERNAL_DIAL_OPTIONS_H_

#include "net/reactor/internal/dial_record.h"
#include "net/reactor/internal/names.h"

struct evnet_dial_options;
struct evnet_dial_target;
struct evnet_reactor_options;

// dial_read reads a target and the options into a record of zeroes. The log names the argument that
// is refused.
//
//   out_host  receives the name to look up, if there is one.
//
// Returns: 1 for a name, of which only the transport is known; 0 for an IP address or a path.
// Errors:  EVNET_STATUS_ADDRESS, EVNET_STATUS_OPTION.
int dial_read(const struct evnet_reactor_options *defaults, const struct evnet_dial_target *target,
              const struct evnet_dial_options *options, struct dial *dial,
              struct evnet_host *out_host);

#endif  // EVNET_NET_REACTOR_INTERNAL_DIAL_OPTIONS_H_
