// Datagram sockets, for every backend alike: a batch of datagrams received at once and told one by
// one, and batches sent. One of these for all datagram sockets of a poller, as only one batch is
// ever under way: a backend tells all of it before it receives for another socket.
//
//   receive -> next -> next -> ... -> false -> receive, of whichever socket
//                        |
//                      drop, if the socket was detached meanwhile
//
// docs/datagrams.md explains the design.
#ifndef EVNET_NET_POLLER_INTERNAL_DATAGRAM_H_
#define EVNET_NET_POLLER_INTERNAL_DATAGRAM_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/poller/poller.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_datagrams;

// Of struct evnet_poller_options.
struct evnet_datagram_options {
  const struct evnet_allocator *allocator;
  uint32_t datagram_bytes_max;
  uint32_t recv_bytes_max;
  bool no_segmentation;
  bool merged;  // udp_gro
};

void evnet_datagram_options_init(struct evnet_datagram_options *out,
                                 const struct evnet_poller_options *options);

// *out stays what it is if there is one already.
EVNET_WARN_UNUSED int evnet_datagrams_create(const struct evnet_datagram_options *options,
                                             struct evnet_datagrams **out);
void evnet_datagrams_destroy(struct evnet_datagrams *datagrams);  // NULL is accepted

// Has a new socket hand over merged datagrams, if the options want it. Returns 0 or -errno.
//
//   out_refused  receives the option's name on failure; NULL: nobody wants to know.
EVNET_WARN_UNUSED int evnet_datagrams_set_up_socket(const struct evnet_datagrams *datagrams,
                                                    int descriptor, const char **out_refused);

// Receives a batch. An error of an earlier datagram is reported as the batch's first completion,
// before the datagrams that follow it.
//
//   out_more  whether there may be more than it could take; else the next one makes a new edge.
//
// Returns: how many messages it has, 1 or more.
// Errors:  -EAGAIN: the socket is empty; there may be an error to report all the same.
//          -errno: an error that lasts; nothing but it is reported, without `more`: the socket is
//          not to be received from until recv_start.
int evnet_datagrams_receive(struct evnet_datagrams *datagrams, int descriptor,
                            struct evnet_handle owner, bool *out_more);

// The next of the batch, as a completion; false when there is none. NULL has none.
bool evnet_datagrams_next(struct evnet_datagrams *datagrams,
                          struct evnet_completion *out_completion);

// Forgets the rest of the batch, if it is the owner's.
void evnet_datagrams_drop(struct evnet_datagrams *datagrams, struct evnet_handle owner);

// As evnet_poller_send_datagrams, but -EAGAIN when the socket is full.
int64_t evnet_datagrams_send(struct evnet_datagrams *datagrams, int descriptor,
                             struct evnet_handle owner, const struct evnet_datagram *messages,
                             size_t count);

// What the `send` of a datagram socket's slot points to while somebody waits for room.
extern const struct evnet_send evnet_datagrams_room;

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_INTERNAL_DATAGRAM_H_
