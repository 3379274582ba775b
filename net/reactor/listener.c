// Listening sockets: accepting is paused, resumed, and retried after the system ran out of
// descriptors or memory.
#include "net/reactor/internal/listener.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "net/reactor/internal/datagram.h"
#include "net/reactor/internal/datagram_socket.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/owner.h"
#include "net/reactor/timer.h"

// The delay before accepting is retried after a shortage of descriptors or memory. It is short
// enough to recover well within a second, and long enough for the retries to cost almost nothing.
enum { RETRY_MS = 100 };

static void arm(struct evnet_reactor *reactor, struct listener *listener) {
  if (listener->is_datagram) {
    // A UDP socket starts receiving once, because the limit of connections does not concern it.
    if (reactor->listeners.accepting) datagram_start(&reactor->table.conns[listener->handle.index]);
    return;
  }
  bool wanted = reactor->listeners.accepting && !listener->starved;
  if (wanted == listener->armed) return;
  listener->armed = wanted;
  if (wanted) {
    evnet_poller_accept_start(reactor->poller, listener->handle);
  } else {
    evnet_poller_accept_stop(reactor->poller, listener->handle);
  }
}

static void init_stream(struct evnet_reactor *reactor, struct evnet_handle handle, uint8_t place) {
  reactor->table.conns[handle.index] = (struct evnet_conn){.reactor = reactor,
                                                           .deadline = {.tag = handle.generation},
                                                           .listener = place,
                                                           .state = CONN_LISTENER};
}

static int open_stream(struct evnet_reactor *reactor, struct evnet_handle handle, uint8_t place,
                       struct evnet_address *out_address) {
  init_stream(reactor, handle, place);
  int status = evnet_poller_local_address(reactor->poller, handle, out_address);
  if (status < 0) evnet_poller_detach(reactor->poller, handle);
  return status;
}

// Opens a socket of the listener with this index.
static int listen_at(struct evnet_reactor *reactor, uint8_t index,
                     const struct evnet_address *address,
                     const struct evnet_listen_options *options,
                     struct evnet_address *out_address) {
  if (reactor->stop.phase != STOP_NONE) return -ESHUTDOWN;
  const uint8_t place = reactor->listeners.count;
  if (index == EVNET_LISTENERS_MAX || place == EVNET_LISTENER_SOCKETS_MAX) return -ENOBUFS;
  struct evnet_handle handle;
  int status = evnet_poller_listen(reactor->poller, address, options, &handle);
  if (status < 0) return status;
  // Count the handle first, because its DETACH counts it off.
  reactor->table.handles++;
  if (handle.index >= reactor->table.top) reactor->table.top = handle.index + 1;
  const bool is_datagram = address->transport == EVNET_TRANSPORT_UDP;
  status = is_datagram ? datagram_open(reactor, handle, index, out_address)
                       : open_stream(reactor, handle, place, out_address);
  if (status < 0) return status;
  reactor->listeners.of[place] =
      (struct listener){.handle = handle, .index = index, .is_datagram = is_datagram};
  reactor->listeners.count++;
  return index;
}

int evnet_reactor_listen(struct evnet_reactor *reactor, const struct evnet_address *address,
                         const struct evnet_listen_options *options,
                         struct evnet_address *out_address) {
  int index = listen_at(reactor, reactor->listeners.indexes, address, options, out_address);
  if (index >= 0) reactor->listeners.indexes++;
  return index;
}

int evnet_reactor_listen_also(struct evnet_reactor *reactor, const struct evnet_address *address,
                              const struct evnet_listen_options *options,
                              struct evnet_address *out_address) {
  EVNET_ASSERT(reactor->listeners.indexes > 0);
  return listen_at(reactor, (uint8_t)(reactor->listeners.indexes - 1), address, options,
                   out_address);
}

void evnet_reactor_unlisten(struct evnet_reactor *reactor) {
  EVNET_ASSERT(reactor->listeners.indexes > 0 && !reactor->listeners.accepting);
  const uint8_t index = --reactor->listeners.indexes;
  while (reactor->listeners.count > 0) {
    const struct listener *listener = &reactor->listeners.of[reactor->listeners.count - 1];
    if (listener->index != index) break;
    reactor->listeners.count--;
    if (listener->is_datagram) {
      datagram_close(&reactor->table.conns[listener->handle.index]);
    } else {
      evnet_poller_detach(reactor->poller, listener->handle);
    }
  }
}

int listener_adopt(struct evnet_reactor *reactor, int descriptor,
                   const struct evnet_socket_kind *kind) {
  const uint8_t place = reactor->listeners.count;
  if (reactor->listeners.indexes == EVNET_LISTENERS_MAX || place == EVNET_LISTENER_SOCKETS_MAX)
    return -ENOBUFS;
  struct evnet_handle handle;
  int status = evnet_poller_adopt(reactor->poller, descriptor, kind, &handle);
  if (status < 0) return status;
  reactor->table.handles++;
  if (handle.index >= reactor->table.top) reactor->table.top = handle.index + 1;
  init_stream(reactor, handle, place);
  reactor->listeners.of[place] = (struct listener){
      .handle = handle, .index = reactor->listeners.indexes++, .is_adopted = true};
  reactor->listeners.count++;
  if (reactor->listeners.accepting_chosen) {
    arm(reactor, &reactor->listeners.of[place]);
  } else {
    evnet_reactor_accept_resume(reactor);
  }
  return 0;
}

