// How a new connection reaches its reactor. A place is one of the connections_max connections that
// may be open; the last dials_reserved of them are for dialled and adopted connections only. The
// acceptor takes a place, accepts the connection, and gives it to the reactor that the balancer
// picks. The close gives the place back. Dialled and adopted connections take a place, too.
//
//   in the backlog --admit: took a place--> accept(2) --> opened here, or handed over
//          ^         |                          |
//          |         +- no place: pause         +- no connection: the place is given back
//          +-- a place is given back, on any reactor: resume
//
// Each reactor that accepts pauses separately:
//
//   a reactor without a place           a place is given back, on any reactor
//   P1  paused_count + 1                G1  connections_open - 1
//   P2  accept_paused = true            G2  read paused_count
//   P3  try to take a place again       G3  read each accept_paused, post resume_message to it
//
// All steps are sequentially consistent. If P3 does not see G1, then G2 and G3 see P1 and P2, and
// the closing reactor posts a resume. Only the reactor itself clears its accept_paused: after P3
// has found a place (its listener is not paused then), or when it resumes. A dial never pauses a
// listener; if a dial took the last place, the next admit fails. accept_model_test.cc runs every
// order of these steps.
//
// While there is no place, accepting pauses, and the connection stays in the kernel's backlog. With
// EVNET_FULL_REFUSE the server accepts and resets it instead. If each reactor listens (reuse_port),
// a reactor keeps the connections that it accepts.
#include <errno.h>
#include <inttypes.h>

#include "net/base/text.h"
#include "net/server/internal/state.h"

// An accepted descriptor on its way to another reactor.
struct hand_over {
  struct evnet_message message;  // first member: run casts a pointer to it
  struct server_reactor *target;
  struct evnet_address peer;
  int descriptor;
  struct evnet_origin origin;
};

