// Removing listeners. The place of a removed socket is free again after its DETACH, and a wait is done
// after the DETACH of its last socket.
//
//   OPEN --evnet_reactor_unlisten, evnet_close--> LEAVING --DETACH--> FREE
//
// A UDP socket stops receiving, and is detached when it has no hold and nothing queued.
#include "net/reactor/internal/unlisten.h"

#include <errno.h>

#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/datagram.h"
#include "net/reactor/internal/datagram_out.h"
#include "net/reactor/internal/datagram_socket.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/reading.h"
#include "net/reactor/owner.h"
#include "net/reactor/timer.h"

static void finish(struct evnet_reactor *reactor, struct evnet_unlisten *unlisten) {
  struct evnet_unlisten **to_this = &reactor->listeners.unlistens;
  while (*to_this != unlisten) to_this = &(*to_this)->next;
  *to_this = unlisten->next;
  unlisten->done(unlisten, reactor);
}

static void leave_stream(struct evnet_reactor *reactor, struct listener *listener) {
  evnet_timer_stop(reactor, &listener->retry);
  // A completion that is already under way must find no listener.
  reactor->table.conns[listener->handle.index].state = CONN_CLOSED;
  evnet_poller_detach(reactor->poller, listener->handle);
  listener->armed = false;
}

static void leave_datagram(struct evnet_reactor *reactor, struct listener *listener) {
  struct evnet_conn *conn = &reactor->table.conns[listener->handle.index];
  if (conn->state != CONN_DATAGRAM) return;  // a stop has closed it
  reading_stop(conn, STOP_CLOSING);
  datagram_of(conn)->leaving = true;
  reactor->listeners.leaving_datagram_count++;
}

static void leave(struct evnet_reactor *reactor, struct listener *listener) {
  listener->state = LISTENER_LEAVING;
  listener->unlisten = NULL;
  reactor->listeners.leaving_count++;
  if (listener->is_datagram) {
    leave_datagram(reactor, listener);
  } else {
    leave_stream(reactor, listener);
  }
}

int evnet_reactor_unlisten(struct evnet_reactor *reactor, uint8_t index) {
  if (reactor->stop.phase != STOP_NONE) return -ESHUTDOWN;
  int count = 0;
  for (uint8_t i = 0; i < reactor->listeners.top; i++) {
    struct listener *listener = &reactor->listeners.of[i];
    if (listener->state != LISTENER_OPEN || listener->index != index) continue;
    leave(reactor, listener);
    count++;
  }
  if (count == 0) return -ENOENT;
  unlisten_close_idle(reactor);
  return 0;
}

int evnet_reactor_unlisten_wait(struct evnet_reactor *reactor, uint8_t index,
                                struct evnet_unlisten *unlisten) {
  if (reactor->stop.phase != STOP_NONE) return -ESHUTDOWN;
  unlisten->socket_count = 0;
  for (uint8_t i = 0; i < reactor->listeners.top; i++) {
    struct listener *listener = &reactor->listeners.of[i];
    if (listener->state != LISTENER_LEAVING || listener->index != index) continue;
    listener->unlisten = unlisten;
    unlisten->socket_count++;
  }
  if (unlisten->socket_count == 0) return -ENOENT;
  unlisten->next = reactor->listeners.unlistens;
  reactor->listeners.unlistens = unlisten;
  return 0;
}

static struct listener *find_by_handle(struct evnet_reactor *reactor, uint32_t handle_index) {
  for (uint8_t i = 0; i < reactor->listeners.top; i++) {
    struct listener *listener = &reactor->listeners.of[i];
    if (listener->state == LISTENER_OPEN && listener->handle.index == handle_index) return listener;
  }
  return NULL;
}

bool unlisten_by_id(struct evnet_reactor *reactor, const struct evnet_conn_id *id) {
  if (id->generation == 0 || id->index >= reactor->table.top) return false;
  const struct evnet_conn *conn = &reactor->table.conns[id->index];
  if (conn->generation != id->generation) return false;
  const bool is_datagram = conn->state == CONN_DATAGRAM && conn->listener == EVNET_LISTENER_NONE;
  if (conn->state != CONN_LISTENER && !is_datagram) return false;
  struct listener *listener = find_by_handle(reactor, id->index);
  if (listener == NULL) return false;  // it is leaving, or a stop closes it
  leave(reactor, listener);
  return true;
}

void unlisten_close_idle(struct evnet_reactor *reactor) {
  datagram_flush(reactor);
  for (uint8_t i = 0; i < reactor->listeners.top; i++) {
    const struct listener *listener = &reactor->listeners.of[i];
    if (listener->state != LISTENER_LEAVING || !listener->is_datagram) continue;
    struct evnet_conn *conn = &reactor->table.conns[listener->handle.index];
    if (conn->state != CONN_DATAGRAM) continue;
    if (conn->holds == 0 && datagram_of(conn)->first == NULL) datagram_close(conn);
  }
}

void unlisten_detached(struct evnet_reactor *reactor, struct evnet_handle handle) {
  struct listeners *listeners = &reactor->listeners;
  for (uint8_t i = 0; i < listeners->top; i++) {
    struct listener *listener = &listeners->of[i];
    if (listener->state != LISTENER_LEAVING || listener->handle.index != handle.index) continue;
    struct evnet_unlisten *unlisten = listener->unlisten;
    *listener = (struct listener){0};
    listeners->leaving_count--;
    while (listeners->top > 0 && listeners->of[listeners->top - 1].state == LISTENER_FREE)
      listeners->top--;
    if (unlisten != NULL && --unlisten->socket_count == 0) finish(reactor, unlisten);
    return;
  }
}

void unlisten_end(struct evnet_reactor *reactor) {
  for (uint8_t i = 0; i < reactor->listeners.top; i++) reactor->listeners.of[i].unlisten = NULL;
  while (reactor->listeners.unlistens != NULL) finish(reactor, reactor->listeners.unlistens);
}
