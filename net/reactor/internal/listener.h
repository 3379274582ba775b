// The reactor's listeners.
#ifndef EVNET_NET_REACTOR_INTERNAL_LISTENER_H_
#define EVNET_NET_REACTOR_INTERNAL_LISTENER_H_

#include <stdbool.h>
#include <stdint.h>

#include "net/poller/poller.h"
#include "net/reactor/owner.h"
#include "net/reactor/timer.h"

struct listener {
  struct evnet_handle handle;
  uint8_t index;    // the index of its address, which several listeners may share
  bool is_adopted;  // its address is not one of the server's
  // A UDP socket, which closes by itself and does not use the fields below.
  bool is_datagram;
  bool armed;
  bool starved;              // the last accept failed for lack of descriptors or memory
  struct evnet_timer retry;  // accepts again after a failure
};

struct listeners {
  struct listener of[EVNET_LISTENER_SOCKETS_MAX];
  uint8_t count;    // the number of listeners in `of`
  uint8_t indexes;  // the number of addresses
  bool accepting;
  bool accepting_chosen;  // accepting was paused or resumed before
};

// listener_acceptable accepts a connection.
//
//   place  the listener's index in `of`.
void listener_acceptable(struct evnet_reactor *reactor, uint8_t place,
                         const struct evnet_completion *completion);

// listener_adopt takes over a listening socket. It starts to accept, unless accepting was paused.
//
// Returns: 0; the descriptor is the poller's.
// Errors:  -ENOBUFS if there are too many listeners; those of evnet_poller_adopt. The descriptor
//          stays the caller's.
int listener_adopt(struct evnet_reactor *reactor, int descriptor,
                   const struct evnet_socket_kind *kind);

// listener_close_all closes all listeners except UDP sockets, when the reactor stops.
void listener_close_all(struct evnet_reactor *reactor);

#endif  // EVNET_NET_REACTOR_INTERNAL_LISTENER_H_
