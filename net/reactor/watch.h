// Watching descriptors that evnet does not own: pipes, eventfds, timerfds, inotify, terminals, and
// sockets of other libraries. evnet reports when they are ready; the caller reads and writes them.
//
//   static void output_ready(struct evnet_watcher *watcher, uint32_t events, void *user) {
//     struct child *child = user;  // read(2) from child->pipe, which is non-blocking
//   }
//   evnet_watch(reactor, child->pipe, EVNET_READABLE, output_ready, child, &child->watcher);
//   ...
//   evnet_watch_stop(&child->watcher);  // before close(2)
//
// The events are those of poll(2), on every backend, and they are level-triggered: as long as a
// requested event holds, each turn of the loop calls the callback once. Errors and hang-ups are
// reported as poll(2) reports them, even if not requested:
//
//   EVNET_READABLE      POLLIN: reading does not block; also at the end of a socket's stream
//   EVNET_WRITABLE      POLLOUT: writing does not block
//   EVNET_WATCH_ERROR   POLLERR: an error is pending, or the reader of a pipe has closed it
//   EVNET_WATCH_HANGUP  POLLHUP: both directions of a socket or the writer of a pipe have ended;
//                       bytes may still be unread. At the end of a pipe it comes alone.
//   EVNET_WATCH_ENDED   the reactor has ended, see evnet_watch. It comes alone.
//
// A library that knows reading and writing only should treat ERROR and HANGUP as both, so that its
// next call returns the error or the end. A callback that ignores them is called in every turn.
//
// Events are those of the moment when the reactor asked the kernel. A callback that ran before in
// the same turn may have used them up, so the descriptor should be non-blocking.
//
// A descriptor may have several watches. Each has its own events and callback.
//
// evnet keeps a duplicate of the descriptor (dup(2)) until the watch is stopped. The owner
// therefore stops the watch first and closes the descriptor after that. If it closes the descriptor
// first, the open file lives on until the stop: a peer does not see the end, and events are still
// reported. The late stop is harmless even if another file has got the same number since, because
// evnet never uses the owner's number again.
//
// Thread:  all functions are for the reactor's thread: in its callbacks, or between its turns.
#ifndef EVNET_NET_REACTOR_WATCH_H_
#define EVNET_NET_REACTOR_WATCH_H_

#include <stdint.h>

#include "../base/status.h"
#include "reactor.h"

#ifdef __cplusplus
extern "C" {
#endif

// A watch, embedded in its owner. It must not move while it runs. A structure of zeros is a watch
// that does not run. Only the functions below use the fields.
struct evnet_watcher {
  struct evnet_reactor *reactor EVNET_ZERO;  // NULL: it does not run
  struct evnet_handle handle EVNET_ZERO;     // the poller's name of it
  // The callback of evnet_watch.
  void (*callback)(struct evnet_watcher *watcher, uint32_t events, void *user) EVNET_ZERO;
  void *user EVNET_ZERO;                      // passed to the callback
  struct evnet_watcher *next EVNET_ZERO;      // in the reactor's list
  struct evnet_watcher **to_this EVNET_ZERO;  // the pointer of the list that points to this watch
};

// evnet_watch begins to watch a descriptor. No callback is called from inside this function.
//
// A watch does not keep a stop of the reactor waiting. It runs until the reactor has closed its
// last connection, so that clients of other servers can still be used during a graceful shutdown.
// Then, before evnet_reactor_run or the server's thread returns, or in evnet_reactor_destroy, each
// watch that runs is stopped, and its callback is called a last time with EVNET_WATCH_ENDED.
//
// In each turn a watch has at most one callback, whatever the number of bytes that wait, so a busy
// descriptor does not starve connections. A watch uses one descriptor and about 100 bytes.
//
//   descriptor  open; remains the caller's. evnet does not change its flags.
//   events      EVNET_READABLE, EVNET_WRITABLE, or both.
//   callback    called with the events that hold, at least one. It may change or stop this watch
//               and any other, and free the memory of a stopped one.
//   user        passed to the callback.
//   watcher     zeros, or stopped. Stays in place until it is stopped or has ended.
//
// Returns: 0.
// Errors:  after an error the watch does not run.
//          -EPERM if poll(2) means nothing for the file: a regular file, a directory, /dev/null.
//          -EBADF if the descriptor is not open.
//          -EINVAL if `events` is 0 or has other bits; or if it is this reactor's own descriptor.
//          -EMFILE if no descriptor is left for the duplicate.
//          -ENOMEM, -ENOSPC if memory or the limit of watches runs out (epoll_ctl(2)).
//          -ESHUTDOWN if the reactor has ended.
EVNET_API EVNET_WARN_UNUSED int evnet_watch(struct evnet_reactor *reactor, int descriptor,
                                            uint32_t events,
                                            void (*callback)(struct evnet_watcher *watcher,
                                                             uint32_t events, void *user),
                                            void *user, struct evnet_watcher *watcher);

// evnet_watch_change replaces the events that a watch requests. Events of this turn that are not
// requested any more are not reported.
//
//   watcher  if it does not run, the call has no effect.
//   events   as evnet_watch. To request none, stop the watch.
//
// Returns: 0.
// Errors:  after an error the watch runs as before.
//          -EINVAL as evnet_watch.
//          -ENOMEM if the kernel's memory runs out.
EVNET_API int evnet_watch_change(struct evnet_watcher *watcher, uint32_t events);

// evnet_watch_stop stops a watch. Its callback is not called any more, even if events of this turn
// are pending. The memory of the watch may be freed immediately.
//
//   watcher  if it does not run, also after it has ended, the call has no effect.
EVNET_API void evnet_watch_stop(struct evnet_watcher *watcher);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_WATCH_H_
