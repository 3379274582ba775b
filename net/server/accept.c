// A new connection's way to its reactor: a place is taken for it, then it is accepted, given to the
// reactor that the balancer picks, and counted off when it closes. Connections that evnet_dial
// makes take a place, too.
//
//   a connection waits --admit: a place--> accept(2) --> opened here, or handed over
//          ^              |                    |
//          |              +- no place: pause   +- nothing came: the place is free again
//          +-- a place becomes free, on whichever reactor: resume
//
// Each reactor that accepts pauses by itself:
//
//   a reactor without a place           a place is given back, on any reactor
//   P1  paused_count + 1                G1  connections_open - 1
//   P2  accept_paused = true            G2  read paused_count
//   P3  try to take a place again       G3  read each accept_paused, post resume_message to it
//
// All of them are sequentially consistent. If P3 does not see G1, then G2 and G3 see P1 and P2, and
// a resume is posted. Only the reactor itself clears its mark: when P3 has found a place, as its
// listener is not paused then, or when it resumes. A dial only takes a place: the next admit
// finds out that there is none. accept_model_test.cc runs every order of these steps.
//
// Without a place accepting pauses, and the connection stays in the kernel's backlog. Only with
// EVNET_FULL_REFUSE is it accepted all the same, and reset. Where each reactor listens (reuse_port)
// it keeps what it accepts.
#include <errno.h>
#include <inttypes.h>

#include "net/base/text.h"
#include "net/server/internal/state.h"

// An accepted descriptor on its way to another reactor.
struct hand_over {
  struct evnet_message message;  // first: run gets a pointer to it
  struct server_reactor *target;
  struct evnet_address peer;
  int descriptor;
  uint8_t listener_index;
};

// Takes a place, unless there is none. Several reactors may be about to take the last one.
static bool take_place(struct evnet_server *server) {
  const uint64_t most = server->reactor_options.connections_max;
  uint64_t open = __atomic_load_n(&server->connections_open, __ATOMIC_SEQ_CST);
  do {
    if (open >= most) return false;
  } while (!__atomic_compare_exchange_n(&server->connections_open, &open, open + 1, true,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
  return true;
}

static void post_resume(struct server_reactor *self) {
  if (__atomic_exchange_n(&self->resume_posted, true, __ATOMIC_SEQ_CST))
    return;  // on its way already
  // Refused only when the reactor has ended, which accepts nothing any more.
  if (evnet_reactor_post_message(self->reactor, &self->resume_message) < 0)
    __atomic_store_n(&self->resume_posted, false, __ATOMIC_SEQ_CST);
}

// Gives a place back; the reactors that wait for one try again. Each of them may be the only one
// with a connection in its backlog.
static void give_place(struct evnet_server *server) {
  __atomic_sub_fetch(&server->connections_open, 1, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&server->paused_count, __ATOMIC_SEQ_CST) == 0) return;
  for (uint32_t i = 0; i < server->reactor_count; i++) {
    struct server_reactor *each = &server->reactors[i];
    if (__atomic_load_n(&each->accept_paused, __ATOMIC_SEQ_CST)) post_resume(each);
  }
}

// On self's thread, as only it changes its mark. The count is above 0 whenever the mark can be
// seen.
static void set_paused(struct server_reactor *self, bool paused) {
  if (paused) __atomic_add_fetch(&self->server->paused_count, 1, __ATOMIC_SEQ_CST);
  __atomic_store_n(&self->accept_paused, paused, __ATOMIC_SEQ_CST);
  if (!paused) __atomic_sub_fetch(&self->server->paused_count, 1, __ATOMIC_SEQ_CST);
}

// Marked first: who gives a place back either sees the mark, or did so before the second try.
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
  // An exchange, so that it sees what was counted off before a post that this message stands for.
  (void)__atomic_exchange_n(&self->resume_posted, false, __ATOMIC_SEQ_CST);
  if (!__atomic_load_n(&self->accept_paused, __ATOMIC_SEQ_CST)) return;
  set_paused(self, false);
  evnet_reactor_accept_resume(self->reactor);
}

bool server_admit(void *context) {
  struct server_reactor *self = context;
  // Else it is counted when the peer is known.
  if (self->server->options.connections_full_action == EVNET_FULL_REFUSE) return true;
  self->has_place = take_place(self->server) || !pause_without_place(self);
  return self->has_place;
}

void server_not_admitted(void *context) {
  struct server_reactor *self = context;
  if (self->has_place) give_place(self->server);
  self->has_place = false;
}