// Takes a place, if fewer than `most` are taken. Several reactors may compete for the last place.
static bool take_place_below(struct evnet_server *server, uint64_t most) {
  uint64_t open = __atomic_load_n(&server->connections_open, __ATOMIC_SEQ_CST);
  do {
    if (open >= most) return false;
  } while (!__atomic_compare_exchange_n(&server->connections_open, &open, open + 1, true,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
  return true;
}

// Takes a place for a connection to accept, not one of those that are reserved for dials.
static bool take_place(struct evnet_server *server) {
  return take_place_below(server, server->options.connections_max - server->options.dials_reserved);
}

static void post_resume(struct server_reactor *self) {
  if (__atomic_exchange_n(&self->resume_posted, 1, __ATOMIC_SEQ_CST)) return;  // already posted
  // The post fails only if the reactor has ended. An ended reactor accepts no connections.
  if (evnet_reactor_post_message(self->reactor, &self->resume_message) < 0)
    __atomic_store_n(&self->resume_posted, 0, __ATOMIC_SEQ_CST);
}

// Gives a place back and resumes every paused reactor, because only one of them may have a
// connection in its backlog.
static void give_place(struct evnet_server *server) {
  __atomic_sub_fetch(&server->connections_open, 1, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&server->paused_count, __ATOMIC_SEQ_CST) == 0) return;
  for (uint32_t i = 0; i < server->reactor_count; i++) {
    struct server_reactor *each = &server->reactors[i];
    if (__atomic_load_n(&each->accept_paused, __ATOMIC_SEQ_CST)) post_resume(each);
  }
}

// Runs on self's thread, the only thread that changes self->accept_paused. While accept_paused is
// visible, paused_count is above 0.
static void set_paused(struct server_reactor *self, bool paused) {
  if (paused) __atomic_add_fetch(&self->server->paused_count, 1, __ATOMIC_SEQ_CST);
  __atomic_store_n(&self->accept_paused, paused, __ATOMIC_SEQ_CST);
  if (!paused) __atomic_sub_fetch(&self->server->paused_count, 1, __ATOMIC_SEQ_CST);
}

// Sets accept_paused before the second try. A reactor that gives a place back either sees
// accept_paused, or gave it back before that try.
//
// Returns: true if the reactor is paused; false if the second try took a place.
static bool pause_without_place(struct server_reactor *self) {
  set_paused(self, true);
  if (!take_place(self->server)) {
    evnet_reactor_accept_pause(self->reactor);
    return true;
  }
  set_paused(self, false);
  return false;
}

void server_run_resume(struct evnet_message *message, void *context) {
  (void)context;
  struct server_reactor *self =
      (struct server_reactor *)((char *)message - offsetof(struct server_reactor, resume_message));
  // An exchange instead of a store: it synchronizes with post_resume calls that skipped their post
  // because this message was queued. The resume then sees the places that their callers gave back.
  (void)__atomic_exchange_n(&self->resume_posted, 0, __ATOMIC_SEQ_CST);
  if (!__atomic_load_n(&self->accept_paused, __ATOMIC_SEQ_CST)) return;
  set_paused(self, false);
  evnet_reactor_accept_resume(self->reactor);
}

bool server_admit(void *context) {
  struct server_reactor *self = context;
  // With EVNET_FULL_REFUSE, count_on takes the place after accept(2).
  if (self->server->options.connections_full_action == EVNET_FULL_REFUSE) return true;
  self->has_place = take_place(self->server) || !pause_without_place(self);
  return self->has_place;
}

void server_not_admitted(void *context) {
  struct server_reactor *self = context;
  if (self->has_place) give_place(self->server);
  self->has_place = false;
}

// Counts a connection's address. Returns NULL, or a text that says why the connection is refused.
static const char *count_address(struct evnet_server *server, const struct evnet_address *peer) {
  if (!server->counts_addresses) return NULL;
  int status = evnet_address_counts_add(&server->address_counts, peer,
                                        server->options.connections_per_address_max);
  if (status == -ENOBUFS) return "connections_per_address_max is reached";
  return status < 0 ? evnet_status_message(status) : NULL;
}

// Counts a new connection. Returns NULL, or a text that says why the connection is refused.
static const char *count_on(struct server_reactor *acceptor, const struct evnet_address *peer) {
  struct evnet_server *server = acceptor->server;
  const char *full = server->options.dials_reserved == 0
                         ? "connections_max is reached"
                         : "connections_max is reached, without dials_reserved";
  const bool had_place = acceptor->has_place;
  acceptor->has_place = false;
  if (!had_place && !take_place(server)) return full;
  const char *limit = count_address(server, peer);
  if (limit != NULL) give_place(server);
  return limit;
}

// Counts a connection of an address. The index of a removed address is free when none is left.
static void count_index(struct evnet_server *server, uint8_t listener_index, uint32_t by) {
  if (listener_index == EVNET_LISTENER_NONE) return;
  __atomic_add_fetch(&server->listening[listener_index].connections, by, __ATOMIC_RELAXED);
}

static void count_off(struct server_reactor *target) {
  __atomic_sub_fetch(&target->load, 1, __ATOMIC_RELAXED);
  give_place(target->server);
}

// Runs on self's thread.
static void note_refused(struct server_reactor *self, const struct evnet_address *peer,
                         const char *why) {
  __atomic_store_n(&self->refused, self->refused + 1, __ATOMIC_RELAXED);
  struct evnet_server *server = self->server;
  uint64_t count = evnet_log_limit_pass(&server->refused_log, evnet_reactor_now_ms(self->reactor));
  if (count == 0) return;
  char text[EVNET_TEXT_BYTES];
  evnet_log(&server->logger, EVNET_LOG_WARNING,
            "refused a connection from '%s': %s (%" PRIu64 " since the last report)",
            evnet_text_of_address(peer, text, sizeof text), why, count);
}

// Undoes the count of a connection that could not be opened. -ESHUTDOWN is not reported, because
// the server is stopping.
static void give_up(struct server_reactor *self, struct server_reactor *target,
                    const struct evnet_address *peer, uint8_t listener_index, int status) {
  if (status != -ESHUTDOWN) note_refused(self, peer, evnet_status_message(status));
  struct evnet_server *server = target->server;
  if (server->counts_addresses) evnet_address_counts_remove(&server->address_counts, peer);
  count_index(server, listener_index, UINT32_MAX);
  count_off(target);
}

static int open_here(struct server_reactor *target, int descriptor,
                     const struct evnet_address *peer, struct evnet_origin origin) {
  int status = evnet_reactor_open(target->reactor, descriptor, peer, origin);
  if (status < 0) give_up(target, target, peer, origin.listener_index, status);
  return status;
}

static void run_hand_over(struct evnet_message *message, void *context) {
  (void)context;
  struct hand_over taken = *(struct hand_over *)message;
  evnet_release(taken.target->server->options.allocator, message);
  const int status = open_here(taken.target, taken.descriptor, &taken.peer, taken.origin);
  // The target's next turn finds out whether it has drained. If the open failed, `drained` stays,
  // because an ended reactor opens nothing and has no next turn.
  if (status == 0) (void)server_drained(taken.target, false);
  server_remove_undrained(taken.target->server);
}

static void hand_over(struct server_reactor *acceptor, struct server_reactor *target,
                      int descriptor, const struct evnet_address *peer,
                      struct evnet_origin origin) {
  struct evnet_server *server = target->server;
  struct hand_over *given = evnet_allocate(server->options.allocator, sizeof *given);
  int status = -ENOMEM;
  server_add_undrained(server);  // a stop also waits for connections that are being handed over
  if (given != NULL) {
    *given = (struct hand_over){.message = {.run = run_hand_over, .bytes = sizeof *given},
                                .target = target,
                                .peer = *peer,
                                .descriptor = descriptor,
                                .origin = origin};
    status = evnet_reactor_post_message(target->reactor, &given->message);
  }
  if (status == 0) return;
  server_remove_undrained(server);
  evnet_release(server->options.allocator, given);
  give_up(acceptor, target, peer, origin.listener_index, status);
  evnet_reactor_discard(acceptor->reactor, descriptor);
}

static struct evnet_bytes source_of(const struct evnet_address *peer) {
  const struct sockaddr *any = &peer->socket.any;
  if (any->sa_family == AF_INET) {
    const struct in_addr *host = &peer->socket.ip4.sin_addr;
    return (struct evnet_bytes){.data = (const uint8_t *)host, .size = sizeof *host};
  }
  if (any->sa_family == AF_INET6) {
    const struct in6_addr *host = &peer->socket.ip6.sin6_addr;
    return (struct evnet_bytes){.data = (const uint8_t *)host, .size = sizeof *host};
  }
  return (struct evnet_bytes){0};
}

static size_t index_of(uint8_t listener_index) {
  return listener_index == EVNET_LISTENER_NONE ? SIZE_MAX : listener_index;
}

struct server_reactor *server_pick(struct evnet_server *server, const struct evnet_address *peer,
                                   uint8_t listener_index) {
  const struct evnet_options *options = &server->options;
  const uint32_t count = server->reactor_count;
  if (count == 1) return &server->reactors[0];
  if (options->balance != NULL || options->balancer == EVNET_LEAST_CONNECTIONS) {
    for (uint32_t i = 0; i < count; i++)
      server->loads[i] = __atomic_load_n(&server->reactors[i].load, __ATOMIC_RELAXED);
  }
  size_t index =
      options->balance != NULL
          ? options->balance(server->loads, count, peer, index_of(listener_index),
                             options->balance_user) %
                count
          : evnet_balancer_pick(&server->balancer, server->loads, count, source_of(peer));
  return &server->reactors[index];
}

void server_accepted(void *context, int descriptor, const struct evnet_address *peer,
                     struct evnet_origin origin) {
  struct server_reactor *acceptor = context;
  struct evnet_server *server = acceptor->server;
  const char *limit = count_on(acceptor, peer);
  if (limit != NULL) {
    note_refused(acceptor, peer, limit);
    evnet_reactor_discard(acceptor->reactor, descriptor);
    return;
  }
  // Only reactor 0 may use the balancer, because the balancer is not thread-safe.
  const bool keeps = server->spreads || acceptor->index != 0;
  struct server_reactor *target =
      keeps ? acceptor : server_pick(server, peer, origin.listener_index);
  __atomic_add_fetch(&target->load, 1, __ATOMIC_RELAXED);
  count_index(server, origin.listener_index, 1);
  if (target == acceptor) {
    (void)open_here(target, descriptor, peer, origin);
  } else {
    hand_over(acceptor, target, descriptor, peer, origin);
  }
}

int server_claim(void *context) {
  struct server_reactor *self = context;
  struct evnet_server *server = self->server;
  if (!take_place_below(server, server->options.connections_max)) return -ENOBUFS;
  if (!self->claim_is_loaded) __atomic_add_fetch(&self->load, 1, __ATOMIC_RELAXED);
  self->claim_is_loaded = false;
  return 0;
}

void server_unclaim(void *context) { count_off(context); }

void server_closed(void *context, const struct evnet_conn *conn) {
  struct server_reactor *target = context;
  struct evnet_server *server = target->server;
  if (server->counts_addresses && !evnet_reactor_was_claimed(conn)) {
    struct evnet_address peer;
    evnet_conn_remote_address(conn, &peer);
    evnet_address_counts_remove(&server->address_counts, &peer);
  }
  const int index = evnet_conn_listener_index(conn);
  if (index >= 0) count_index(server, (uint8_t)index, UINT32_MAX);
  count_off(target);
}
