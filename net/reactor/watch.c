// Watches of descriptors that evnet does not own. The poller reports their events; this file calls
// the callbacks, and ends the watches with the reactor.
#include "net/reactor/watch.h"

#include <errno.h>

#include "net/reactor/internal/callback.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/watch.h"

int evnet_watch(struct evnet_reactor *reactor, int descriptor, uint32_t events,
                void (*callback)(struct evnet_watcher *watcher, uint32_t events, void *user),
                void *user, struct evnet_watcher *watcher) {
  EVNET_ASSERT(watcher->reactor == NULL);
  if (reactor->stop.phase == STOP_DONE) return -ESHUTDOWN;
  struct evnet_handle handle;
  const int status = evnet_poller_watch(reactor->poller, descriptor, events, watcher, &handle);
  if (status < 0) return status;
  *watcher = (struct evnet_watcher){.reactor = reactor,
                                    .handle = handle,
                                    .callback = callback,
                                    .user = user,
                                    .next = reactor->watchers,
                                    .to_this = &reactor->watchers};
  if (watcher->next != NULL) watcher->next->to_this = &watcher->next;
  reactor->watchers = watcher;
  return 0;
}

int evnet_watch_change(struct evnet_watcher *watcher, uint32_t events) {
  if (watcher->reactor == NULL) return 0;
  return evnet_poller_watch_change(watcher->reactor->poller, watcher->handle, events);
}

void evnet_watch_stop(struct evnet_watcher *watcher) {
  if (watcher->reactor == NULL) return;
  evnet_poller_watch_stop(watcher->reactor->poller, watcher->handle);
  *watcher->to_this = watcher->next;
  if (watcher->next != NULL) watcher->next->to_this = watcher->to_this;
  watcher->reactor = NULL;
}

// The callback may free the watch.
static void call(struct evnet_reactor *reactor, struct evnet_watcher *watcher, uint32_t events) {
  watcher->callback(watcher, events, watcher->user);
  callback_returned(reactor, NULL, EVNET_NONE);
}

void watch_ready(struct evnet_reactor *reactor, const struct evnet_completion *completion) {
  reactor->active = true;
  call(reactor, completion->user, (uint32_t)completion->result);
}

void watch_end_all(struct evnet_reactor *reactor) {
  while (reactor->watchers != NULL) {
    struct evnet_watcher *watcher = reactor->watchers;
    evnet_watch_stop(watcher);
    call(reactor, watcher, EVNET_WATCH_ENDED);
  }
}
