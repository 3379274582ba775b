#include "adapters/hiredis/evnet_hiredis.h"

#include <errno.h>
#include <hiredis/async.h>
#include <stdlib.h>

#include "net/reactor/timer.h"
#include "net/reactor/watch.h"

// The attachment, which hiredis calls privdata. It is freed by hiredis's cleanup, or after the callback during which
// that was called.
struct attachment {
  struct evnet_reactor *reactor;
  redisAsyncContext *context;  // NULL after cleanup
  struct evnet_watcher watcher;
  uint32_t events;            // that hiredis has asked for
  struct evnet_timer broken;  // frees the context, because its socket cannot be watched
#if HIREDIS_MAJOR >= 1
  struct evnet_timer timeout;  // of hiredis
#endif
  int depth;  // of calls into hiredis
};

// Ends a call into hiredis, in which the context may have been freed.
static void leave(struct attachment *attachment) {
  if (--attachment->depth == 0 && attachment->context == NULL) free(attachment);
}

static void give_up(struct evnet_timer *timer, void *user) {
  (void)timer;
  struct attachment *attachment = user;
  redisAsyncFree(attachment->context);
}

static void on_ready(struct evnet_watcher *watcher, uint32_t events, void *user) {
  (void)watcher;
  struct attachment *attachment = user;
  if ((events & EVNET_WATCH_ENDED) != 0) {
    redisAsyncFree(attachment->context);
    return;
  }
  // hiredis learns of an error from read(2) and write(2).
  if ((events & (EVNET_WATCH_ERROR | EVNET_WATCH_HANGUP)) != 0)
    events |= EVNET_READABLE | EVNET_WRITABLE;
  attachment->depth++;
  if ((events & attachment->events & EVNET_READABLE) != 0)
    redisAsyncHandleRead(attachment->context);
  if (attachment->context != NULL && (events & attachment->events & EVNET_WRITABLE) != 0)
    redisAsyncHandleWrite(attachment->context);
  leave(attachment);
}

// Watches for other events. Returns the status; after an error nothing is watched.
static int watch(struct attachment *attachment, uint32_t events) {
  int status = 0;
  if (events == 0) {
    evnet_watch_stop(&attachment->watcher);
  } else if (attachment->events == 0) {
    status = evnet_watch(attachment->reactor, attachment->context->c.fd, events, on_ready,
                         attachment, &attachment->watcher);
  } else {
    status = evnet_watch_change(&attachment->watcher, events);
  }
  attachment->events = status == 0 ? events : 0;
  if (status < 0) evnet_watch_stop(&attachment->watcher);
  return status;
}

static void request(struct attachment *attachment, uint32_t events) {
  if (events == attachment->events || watch(attachment, events) == 0) return;
  evnet_timer_start(attachment->reactor, &attachment->broken, 0, give_up, attachment);
}

static void add_read(void *user) {
  struct attachment *attachment = user;
  request(attachment, attachment->events | EVNET_READABLE);
}

static void delete_read(void *user) {
  struct attachment *attachment = user;
  request(attachment, attachment->events & ~(uint32_t)EVNET_READABLE);
}

static void add_write(void *user) {
  struct attachment *attachment = user;
  request(attachment, attachment->events | EVNET_WRITABLE);
}

static void delete_write(void *user) {
  struct attachment *attachment = user;
  request(attachment, attachment->events & ~(uint32_t)EVNET_WRITABLE);
}

#if HIREDIS_MAJOR >= 1
static void on_timeout(struct evnet_timer *timer, void *user) {
  (void)timer;
  struct attachment *attachment = user;
  attachment->depth++;
  redisAsyncHandleTimeout(attachment->context);
  leave(attachment);
}

static void schedule_timer(void *user, struct timeval after) {
  struct attachment *attachment = user;
  uint64_t ms = (uint64_t)after.tv_sec * 1000 + ((uint64_t)after.tv_usec + 999) / 1000;
  evnet_timer_start(attachment->reactor, &attachment->timeout, ms, on_timeout, attachment);
}
#endif

// hiredis calls it before it closes the socket.
static void cleanup(void *user) {
  struct attachment *attachment = user;
  evnet_watch_stop(&attachment->watcher);
  evnet_timer_stop(attachment->reactor, &attachment->broken);
#if HIREDIS_MAJOR >= 1
  evnet_timer_stop(attachment->reactor, &attachment->timeout);
#endif
  attachment->events = 0;
  attachment->context = NULL;
  if (attachment->depth == 0) free(attachment);
}

int evnet_hiredis_attach(struct evnet_reactor *reactor, struct redisAsyncContext *context) {
  if (context->ev.data != NULL) return -EALREADY;
  if (context->c.fd < 0) return -EINVAL;
  struct attachment *attachment = calloc(1, sizeof *attachment);
  if (attachment == NULL) return -ENOMEM;
  attachment->reactor = reactor;
  attachment->context = context;
  // hiredis finishes the connection when the socket is writable.
  const int status = watch(attachment, EVNET_WRITABLE);
  if (status < 0) {
    free(attachment);
    return status;
  }
  context->ev.data = attachment;
  context->ev.addRead = add_read;
  context->ev.delRead = delete_read;
  context->ev.addWrite = add_write;
  context->ev.delWrite = delete_write;
  context->ev.cleanup = cleanup;
#if HIREDIS_MAJOR >= 1
  context->ev.scheduleTimer = schedule_timer;
#endif
  return 0;
}
