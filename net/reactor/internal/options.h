// Checks of options that a reactor and a dial have in common.
#ifndef EVNET_NET_REACTOR_INTERNAL_OPTIONS_H_
#define EVNET_NET_REACTOR_INTERNAL_OPTIONS_H_

#include <stdint.h>

#include "net/base/log.h"
#include "net/reactor/internal/names.h"
#include "net/reactor/reactor.h"

// options_check_ranges checks the options of sockets.
//
//   least  the smallest value of options that have no "off": 0, or EVNET_OFF.
//   level  of the log line about an option that is refused.
//
// Returns: 0.
// Errors:  EVNET_STATUS_OPTION.
int options_check_ranges(const struct evnet_reactor_options *options, int64_t least,
                         enum evnet_log_level level);

// options_check_keepalive checks that keepalive_interval_s and keepalive_count come with
// keepalive_idle_s.
//
// Returns: 0.
// Errors:  EVNET_STATUS_OPTION.
int options_check_keepalive(const struct evnet_reactor_options *options,
                            enum evnet_log_level level);

// option_refuse_at is evnet_option_refuse at another level.
int option_refuse_at(const struct evnet_logger *logger, enum evnet_log_level level,
                     const char *name, int64_t value, const char *why);

#endif  // EVNET_NET_REACTOR_INTERNAL_OPTIONS_H_
