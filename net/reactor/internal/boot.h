// The beginning and the end of a reactor, as its handlers see them.
#ifndef EVNET_NET_REACTOR_INTERNAL_BOOT_H_
#define EVNET_NET_REACTOR_INTERNAL_BOOT_H_

#include "net/reactor/internal/names.h"

struct evnet_reactor;

enum boot_phase {
  BOOT_NOT_YET = 0,  // on_reactor_boot was not called
  BOOT_DONE,         // on_reactor_boot was called, so on_reactor_shutdown follows
  BOOT_ENDED,        // no callback follows
};

// boot_alone is evnet_reactor_boot of a reactor without a server, before its first turn.
void boot_alone(struct evnet_reactor *reactor);

// boot_end calls on_reactor_shutdown once, if on_reactor_boot was called. The reactor has no
// connections left.
void boot_end(struct evnet_reactor *reactor);

#endif  // EVNET_NET_REACTOR_INTERNAL_BOOT_H_
