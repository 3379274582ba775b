// A new connection's way to its reactor: held against the limits and counted, given to the reactor
// that the balancer picks, and counted off when it closes. Those that are made from here, by
// evnet_dial, are counted, too. At connections_max accepting pauses,
// unless the rest is to be refused; the close that makes room, on whichever reactor, resumes it.
//
//   reactor 0, at the limit             a close, on any reactor
//   P1  accept_paused = true            C1  connections_open - 1, and there is room
//   P2  read connections_open           C2  read accept_paused
//
// All four are sequentially consistent. If P2 does not see C1, then C2 sees P1, and the close posts
// a resume. Only a resume clears accept_paused, and it resumes accepting and does P1 and P2 again
// after that: so accepting never stays paused while the mark is false, and a close that makes room
// always finds one of the two, the mark or a reactor that is about to look. accept_model_test.cc
// runs every order of these steps.
//
// Where each reactor listens (reuse_port) it keeps what it accepts, and what is too much is
// refused.
#include <errno.h>
#include <inttypes.h>

#include "net/server/internal/state.h"

// An accepted descriptor on its way to another reactor.
struct hand_over {
  struct evnet_message message;  // first: run gets a pointer to it
  struct server_reactor *target;
  struct evnet_address peer;
  int descriptor;
  uint8_t listener_index;
};

static bool is_full(struct evnet_server *server) {
  return __atomic_load_n(&server->connections_open, __ATOMIC_SEQ_CST) >=
         server->reactor_options.connections_max;
}

