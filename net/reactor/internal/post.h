// Messages and functions that other threads have posted. inbox.c runs them.
#ifndef EVNET_NET_REACTOR_INTERNAL_POST_H_
#define EVNET_NET_REACTOR_INTERNAL_POST_H_

#include <stdint.h>

#include "net/reactor/internal/names.h"
#include "net/reactor/mailbox.h"

struct evnet_reactor;
struct later;

// Other threads write the mailbox, so it shares no cache line with fields that the loop uses.
struct posted {
  uint8_t before_mailbox[64];
  struct evnet_mailbox mailbox;
  uint8_t after_mailbox[64];
  struct evnet_message *inbox;  // taken from the mailbox and not yet run
  struct later *later;          // the entries of evnet_reactor_post_after
};

// post_run_later runs the first function of evnet_reactor_post_after before its time. The list must
// not be empty.
void post_run_later(struct evnet_reactor *reactor);

#endif  // EVNET_NET_REACTOR_INTERNAL_POST_H_
