#include "adapters/curl/evnet_curl.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "net/reactor/timer.h"
#include "net/reactor/watch.h"

struct evnet_curl {
  struct evnet_reactor *reactor;
  CURLM *multi;
  void (*on_done)(CURLM *multi, CURL *easy, CURLcode result, void *user);
  void *user;
  struct evnet_timer timer;     // libcurl's
  struct curl_socket *sockets;  // that are watched
  int depth;                    // of calls into libcurl and of on_done
  bool detached;                // to be freed when depth is 0
};

// A socket that libcurl waits for.
struct curl_socket {
  struct evnet_curl *attachment;
  curl_socket_t descriptor;
  struct evnet_watcher watcher;
  bool removed;              // to be freed when its callback has returned
  bool in_callback;          // of the watch
  struct curl_socket *next;  // in the list of the attachment
  struct curl_socket **to_this;
};

static void leave(struct evnet_curl *attachment) {
  if (--attachment->depth == 0 && attachment->detached) free(attachment);
}

// Calls on_done for the transfers that have ended.
static void present_done(struct evnet_curl *attachment) {
  int left;
  CURLMsg *message;
  while (!attachment->detached &&
         (message = curl_multi_info_read(attachment->multi, &left)) != NULL) {
    if (message->msg != CURLMSG_DONE) continue;
    // The message is invalid when on_done has removed the handle.
    CURL *easy = message->easy_handle;
    CURLcode result = message->data.result;
    attachment->on_done(attachment->multi, easy, result, attachment->user);
  }
}

static void act(struct evnet_curl *attachment, curl_socket_t descriptor, int events) {
  int running;
  attachment->depth++;
  (void)curl_multi_socket_action(attachment->multi, descriptor, events, &running);
  present_done(attachment);
  leave(attachment);
}

// Sockets

static void remove_socket(struct curl_socket *found) {
  evnet_watch_stop(&found->watcher);
  *found->to_this = found->next;
  if (found->next != NULL) found->next->to_this = found->to_this;
  found->removed = true;
  if (!found->in_callback) free(found);
}

static void on_ready(struct evnet_watcher *watcher, uint32_t events, void *user) {
  (void)watcher;
  struct curl_socket *ready = user;
  if ((events & EVNET_WATCH_ENDED) != 0) return;
  int action = 0;
  if ((events & (EVNET_READABLE | EVNET_WATCH_HANGUP)) != 0) action |= CURL_CSELECT_IN;
  if ((events & EVNET_WRITABLE) != 0) action |= CURL_CSELECT_OUT;
  if ((events & EVNET_WATCH_ERROR) != 0) action |= CURL_CSELECT_ERR;
  ready->in_callback = true;
  act(ready->attachment, ready->descriptor, action);
  ready->in_callback = false;
  if (ready->removed) free(ready);
}

static uint32_t events_of(int action) {
  switch (action) {
    case CURL_POLL_IN:
      return EVNET_READABLE;
    case CURL_POLL_OUT:
      return EVNET_WRITABLE;
    default:
      return EVNET_READABLE | EVNET_WRITABLE;
  }
}

// libcurl then ends the transfer with an error.
enum { REFUSED = -1 };

static int add_socket(struct evnet_curl *attachment, curl_socket_t descriptor, int action) {
  struct curl_socket *added = calloc(1, sizeof *added);
  if (added == NULL) return REFUSED;
  added->attachment = attachment;
  added->descriptor = descriptor;
  if (evnet_watch(attachment->reactor, descriptor, events_of(action), on_ready, added,
                  &added->watcher) < 0) {
    free(added);
    return REFUSED;
  }
  added->next = attachment->sockets;
  added->to_this = &attachment->sockets;
  if (added->next != NULL) added->next->to_this = &added->next;
  attachment->sockets = added;
  return curl_multi_assign(attachment->multi, descriptor, added) == CURLM_OK ? 0 : REFUSED;
}

// CURLMOPT_SOCKETFUNCTION. libcurl calls it before it closes a socket.
static int on_socket(CURL *easy, curl_socket_t descriptor, int action, void *user, void *assigned) {
  (void)easy;
  struct evnet_curl *attachment = user;
  struct curl_socket *found = assigned;
  if (action == CURL_POLL_REMOVE) {
    if (found != NULL) remove_socket(found);
    return 0;
  }
  if (found == NULL) return add_socket(attachment, descriptor, action);
  return evnet_watch_change(&found->watcher, events_of(action)) == 0 ? 0 : REFUSED;
}

// The timer

static void on_timeout(struct evnet_timer *timer, void *user) {
  (void)timer;
  act(user, CURL_SOCKET_TIMEOUT, 0);
}

// CURLMOPT_TIMERFUNCTION. It must not call libcurl, so even a delay of 0 uses the timer.
static int on_timer(CURLM *multi, long delay_ms, void *user) {
  (void)multi;
  struct evnet_curl *attachment = user;
  if (delay_ms < 0) {
    evnet_timer_stop(attachment->reactor, &attachment->timer);
  } else {
    evnet_timer_start(attachment->reactor, &attachment->timer, (uint64_t)delay_ms, on_timeout,
                      attachment);
  }
  return 0;
}

int evnet_curl_attach(struct evnet_reactor *reactor, CURLM *multi,
                      void (*on_done)(CURLM *multi, CURL *easy, CURLcode result, void *user),
                      void *user, struct evnet_curl **out_attachment) {
  struct evnet_curl *attachment = calloc(1, sizeof *attachment);
  if (attachment == NULL) return -ENOMEM;
  *attachment =
      (struct evnet_curl){.reactor = reactor, .multi = multi, .on_done = on_done, .user = user};
  if (curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket) != CURLM_OK ||
      curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, attachment) != CURLM_OK ||
      curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer) != CURLM_OK ||
      curl_multi_setopt(multi, CURLMOPT_TIMERDATA, attachment) != CURLM_OK) {
    free(attachment);
    return -EINVAL;
  }
  *out_attachment = attachment;
  return 0;
}

void evnet_curl_detach(struct evnet_curl *attachment) {
  if (attachment == NULL || attachment->detached) return;
  (void)curl_multi_setopt(attachment->multi, CURLMOPT_SOCKETFUNCTION, NULL);
  (void)curl_multi_setopt(attachment->multi, CURLMOPT_TIMERFUNCTION, NULL);
  while (attachment->sockets != NULL) {
    (void)curl_multi_assign(attachment->multi, attachment->sockets->descriptor, NULL);
    remove_socket(attachment->sockets);
  }
  evnet_timer_stop(attachment->reactor, &attachment->timer);
  attachment->detached = true;
  if (attachment->depth == 0) free(attachment);
}