// Counts one more, unless that is too many. Several reactors may be about to take the last place.
static bool take_place(struct evnet_server *server, uint64_t most) {
  uint64_t open = __atomic_load_n(&server->connections_open, __ATOMIC_RELAXED);
  do {
    if (open >= most) return false;
  } while (!__atomic_compare_exchange_n(&server->connections_open, &open, open + 1, true,
                                        __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
  return true;
}

// Counts a new connection. Returns NULL, or the limit that it is over.
static const char *count_on(const struct server_reactor *acceptor,
                            const struct evnet_address *peer) {
  static const char full[] = "connections_max is reached";
  struct evnet_server *server = acceptor->server;
  const struct evnet_options *options = &server->options;
  // It is reactor 0 that pauses.
  const bool refuses =
      options->connections_full_action == EVNET_FULL_REFUSE || acceptor->index != 0;
  if (refuses && is_full(server)) return full;
  if (server->counts_addresses) {
    int status = evnet_address_counts_add(&server->address_counts, peer,
                                          options->connections_per_address_max);
    if (status == -ENOBUFS) return "connections_per_address_max is reached";
    if (status < 0) return evnet_status_message(status);
  }
  // Last, as what is counted here and at once off again might keep a close from resuming accepting.
  if (take_place(server, refuses ? server->reactor_options.connections_max : UINT64_MAX))
    return NULL;
  if (server->counts_addresses) evnet_address_counts_remove(&server->address_counts, peer);
  return full;
}

// Has reactor 0 find out whether it may accept.
static void post_resume(struct evnet_server *server) {
  if (__atomic_exchange_n(&server->resume_posted, true, __ATOMIC_SEQ_CST))
    return;  // on its way already
  // Refused only when reactor 0 has ended, which accepts nothing any more.
  struct evnet_reactor *main_reactor =
      __atomic_load_n(&server->reactors[0].reactor, __ATOMIC_ACQUIRE);
  if (evnet_reactor_post_message(main_reactor, &server->resume_message) < 0) {
    __atomic_store_n(&server->resume_posted, false, __ATOMIC_RELEASE);
  }
}

static void count_off(struct server_reactor *target) {
  struct evnet_server *server = target->server;
  __atomic_sub_fetch(&target->load, 1, __ATOMIC_RELAXED);
  uint64_t open = __atomic_sub_fetch(&server->connections_open, 1, __ATOMIC_SEQ_CST);
  if (open >= server->reactor_options.connections_max) return;
  if (__atomic_load_n(&server->accept_paused, __ATOMIC_SEQ_CST)) post_resume(server);
}

// The last one there was room for may have been taken elsewhere: what comes in has to wait.
static void have_reactor_0_pause(struct evnet_server *server) {
  if (server->options.connections_full_action == EVNET_FULL_PAUSE && is_full(server))
    post_resume(server);
}

// On reactor 0.
static void pause_if_full(struct evnet_server *server) {
  if (server->options.connections_full_action != EVNET_FULL_PAUSE || !is_full(server)) return;
  __atomic_store_n(&server->accept_paused, true, __ATOMIC_SEQ_CST);
  // If one has closed in between, the mark stays all the same: accepting may have been paused
  // before, and then another close needs the mark to resume it. Otherwise a mark too many costs one
  // message.
  if (is_full(server)) evnet_reactor_accept_pause(server->reactors[0].reactor);
}

void server_accept_if_room(struct evnet_server *server) {
  __atomic_store_n(&server->accept_paused, false, __ATOMIC_SEQ_CST);
  evnet_reactor_accept_resume(server->reactors[0].reactor);
  pause_if_full(server);  // a connection that was under way may have taken the room
}

void server_run_resume(struct evnet_message *message, void *context) {
  (void)context;
  struct evnet_server *server =
      (struct evnet_server *)((char *)message - offsetof(struct evnet_server, resume_message));
  __atomic_store_n(&server->resume_posted, false, __ATOMIC_SEQ_CST);
  server_accept_if_room(server);
}

// On self's thread.
static void note_refused(struct server_reactor *self, const struct evnet_address *peer,
                         const char *why) {
  __atomic_store_n(&self->refused, self->refused + 1, __ATOMIC_RELAXED);
  uint64_t count = evnet_log_limit_pass(&self->refused_log, evnet_reactor_now_ms(self->reactor));
  if (count == 0) return;
  char text[EVNET_ADDRESS_TEXT_BYTES];
  evnet_address_format(peer, text, sizeof text);
  evnet_log(&self->server->logger, EVNET_LOG_WARNING,
            "a connection from %s is refused: %s (%" PRIu64 " since the last such line)", text, why,
            count);
}

// One that was counted cannot be opened. Nothing is wrong when that is because of a stop.
static void give_up(struct server_reactor *self, struct server_reactor *target,
                    const struct evnet_address *peer, int status) {
  if (status != -ESHUTDOWN) note_refused(self, peer, evnet_status_message(status));
  struct evnet_server *server = target->server;
  if (server->counts_addresses) evnet_address_counts_remove(&server->address_counts, peer);
  count_off(target);
}

static void open_here(struct server_reactor *target, int descriptor,
                      const struct evnet_address *peer, uint8_t listener_index) {
  int status = evnet_reactor_open(target->reactor, descriptor, peer, listener_index);
  if (status < 0) give_up(target, target, peer, status);
}

static void run_hand_over(struct evnet_message *message, void *context) {
  (void)context;
  struct hand_over taken = *(struct hand_over *)message;
  evnet_release(taken.target->server->options.allocator, message);
  open_here(taken.target, taken.descriptor, &taken.peer, taken.listener_index);
}

static void hand_over(struct server_reactor *acceptor, struct server_reactor *target,
                      int descriptor, const struct evnet_address *peer, uint8_t listener_index) {
  struct evnet_server *server = target->server;
  struct hand_over *given = evnet_allocate(server->options.allocator, sizeof *given);
  int status = -ENOMEM;
  if (given != NULL) {
    *given = (struct hand_over){.message = {.run = run_hand_over, .bytes = sizeof *given},
                                .target = target,
                                .peer = *peer,
                                .descriptor = descriptor,
                                .listener_index = listener_index};
    status = evnet_reactor_post_message(target->reactor, &given->message);
  }
  if (status == 0) return;
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
  if (acceptor->index == 0) {
    pause_if_full(server);
  } else {
    have_reactor_0_pause(server);
  }
  if (target == acceptor) {
    open_here(target, descriptor, peer, listener_index);
  } else {
    hand_over(acceptor, target, descriptor, peer, listener_index);
  }
}

int server_claim(void *context) {
  struct server_reactor *self = context;
  struct evnet_server *server = self->server;
  const uint64_t most = server->reactor_options.connections_max;
  if (!take_place(server, most)) return -ENOBUFS;
  if (!self->claim_is_loaded) __atomic_add_fetch(&self->load, 1, __ATOMIC_RELAXED);
  self->claim_is_loaded = false;
  if (self->index == 0) {
    pause_if_full(server);  // now: more may come in this turn
  } else {
    have_reactor_0_pause(server);
  }
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
