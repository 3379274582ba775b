// Requests that change the addresses of a running server. Each is a round over the reactors.
//
//   add:     bind on each reactor, paused --> `done` --> end the pause on each reactor
//                    | one failed
//                    +--> close and wait as below --> `done` with the failure
//   remove:  close on each reactor --> wait on each reactor for its sockets --> `done`
//   pause:   pause on each reactor --> `done`
//
// A removal that waits for the holds of a UDP socket has already ended receiving on all reactors, and
// later requests do not wait for it.
//
// Without reuse_port only reactor 0 has sockets of an address, and the others have nothing to do.
// They are visited all the same, because connections of the address may be on their way to them.
#include "net/server/addresses.h"

#include <errno.h>
#include <string.h>

#include "net/server/internal/listen.h"
#include "net/server/internal/round.h"
#include "net/server/internal/state.h"

struct request {
  struct server_round round;  // first member: the functions of rounds cast a pointer to it
  size_t index;
  bool pauses;  // a pause rather than a resume
  void (*done)(struct evnet_server *server, size_t index, int status, void *user);
  void *user;
  struct server_text text;          // of an address that is added
  struct server_address sockets[];  // of `text`
};

static struct request *create(struct evnet_server *server, size_t index, size_t socket_count) {
  const size_t size = sizeof(struct request) + socket_count * sizeof(struct server_address);
  struct request *request = evnet_allocate_zeroed(server->options.allocator, size);
  if (request == NULL) return NULL;
  request->round.server = server;
  request->round.message.bytes = size;
  request->index = index;
  return request;
}

static int post(struct request *request,
                void (*done)(struct evnet_server *server, size_t index, int status, void *user),
                void *user) {
  if (request == NULL) return -ENOMEM;
  request->done = done;
  request->user = user;
  const int status = server_round_post(&request->round);
  if (status < 0) evnet_release(request->round.server->options.allocator, request);
  return status;
}

static void call_done(const struct request *request) {
  if (request->done == NULL) return;
  request->done(request->round.server, request->index, request->round.status, request->user);
}

// The `end` of most rounds.
static void finish(struct server_round *round, bool on_first) {
  (void)on_first;
  struct request *request = (struct request *)round;
  call_done(request);
  evnet_release(round->server->options.allocator, request);
}

// Ends the round after the current visit, which has failed.
static bool fail(struct server_round *round, int status) {
  round->status = status;
  server_round_skip(round);
  return true;
}

// Indexes

static void set_state(struct evnet_server *server, size_t index, enum listening_state state) {
  (void)pthread_mutex_lock(&server->mutex);
  struct server_listening *listening = &server->listening[index];
  listening->state = state;
  if (state != LISTENING_OPEN) listening->descriptor = -ENOTCONN;
  (void)pthread_mutex_unlock(&server->mutex);
}

// Takes an index: the lowest that was never used, or else the lowest free one.
//
// Returns: the index, or -ENOBUFS.
static int take_index(struct evnet_server *server) {
  int index = -ENOBUFS;
  (void)pthread_mutex_lock(&server->mutex);
  if (server->address_count < EVNET_LISTENERS_MAX) {
    index = (int)server->address_count++;
  } else {
    for (int i = 0; i < EVNET_LISTENERS_MAX && index < 0; i++) {
      const struct server_listening *listening = &server->listening[i];
      if (listening->state == LISTENING_REMOVED &&
          __atomic_load_n(&listening->connections, __ATOMIC_RELAXED) == 0)
        index = i;
    }
  }
  if (index >= 0) server->listening[index].state = LISTENING_ADDING;
  (void)pthread_mutex_unlock(&server->mutex);
  return index;
}

// Returns 0 if the server listens at the index, and copies the transport; otherwise -EINVAL.
static int check_open(struct evnet_server *server, size_t index,
                      enum evnet_transport *out_transport) {
  (void)pthread_mutex_lock(&server->mutex);
  const struct server_listening *listening = &server->listening[index];
  const int status = listening->state == LISTENING_OPEN ? 0 : -EINVAL;
  *out_transport = listening->bound.transport;
  (void)pthread_mutex_unlock(&server->mutex);
  return status;
}

// Pausing

static bool pause_visit(struct server_round *round, struct server_reactor *self) {
  const struct request *request = (const struct request *)round;
  int status;
  if (request->index == EVNET_ADDRESSES_ALL) {
    status = evnet_reactor_listeners_pause(self->reactor, request->pauses);
  } else {
    enum evnet_transport transport;
    status = self->index == 0 ? check_open(round->server, request->index, &transport) : 0;
    if (status == 0 && self->index == 0 && transport == EVNET_TRANSPORT_UDP) status = -EOPNOTSUPP;
    if (status == 0) {
      status =
          evnet_reactor_listener_pause(self->reactor, (uint8_t)request->index, request->pauses);
    }
  }
  // Reactor 0 decides whether the request fails. Others may have no socket of the address.
  return self->index == 0 && status < 0 ? fail(round, status) : true;
}

static int pause_or_resume(struct evnet_server *server, size_t index, bool pauses,
                           void (*done)(struct evnet_server *server, size_t index, int status,
                                        void *user),
                           void *user) {
  if (index >= EVNET_LISTENERS_MAX && index != EVNET_ADDRESSES_ALL) return -EINVAL;
  struct request *request = create(server, index, 0);
  if (request == NULL) return -ENOMEM;
  request->pauses = pauses;
  request->round.visit = pause_visit;
  request->round.end = finish;
  return post(request, done, user);
}

int evnet_server_pause_accept(struct evnet_server *server, size_t index,
                              void (*done)(struct evnet_server *server, size_t index, int status,
                                           void *user),
                              void *user) {
  return pause_or_resume(server, index, true, done, user);
}

