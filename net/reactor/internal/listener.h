// The reactor's listeners. unlisten.c closes them.
#ifndef EVNET_NET_REACTOR_INTERNAL_LISTENER_H_
#define EVNET_NET_REACTOR_INTERNAL_LISTENER_H_

#include <stdbool.h>
#include <stdint.h>

#include "net/poller/poller.h"
#include "net/reactor/adopt.h"
#include "net/reactor/internal/names.h"
#include "net/reactor/owner.h"
#include "net/reactor/timer.h"

enum listener_state {
  LISTENER_FREE = 0,
  LISTENER_OPEN,
  LISTENER_LEAVING,  // removed; its place is free after the DETACH
};

struct listener {
  struct evnet_handle handle;
  // The index of its address, which several sockets may share. EVNET_LISTENER_NONE: it was adopted.
  uint8_t index;
  uint8_t handler;  // its connections' index in the reactor's handlers
  uint8_t state;    // enum listener_state
  // A UDP socket, which closes by itself and does not use the fields from `starved` on.
  bool is_datagram;
  bool paused;  // by evnet_reactor_listener_pause, or not yet started
  bool armed;
  bool starved;                     // the last accept failed for lack of descriptors or memory
  struct evnet_timer retry;         // accepts again after a failure
  struct evnet_unlisten *unlisten;  // in LEAVING; NULL: no call is expected
};

struct listeners {
  struct listener of[EVNET_LISTENER_SOCKETS_MAX];
  uint8_t top;  // all entries of `of` from here on are FREE
  bool accepting;
  bool accepting_chosen;  // accepting was paused or resumed before
  bool paused;            // by evnet_reactor_listeners_pause
  // Sockets in LEAVING, and those of them that are UDP sockets and still owe something.
  uint8_t leaving_count;
  uint8_t leaving_datagram_count;
  struct evnet_unlisten *unlistens;
};

// listener_acceptable accepts a connection.
//
//   place  the listener's index in `of`.
void listener_acceptable(struct evnet_reactor *reactor, uint8_t place,
                         const struct evnet_completion *completion);

// listener_adopt takes over a listening socket. It starts to accept, unless accepting was paused.
//
//   options  the handler and user of its connections.
//   out_id   the listener's.
//
// Returns: 0; the descriptor is the poller's.
// Errors:  -ENOBUFS if there are too many listeners or handlers; those of evnet_poller_adopt. The
//          descriptor stays the caller's.
int listener_adopt(struct evnet_reactor *reactor, int descriptor,
                   const struct evnet_socket_kind *kind, const struct evnet_adopt_options *options,
                   struct evnet_conn_id *out_id);

// listener_close_all closes all listeners except UDP sockets, when the reactor stops.
void listener_close_all(struct evnet_reactor *reactor);

#endif  // EVNET_NET_REACTOR_INTERNAL_LISTENER_H_