// Counts a connection's address.
// Returns NULL, or the limit that it is over.
static const char *count_address(struct evnet_server *server, const struct evnet_address *peer) {
  if (!server->counts_addresses) return NULL;
  int status = evnet_address_counts_add(&server->address_counts, peer,
                                        server->options.connections_per_address_max);
  if (status == -ENOBUFS) return "connections_per_address_max is reached";
  return status < 0 ? evnet_status_message(status) : NULL;
}

// Counts a new connection. Returns NULL, or the limit that it is over.
static const char *count_on(struct server_reactor *acceptor, const struct evnet_address *peer) {
  static const char full[] = "connections_max is reached";
  struct evnet_server *server = acceptor->server;
  const bool had_place = acceptor->has_place;
  acceptor->has_place = false;
  if (!had_place && !take_place(server)) return full;
  const char *limit = count_address(server, peer);
  if (limit != NULL) give_place(server);
  return limit;
}

static void count_off(struct server_reactor *target) {
  __atomic_sub_fetch(&target->load, 1, __ATOMIC_RELAXED);
  give_place(target->server);
}

// On self's thread.
static void note_refused(struct server_reactor *self, const struct evnet_address *peer,
                         const char *why) {
  __atomic_store_n(&self->refused, self->refused + 1, __ATOMIC_RELAXED);
  struct evnet_server *server = self->server;
  uint64_t count =
      evnet_log_limit_pass(&server->refused_log, evnet_reactor_clock_ms(self->reactor));
  if (count == 0) return;
  char text[EVNET_TEXT_BYTES];
  evnet_log(&server->logger, EVNET_LOG_WARNING,
            "refused a connection from '%s': %s (%" PRIu64 " since the last report)",
            evnet_text_of_address(peer, text, sizeof text), why, count);
}

// One that was counted cannot be opened. Nothing is wrong when that is because of a stop.
static void give_up(struct server_reactor *self, struct server_reactor *target,
                    const struct evnet_address *peer, int status) {
  if (status != -ESHUTDOWN) note_refused(self, peer, evnet_status_message(status));
  struct evnet_server *server = target->server;
  if (server->counts_addresses) evnet_address_counts_remove(&server->address_counts, peer);
  count_off(target);
}

static int open_here(struct server_reactor *target, int descriptor,
                     const struct evnet_address *peer, uint8_t listener_index) {
  int status = evnet_reactor_open(target->reactor, descriptor, peer, listener_index);
  if (status < 0) give_up(target, target, peer, status);
  return status;
}

static void run_hand_over(struct evnet_message *message, void *context) {
  (void)context;
  struct hand_over taken = *(struct hand_over *)message;
  evnet_release(taken.target->server->options.allocator, message);
  const int status = open_here(taken.target, taken.descriptor, &taken.peer, taken.listener_index);
  // Its next turn sees whether it is. A reactor that has ended opens nothing, and has no next turn.
  if (status == 0) (void)server_drained(taken.target, false);
  server_remove_undrained(taken.target->server);
}

static void hand_over(struct server_reactor *acceptor, struct server_reactor *target,
                      int descriptor, const struct evnet_address *peer, uint8_t listener_index) {
  struct evnet_server *server = target->server;
  struct hand_over *given = evnet_allocate(server->options.allocator, sizeof *given);
  int status = -ENOMEM;
  server_add_undrained(server);  // a stop waits for it, while it is on its way too
  if (given != NULL) {
    *given = (struct hand_over){.message = {.run = run_hand_over, .bytes = sizeof *given},
                                .target = target,
                                .peer = *peer,
                                .descriptor = descriptor,
                                .listener_index = listener_index};
    status = evnet_reactor_post_message(target->reactor, &given->message);
  }
  if (status == 0) return;
  server_remove_undrained(server);
  evnet_release(server->options.allocator, given);
  give_up(acceptor, target, peer, status);
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
                     uint8_t listener_index) {
  struct server_reactor *acceptor = context;
  struct evnet_server *server = acceptor->server;
  const char *limit = count_on(acceptor, peer);
  if (limit != NULL) {
    note_refused(acceptor, peer, limit);
    evnet_reactor_discard(acceptor->reactor, descriptor);
    return;
  }
  // The balancer is reactor 0's, too.
  const bool keeps = server->spreads || acceptor->index != 0;
  struct server_reactor *target = keeps ? acceptor : server_pick(server, peer, listener_index);
  __atomic_add_fetch(&target->load, 1, __ATOMIC_RELAXED);
  if (target == acceptor) {
    (void)open_here(target, descriptor, peer, listener_index);
  } else {
    hand_over(acceptor, target, descriptor, peer, listener_index);
  }
}

int server_claim(void *context) {
  struct server_reactor *self = context;
  struct evnet_server *server = self->server;
  if (!take_place(server)) return -ENOBUFS;
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
  count_off(target);
}
