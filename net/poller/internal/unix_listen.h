// Listening on Unix stream sockets: the ownership of a path, and its files.
//
//   lock PATH.lock --> connect, to see that no server uses PATH --> remove, bind, set mode, listen
//                                                                                    |
//                        unlock <-- remove both files, if they are still ours <-- release
//
// The lock is held from before PATH is checked until its file is removed. So two servers that start
// simultaneously, or one that starts while another stops, do not disturb each other. The kernel
// releases a killed process's locks. The process that holds the lock removes the lock file. A
// process that locks a file which has since been removed retries.
//
// The attempt to connect detects programs that do not use the lock, once they listen.
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

// Opens and binds a socket, and listens.
//
// Returns: a non-blocking, close-on-exec descriptor. The caller releases and closes it.
// Errors:  -errno; options->out_reason is set if the status alone does not explain the failure.
int evnet_unix_listen(struct evnet_unix_listeners *listeners, const struct evnet_address *address,
                      const struct evnet_listen_options *options);

// Sets on an accepted socket the options that it does not inherit from its listener. Does nothing
// if the listener is not in the list.
void evnet_unix_accepted(const struct evnet_unix_listeners *listeners, int listener,
                         int descriptor);

// Removes a listener's files. Does nothing if the descriptor is not in the list. Call it before
// close(2), because until then the inode number of its file cannot be reused.
void evnet_unix_release(struct evnet_unix_listeners *listeners, int descriptor);
void evnet_unix_release_all(struct evnet_unix_listeners *listeners);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_INTERNAL_UNIX_LISTEN_H_
