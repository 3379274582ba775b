// Listening sockets: accepting is paused, resumed, and retried after the system ran out of
// descriptors or memory. A listener accepts while the reactor accepts (it has places), neither the
// listener nor all of them are paused, and the system is not short of descriptors. unlisten.c
// closes listeners.
#include "net/reactor/internal/listener.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "net/reactor/internal/datagram.h"
#include "net/reactor/internal/datagram_socket.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/side.h"
#include "net/reactor/owner.h"
#include "net/reactor/timer.h"

// The delay before accepting is retried after a shortage of descriptors or memory. It is short
// enough to recover well within a second, and long enough for the retries to cost almost nothing.
enum { RETRY_MS = 100 };

static void arm(struct evnet_reactor *reactor, struct listener *listener) {
  const struct listeners *listeners = &reactor->listeners;
  if (listener->state != LISTENER_OPEN) return;
  if (listener->is_datagram) {
    // A UDP socket starts receiving once, because it does not accept connections.
    const bool is_adopted = listener->index == EVNET_LISTENER_NONE;
    if (is_adopted || (listeners->accepting && !listener->paused))
      datagram_start(&reactor->table.conns[listener->handle.index]);
    return;
  }
  bool wanted =
      listeners->accepting && !listeners->paused && !listener->paused && !listener->starved;
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

// Returns the number of listeners: addresses, each with one or several sockets, and adopted ones.
static int count_listeners(const struct evnet_reactor *reactor) {
  bool seen[EVNET_LISTENERS_MAX] = {false};
  int count = 0;
  for (uint8_t i = 0; i < reactor->listeners.top; i++) {
    const struct listener *listener = &reactor->listeners.of[i];
    if (listener->state != LISTENER_OPEN) continue;
    if (listener->index != EVNET_LISTENER_NONE) {
      if (seen[listener->index]) continue;
      seen[listener->index] = true;
    }
    count++;
  }
  return count;
}

// Returns the first socket of a listener; NULL if there is no listener with this index.
static const struct listener *find(const struct evnet_reactor *reactor, uint8_t index) {
  for (uint8_t i = 0; i < reactor->listeners.top; i++) {
    const struct listener *listener = &reactor->listeners.of[i];
    if (listener->state == LISTENER_OPEN && listener->index == index) return listener;
  }
  return NULL;
}

// Returns a free place, or EVNET_LISTENER_SOCKETS_MAX if there is none.
static uint8_t find_place(const struct evnet_reactor *reactor) {
  uint8_t place = 0;
  while (place < reactor->listeners.top && reactor->listeners.of[place].state != LISTENER_FREE)
    place++;
  return place;
}

// Counts a handle. Call it before anything can fail, because its DETACH counts the handle off.
static void count_handle(struct evnet_reactor *reactor, struct evnet_handle handle) {
  reactor->table.handles++;
  if (handle.index >= reactor->table.top) reactor->table.top = handle.index + 1;
}

static struct listener *fill(struct evnet_reactor *reactor, uint8_t place,
                             const struct listener *listener) {
  reactor->listeners.of[place] = *listener;
  if (place >= reactor->listeners.top) reactor->listeners.top = (uint8_t)(place + 1);
  return &reactor->listeners.of[place];
}

int evnet_reactor_listen_at(struct evnet_reactor *reactor, uint8_t index,
                            const struct evnet_address *address,
                            const struct evnet_listen_options *options,
                            struct evnet_address *out_address) {
  if (reactor->stop.phase != STOP_NONE) return -ESHUTDOWN;
  const uint8_t place = find_place(reactor);
  const bool is_new = find(reactor, index) == NULL;
  if (index >= EVNET_LISTENERS_MAX || place == EVNET_LISTENER_SOCKETS_MAX ||
      (is_new && count_listeners(reactor) == EVNET_LISTENERS_MAX))
    return -ENOBUFS;
  struct evnet_handle handle;
  int status = evnet_poller_listen(reactor->poller, address, options, &handle);
  if (status < 0) return status;
  count_handle(reactor, handle);
  const bool is_datagram = address->transport == EVNET_TRANSPORT_UDP;
  status = is_datagram ? datagram_open(reactor, handle, index, out_address)
                       : open_stream(reactor, handle, place, out_address);
  if (status < 0) return status;
  (void)fill(reactor, place,
             &(struct listener){.handle = handle,
                                .index = index,
                                .state = LISTENER_OPEN,
                                .is_datagram = is_datagram,
                                .paused = reactor->listeners.accepting_chosen});
  return 0;
}

int evnet_reactor_listen(struct evnet_reactor *reactor, const struct evnet_address *address,
                         const struct evnet_listen_options *options,
                         struct evnet_address *out_address) {
  uint8_t index = 0;
  while (index < EVNET_LISTENERS_MAX && find(reactor, index) != NULL) index++;
  int status = evnet_reactor_listen_at(reactor, index, address, options, out_address);
  return status < 0 ? status : index;
}

void evnet_reactor_set_listener_handler(struct evnet_reactor *reactor, uint8_t index,
                                        uint8_t handler_index) {
  for (uint8_t i = 0; i < reactor->listeners.top; i++) {
    struct listener *listener = &reactor->listeners.of[i];
    if (listener->state != LISTENER_OPEN || listener->index != index) continue;
    listener->handler = handler_index;
    if (listener->is_datagram) reactor->table.conns[listener->handle.index].handler = handler_index;
  }
}

static struct evnet_conn *adopt_stream(struct evnet_reactor *reactor, struct evnet_handle handle,
                                       uint8_t place) {
  init_stream(reactor, handle, place);
  struct evnet_conn *conn = &reactor->table.conns[handle.index];
  conn->generation = ++reactor->table.generation_last;
  return conn;
}

static struct evnet_conn *adopt_datagram(struct evnet_reactor *reactor, struct evnet_handle handle,
                                         struct conn_side *side, int handler_index,
                                         void *conn_user) {
  struct evnet_conn *conn = datagram_adopt(reactor, handle, side);
  conn->handler = (uint8_t)handler_index;
  conn->user = conn_user;
  return conn;
}

int listener_adopt(struct evnet_reactor *reactor, int descriptor,
                   const struct evnet_socket_kind *kind, const struct evnet_adopt_options *options,
                   struct evnet_conn_id *out_id) {
  const uint8_t place = find_place(reactor);
  if (place == EVNET_LISTENER_SOCKETS_MAX || count_listeners(reactor) == EVNET_LISTENERS_MAX)
    return -ENOBUFS;
  const int handler_index = evnet_handlers_add(reactor->handlers, options->handler, options->user);
  if (handler_index < 0) return handler_index;
  // First, because a descriptor that the poller has taken cannot be given back.
  struct conn_side *side = kind->is_bound ? datagram_prepare(reactor) : NULL;
  if (kind->is_bound && side == NULL) return -ENOMEM;
  struct evnet_handle handle;
  int status = evnet_poller_adopt(reactor->poller, descriptor, kind, &handle);
  if (status < 0) {
    side_destroy(reactor, side);
    return status;
  }
  count_handle(reactor, handle);
  const struct evnet_conn *conn =
      kind->is_bound ? adopt_datagram(reactor, handle, side, handler_index, options->conn_user)
                     : adopt_stream(reactor, handle, place);
  *out_id = evnet_conn_get_id(conn);
  struct listener *listener = fill(reactor, place,
                                   &(struct listener){.handle = handle,
                                                      .index = EVNET_LISTENER_NONE,
                                                      .handler = (uint8_t)handler_index,
                                                      .state = LISTENER_OPEN,
                                                      .is_datagram = kind->is_bound});
  if (reactor->listeners.accepting_chosen) {
    arm(reactor, listener);
  } else {
    evnet_reactor_accept_resume(reactor);
  }
  return 0;
}

bool evnet_reactor_has_family(const struct evnet_reactor *reactor, int family) {
  return evnet_poller_has_family(reactor->poller, family);
}

int evnet_reactor_identify(struct evnet_reactor *reactor, int descriptor,
                           struct evnet_socket_kind *out_kind) {
  return evnet_poller_identify(reactor->poller, descriptor, out_kind);
}

bool evnet_reactor_spreads_port(const struct evnet_reactor *reactor) {
  return evnet_poller_spreads_port(reactor->poller);
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
  for (uint8_t i = 0; i < reactor->listeners.top; i++) arm(reactor, &reactor->listeners.of[i]);
}

void evnet_reactor_accept_pause(struct evnet_reactor *reactor) { arm_all(reactor, false); }

void evnet_reactor_accept_resume(struct evnet_reactor *reactor) { arm_all(reactor, true); }

int evnet_reactor_listener_pause(struct evnet_reactor *reactor, uint8_t index, bool paused) {
  if (reactor->stop.phase != STOP_NONE) return -ESHUTDOWN;
  bool found = false;
  for (uint8_t i = 0; i < reactor->listeners.top; i++) {
    struct listener *listener = &reactor->listeners.of[i];
    if (listener->state != LISTENER_OPEN || listener->index != index) continue;
    listener->paused = paused;
    arm(reactor, listener);
    found = true;
  }
  return found ? 0 : -ENOENT;
}

int evnet_reactor_listeners_pause(struct evnet_reactor *reactor, bool paused) {
  if (reactor->stop.phase != STOP_NONE) return -ESHUTDOWN;
  reactor->listeners.paused = paused;
  for (uint8_t i = 0; i < reactor->listeners.top; i++) arm(reactor, &reactor->listeners.of[i]);
  return 0;
}

static void retry(struct evnet_timer *timer, void *user) {
  struct listener *listener = (struct listener *)((char *)timer - offsetof(struct listener, retry));
  listener->starved = false;
  arm(user, listener);
}

static void starve(struct evnet_reactor *reactor, struct listener *listener, int status) {
  uint64_t times =
      evnet_log_limit_pass(&log_limits_of(reactor)->starved, evnet_reactor_now_ms(reactor));
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
                    struct evnet_origin origin) {
  if (reactor->owner.accepted != NULL) {
    reactor->owner.accepted(reactor->owner.context, descriptor, peer, origin);
  } else {
    (void)evnet_reactor_open(reactor, descriptor, peer, origin);
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
  const struct evnet_origin origin = {.listener_index = listener->index,
                                      .handler_index = listener->handler};
  hand_on(reactor, descriptor, &peer, origin);
}

void listener_close_all(struct evnet_reactor *reactor) {
  reactor->listeners.accepting = false;
  if (reactor->owner.closing != NULL) reactor->owner.closing(reactor->owner.context);
  for (uint8_t i = 0; i < reactor->listeners.top; i++) {
    struct listener *listener = &reactor->listeners.of[i];
    if (listener->state != LISTENER_OPEN) continue;  // unlisten.c finishes it
    listener->state = LISTENER_FREE;
    if (listener->is_datagram) continue;
    evnet_timer_stop(reactor, &listener->retry);
    evnet_poller_detach(reactor->poller, listener->handle);
    listener->armed = false;
  }
}
