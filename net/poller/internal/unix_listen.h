// Listening on Unix stream sockets: whose a path is, and what becomes of its files.
//
//   lock PATH.lock --> connect, to see that nobody serves PATH --> remove, bind, set mode, listen
//                                                                                    |
//                      unlock <-- remove both files, where they are still ours <-- release
//
// The lock is held from before the look at PATH until its file is gone, so two that start, or one
// that starts while another stops, never meet there; a killed process's locks go with it. The
// lock's file is removed by who holds it, and who then locks a file that is no longer there tries
// again.
//
// Programs that know nothing of the lock are noticed by the try to connect, once they listen.
#ifndef EVNET_NET_POLLER_INTERNAL_UNIX_LISTEN_H_
#define EVNET_NET_POLLER_INTERNAL_UNIX_LISTEN_H_

#include "net/poller/poller.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_unix_listener;

// The Unix listeners of a poller.
struct evnet_unix_listeners {
  const struct evnet_allocator *allocator;
  struct evnet_unix_listener *first;
};

// Opens, binds and listens. Returns a non-blocking, close-on-exec descriptor, to be released and
// closed, or -errno, with options->out_reason set where that leaves something open.
int evnet_unix_listen(struct evnet_unix_listeners *listeners, const struct evnet_address *address,
                      const struct evnet_listen_options *options);

// Gives an accepted socket what it does not have from its listener; does nothing for a listener
// that is not one of these.
void evnet_unix_accepted(const struct evnet_unix_listeners *listeners, int listener,
                         int descriptor);

// Removes a listener's files; does nothing for a descriptor that is not one of these. Before its
// close(2): until then no other file can have its inode's number.
void evnet_unix_release(struct evnet_unix_listeners *listeners, int descriptor);
void evnet_unix_release_all(struct evnet_unix_listeners *listeners);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_INTERNAL_UNIX_LISTEN_H_
