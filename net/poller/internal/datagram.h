// Datagram sockets, for every backend: receives a batch of datagrams in one call, reports them one
// by one, and sends batches. All datagram sockets of a poller share one struct evnet_datagrams,
// because only one batch is in use at a time: a backend reports all of it before it receives for
// another socket.
//
//   receive -> next -> next -> ... -> false -> receive, of any socket
//                        |
//                      drop, if the socket was detached in the meantime
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

// From struct evnet_poller_options.
struct evnet_datagram_options {
  const struct evnet_allocator *allocator;
  uint32_t datagram_bytes_max;
  uint32_t recv_bytes_max;
  bool no_segmentation;
  bool merged;  // udp_gro
  bool errors;  // udp_errors
};

void evnet_datagram_options_init(struct evnet_datagram_options *out,
                                 const struct evnet_poller_options *options);

// Does nothing if *out exists already.
EVNET_WARN_UNUSED int evnet_datagrams_create(const struct evnet_datagram_options *options,
                                             struct evnet_datagrams **out);
void evnet_datagrams_destroy(struct evnet_datagrams *datagrams);  // NULL is accepted

// Lets a new socket receive merged datagrams, and errors, if the options ask for it. Returns 0 or
// -errno.
//
//   out_refused  receives the option's name on failure; may be NULL if it is not needed.
EVNET_WARN_UNUSED int evnet_datagrams_set_up_socket(const struct evnet_datagrams *datagrams,
                                                    int descriptor, const char **out_refused);

// Receives a batch. Errors of earlier datagrams are reported as the batch's first completions,
// before the datagrams that follow them.
//
//   out_more  whether the socket may have more than the batch could take; if not, a later datagram
//             or error makes a new edge.
//
// Returns: the number of messages in the batch, 1 or more.
// Errors:  -EAGAIN if the socket has no datagram; evnet_datagrams_next may still report errors.
//          -errno if the error lasts. Only the error is reported, without `more`; do not receive
//          from the socket until recv_start.
int evnet_datagrams_receive(struct evnet_datagrams *datagrams, int descriptor,
                            struct evnet_handle owner, bool *out_more);

// Returns false if the batch has no more datagrams, or if `datagrams` is NULL; otherwise fills in
// the next one's completion.
bool evnet_datagrams_next(struct evnet_datagrams *datagrams,
                          struct evnet_completion *out_completion);

// Drops the rest of the batch, if it belongs to the owner.
void evnet_datagrams_drop(struct evnet_datagrams *datagrams, struct evnet_handle owner);

// As evnet_poller_send_datagrams, but returns -EAGAIN if the socket is full.
int64_t evnet_datagrams_send(struct evnet_datagrams *datagrams, int descriptor,
                             struct evnet_handle owner, const struct evnet_datagram *messages,
                             size_t count);

// The `send` of a slot points to this while its datagram socket or Unix socket waits for room.
extern const struct evnet_send evnet_datagrams_room;

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_INTERNAL_DATAGRAM_H_