int evnet_server_resume_accept(struct evnet_server *server, size_t index,
                               void (*done)(struct evnet_server *server, size_t index, int status,
                                            void *user),
                               void *user) {
  return pause_or_resume(server, index, false, done, user);
}

// Removing

static bool close_visit(struct server_round *round, struct server_reactor *self) {
  const struct request *request = (const struct request *)round;
  const int status = evnet_reactor_unlisten(self->reactor, (uint8_t)request->index);
  if (status == -ESHUTDOWN && round->status == 0) round->status = status;
  return true;
}

static bool wait_visit(struct server_round *round, struct server_reactor *self) {
  const struct request *request = (const struct request *)round;
  const int status =
      evnet_reactor_unlisten_wait(self->reactor, (uint8_t)request->index, &round->unlisten);
  if (status == -ESHUTDOWN && round->status == 0) round->status = status;
  return status < 0;
}

// Starts the round that waits, after the one that closes.
static void wait_then(struct server_round *round, bool on_first,
                      void (*end)(struct server_round *round, bool on_first)) {
  round->visit = wait_visit;
  round->end = end;
  if (on_first) {
    server_round_again(round);
  } else {
    end(round, on_first);  // a stop has closed the sockets
  }
}

static bool remove_visit(struct server_round *round, struct server_reactor *self) {
  const struct request *request = (const struct request *)round;
  if (self->index == 0) {
    enum evnet_transport transport;
    const int status = check_open(round->server, request->index, &transport);
    if (status < 0) return fail(round, status);
    // Before the close, because the kernel may reuse the descriptor's number.
    set_state(round->server, request->index, LISTENING_REMOVING);
  }
  return close_visit(round, self);
}

static void removed(struct server_round *round, bool on_first) {
  const struct request *request = (const struct request *)round;
  set_state(round->server, request->index, LISTENING_REMOVED);
  finish(round, on_first);
}

static void remove_end(struct server_round *round, bool on_first) {
  if (round->status == -EINVAL) {
    finish(round, on_first);
  } else {
    wait_then(round, on_first, removed);
  }
}

int evnet_server_remove_address(struct evnet_server *server, size_t index,
                                void (*done)(struct evnet_server *server, size_t index, int status,
                                             void *user),
                                void *user) {
  if (index >= EVNET_LISTENERS_MAX) return -EINVAL;
  struct request *request = create(server, index, 0);
  if (request == NULL) return -ENOMEM;
  request->round.visit = remove_visit;
  request->round.end = remove_end;
  return post(request, done, user);
}

// Adding

static bool start_visit(struct server_round *round, struct server_reactor *self) {
  const struct request *request = (const struct request *)round;
  // It fails on reactors without a socket, and if a stop has begun.
  (void)evnet_reactor_listener_pause(self->reactor, (uint8_t)request->index, false);
  return true;
}

static void start_end(struct server_round *round, bool on_first) {
  (void)on_first;
  evnet_release(round->server->options.allocator, round);
}

static void undone(struct server_round *round, bool on_first) {
  struct request *request = (struct request *)round;
  set_state(round->server, request->index, LISTENING_REMOVED);
  request->index = SIZE_MAX;
  finish(round, on_first);
}

static void undo_end(struct server_round *round, bool on_first) {
  wait_then(round, on_first, undone);
}

static bool add_visit(struct server_round *round, struct server_reactor *self) {
  struct request *request = (struct request *)round;
  struct evnet_server *server = round->server;
  if (self->index == 0) {
    const int index = take_index(server);
    if (index < 0) return fail(round, index);
    request->index = (size_t)index;
    request->text.index = (uint8_t)index;
    for (size_t i = 0; i < request->text.count; i++) request->sockets[i].index = (uint8_t)index;
  } else if (!server->spreads) {
    return true;
  }
  const int status = server_listen_at(self, &request->text);
  return status < 0 ? fail(round, status) : true;
}

static void add_end(struct server_round *round, bool on_first) {
  struct request *request = (struct request *)round;
  if (request->index == SIZE_MAX) {  // there was no index
    finish(round, on_first);
    return;
  }
  // The pause has no effect on the sockets, which are paused already. It fails if a stop has begun,
  // which closes them.
  if (round->status == 0) {
    round->status = on_first ? evnet_reactor_listener_pause(round->server->reactors[0].reactor,
                                                            (uint8_t)request->index, true)
                             : -ESHUTDOWN;
  }
  if (round->status == 0) {
    server_publish(round->server, &request->text);
    call_done(request);
    round->visit = start_visit;
    round->end = start_end;
  } else {
    round->visit = close_visit;
    round->end = undo_end;
  }
  if (on_first) {
    server_round_again(round);
  } else {
    round->end(round, on_first);  // the stop closes the sockets
  }
}

int evnet_server_add_address(struct evnet_server *server, const struct evnet_listen *listen,
                             void (*done)(struct evnet_server *server, size_t index, int status,
                                          void *user),
                             void *user) {
  struct evnet_address found[EVNET_LISTENER_SOCKETS_MAX + 1];
  const int count = server_resolve_text(server, listen->address, EVNET_LISTENER_SOCKETS_MAX, found);
  if (count < 0) return count;
  const int handler_index = evnet_handlers_add(server->handlers, listen->handler, listen->user);
  if (handler_index < 0) return handler_index;
  struct request *request = create(server, SIZE_MAX, (size_t)count);
  if (request == NULL) return -ENOMEM;
  request->text.sockets = request->sockets;
  request->text.handler_index = (uint8_t)handler_index;
  request->text.count = server_add_sockets(request->sockets, 0, 0, found, (size_t)count);
  request->round.visit = add_visit;
  request->round.end = add_end;
  return post(request, done, user);
}
