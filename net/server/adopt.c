// How evnet_server_adopt reaches a reactor. Reactor 0 identifies the socket and picks the reactor,
// because only its thread may use the balancer. The picked reactor adopts the socket.
//
//   any thread --message--> reactor 0: pick --message--> picked reactor: evnet_adopt_with, done
#include "net/server/adopt.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "net/server/internal/state.h"

struct server_adopt {
  struct evnet_message message;  // first member: run casts a pointer to it
  struct evnet_server *server;
  struct server_reactor *target;
  void (*done)(struct evnet_conn_id id, int status, void *user);
  void *user;
  struct evnet_adopt_options options;
  struct evnet_handler handler;  // options.handler points to it
  int descriptor;
};

static void finish(struct server_adopt *adopt, struct evnet_conn_id id, int status) {
  if (status < 0) (void)close(adopt->descriptor);
  if (adopt->done != NULL) {
    adopt->done(id, status, adopt->user);
  } else if (status < 0) {
    evnet_log(&adopt->server->logger, EVNET_LOG_DEBUG, "cannot adopt descriptor %d: %s",
              adopt->descriptor, evnet_status_message(status));
  }
  evnet_release(adopt->server->options.allocator, adopt);
}

static void run_begin(struct evnet_message *message, void *context) {
  struct server_adopt *adopt = (struct server_adopt *)message;
  struct server_reactor *target = adopt->target;
  struct evnet_conn_id id = {0};
  // Already counted when the reactor was picked, as in dial.c.
  target->claim_is_loaded = true;
  const int status = evnet_adopt_with(context, adopt->descriptor, &adopt->options, &id);
  if (target->claim_is_loaded) __atomic_sub_fetch(&target->load, 1, __ATOMIC_RELAXED);
  target->claim_is_loaded = false;
  finish(adopt, id, status);
}

static void run_pick(struct evnet_message *message, void *context) {
  struct server_adopt *adopt = (struct server_adopt *)message;
  struct evnet_server *server = adopt->server;
  struct evnet_socket_kind kind;
  int status = evnet_reactor_identify(context, adopt->descriptor, &kind);
  if (status < 0) {
    finish(adopt, (struct evnet_conn_id){0}, status);
    return;
  }
  const bool stays = kind.is_listener || kind.is_bound;
  struct server_reactor *target =
      stays ? &server->reactors[0] : server_pick(server, &kind.peer, EVNET_LISTENER_NONE);
  // Count it now, so that several sockets posted in a row do not all go to the same reactor.
  __atomic_add_fetch(&target->load, 1, __ATOMIC_RELAXED);
  adopt->target = target;
  adopt->message.run = run_begin;
  if (target->reactor == context) {
    run_begin(message, context);
    return;
  }
  status = evnet_reactor_post_message(target->reactor, message);
  if (status == 0) return;
  __atomic_sub_fetch(&target->load, 1, __ATOMIC_RELAXED);
  finish(adopt, (struct evnet_conn_id){0}, status);
}

int evnet_server_adopt(struct evnet_server *server, int descriptor,
                       const struct evnet_adopt_options *options,
                       void (*done)(struct evnet_conn_id id, int status, void *user), void *user) {
  static const struct evnet_adopt_options defaults = {0};
  if (options == NULL) options = &defaults;
  if (fcntl(descriptor, F_GETFD) < 0) return -errno;
  // Before is_bound is set, reactors may not exist yet.
  if (!__atomic_load_n(&server->is_bound, __ATOMIC_ACQUIRE)) return -ENOTCONN;
  struct server_adopt *adopt = evnet_allocate(server->options.allocator, sizeof *adopt);
  if (adopt == NULL) return -ENOMEM;
  *adopt = (struct server_adopt){.message = {.run = run_pick, .bytes = sizeof *adopt},
                                 .server = server,
                                 .done = done,
                                 .user = user,
                                 .options = *options,
                                 .descriptor = descriptor};
  if (options->handler != NULL) {
    adopt->handler = *options->handler;
    adopt->options.handler = &adopt->handler;
  }
  const int status = evnet_reactor_post_message(evnet_server_reactor(server, 0), &adopt->message);
  if (status < 0) evnet_release(server->options.allocator, adopt);
  return status;
}