bool evnet_reactor_has_family(const struct evnet_reactor *reactor, int family) {
  return evnet_poller_has_family(reactor->poller, family);
}

bool evnet_reactor_spreads_port(const struct evnet_reactor *reactor) {
  return evnet_poller_spreads_port(reactor->poller);
}

// Returns the first socket of a listener; NULL if there is no listener with this index.
static const struct listener *find(const struct evnet_reactor *reactor, uint8_t index) {
  for (uint8_t i = 0; i < reactor->listeners.count; i++) {
    if (reactor->listeners.of[i].index == index) return &reactor->listeners.of[i];
  }
  return NULL;
}

int evnet_reactor_listener_descriptor(const struct evnet_reactor *reactor, uint8_t index) {
  const struct listener *listener = find(reactor, index);
  EVNET_ASSERT(listener != NULL);
  return evnet_poller_descriptor(reactor->poller, listener->handle);
}

struct evnet_conn *evnet_reactor_datagram_socket(struct evnet_reactor *reactor, uint8_t index) {
  const struct listener *listener = find(reactor, index);
  if (listener == NULL || !listener->is_datagram) return NULL;
  return &reactor->table.conns[listener->handle.index];
}

static void arm_all(struct evnet_reactor *reactor, bool accepting) {
  reactor->listeners.accepting_chosen = true;
  if (reactor->stop.phase != STOP_NONE || reactor->listeners.accepting == accepting) return;
  reactor->listeners.accepting = accepting;
  for (uint8_t i = 0; i < reactor->listeners.count; i++) arm(reactor, &reactor->listeners.of[i]);
}

void evnet_reactor_accept_pause(struct evnet_reactor *reactor) { arm_all(reactor, false); }

void evnet_reactor_accept_resume(struct evnet_reactor *reactor) { arm_all(reactor, true); }

static void retry(struct evnet_timer *timer, void *user) {
  struct listener *listener = (struct listener *)((char *)timer - offsetof(struct listener, retry));
  listener->starved = false;
  arm(user, listener);
}

static void starve(struct evnet_reactor *reactor, struct listener *listener, int status) {
  uint64_t times =
      evnet_log_limit_pass(&log_limits_of(reactor)->starved, evnet_reactor_clock_ms(reactor));
  if (times > 0) {
    evnet_log(&reactor->options.logger, EVNET_LOG_WARNING,
              "accept failed: %s; retrying in %d ms (%" PRIu64 " since the last report)",
              evnet_status_message(status), RETRY_MS, times);
  }
  listener->starved = true;
  evnet_timer_start(reactor, &listener->retry, RETRY_MS, retry, reactor);
}

// Handles a failed accept, after which the poller has disarmed accepting.
static void fail(struct evnet_reactor *reactor, struct listener *listener, int status) {
  listener->armed = false;
  starve(reactor, listener, status);
}

static void hand_on(struct evnet_reactor *reactor, int descriptor, const struct evnet_address *peer,
                    uint8_t listener_index) {
  if (reactor->owner.accepted != NULL) {
    reactor->owner.accepted(reactor->owner.context, descriptor, peer, listener_index);
  } else {
    (void)evnet_reactor_open(reactor, descriptor, peer, listener_index);
  }
}

void listener_acceptable(struct evnet_reactor *reactor, uint8_t place,
                         const struct evnet_completion *completion) {
  struct listener *listener = &reactor->listeners.of[place];
  if (completion->result < 0) {
    fail(reactor, listener, (int)completion->result);
    return;
  }
  const struct evnet_reactor_owner *owner = &reactor->owner;
  if (owner->admit != NULL && !owner->admit(owner->context)) return;
  struct evnet_address peer;
  int descriptor = evnet_poller_accept(reactor->poller, completion->handle, &peer);
  if (descriptor < 0) {
    if (owner->not_admitted != NULL) owner->not_admitted(owner->context);
    if (descriptor != -EAGAIN) fail(reactor, listener, descriptor);
    return;
  }
  hand_on(reactor, descriptor, &peer, listener->is_adopted ? EVNET_LISTENER_NONE : listener->index);
}

void listener_close_all(struct evnet_reactor *reactor) {
  reactor->listeners.accepting = false;
  if (reactor->owner.closing != NULL) reactor->owner.closing(reactor->owner.context);
  for (uint8_t i = 0; i < reactor->listeners.count; i++) {
    struct listener *listener = &reactor->listeners.of[i];
    if (listener->is_datagram) continue;
    evnet_timer_stop(reactor, &listener->retry);
    evnet_poller_detach(reactor->poller, listener->handle);
    listener->armed = false;
  }
  reactor->listeners.count = 0;
  reactor->listeners.indexes = 0;
}
