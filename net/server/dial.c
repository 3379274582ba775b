// How evnet_server_dial reaches a reactor. Reactor 0 picks the reactor, because only its thread may
// use the balancer. The picked reactor dials.
//
//   any thread --message--> reactor 0: pick --message--> picked reactor: evnet_dial, done
#include "net/server/dial.h"

#include <errno.h>
#include <string.h>

#include "net/base/text.h"
#include "net/server/internal/state.h"

struct server_dial {
  struct evnet_message message;  // first member: run casts a pointer to it
  struct evnet_server *server;
  struct server_reactor *picked;  // the reactor that dials
  void (*done)(struct evnet_conn_id id, int status, void *user);
  void *user;
  struct evnet_dial_options options;  // its strings point into `texts`
  struct evnet_handler handler;       // options.handler, unless that is NULL
  struct evnet_dial_target target;    // points to `address` or into `texts`
  struct evnet_address address;
  char texts[];
};

static void finish(struct server_dial *dial, struct evnet_conn_id id, int status) {
  if (dial->done != NULL) {
    dial->done(id, status, dial->user);
  } else if (status < 0) {
    char shown[EVNET_TEXT_BYTES];
    const struct evnet_dial_target *target = &dial->target;
    if (target->address != NULL) {
      (void)evnet_text_of_address(target->address, shown, sizeof shown);
    } else {
      const char *text = target->text != NULL ? target->text : target->host;
      (void)evnet_text_escape(text, shown, sizeof shown);
    }
    evnet_log(&dial->server->logger, EVNET_LOG_DEBUG, "cannot dial '%s': %s", shown,
              evnet_status_message(status));
  }
  evnet_release(dial->server->options.allocator, dial);
}

static void run_begin(struct evnet_message *message, void *context) {
  struct server_dial *dial = (struct server_dial *)message;
  struct server_reactor *picked = dial->picked;
  struct evnet_conn_id id = {0};
  // Already counted when the reactor was picked. Counting it twice, even briefly, would skew the
  // balancer.
  picked->claim_is_loaded = true;
  const int status = evnet_dial_begin(context, &dial->target, &dial->options, &id);
  if (picked->claim_is_loaded) __atomic_sub_fetch(&picked->load, 1, __ATOMIC_RELAXED);
  picked->claim_is_loaded = false;
  finish(dial, id, status);
}

static void run_pick(struct evnet_message *message, void *context) {
  struct server_dial *dial = (struct server_dial *)message;
  static const struct evnet_address nobody = {0};
  struct server_reactor *picked = server_pick(dial->server, &nobody, EVNET_LISTENER_NONE);
  // Count it now, so that several dials posted in a row do not all go to the same reactor.
  __atomic_add_fetch(&picked->load, 1, __ATOMIC_RELAXED);
  dial->picked = picked;
  dial->message.run = run_begin;
  if (picked->reactor == context) {
    run_begin(message, context);
    return;
  }
  const int status = evnet_reactor_post_message(picked->reactor, message);
  if (status == 0) return;
  __atomic_sub_fetch(&picked->load, 1, __ATOMIC_RELAXED);
  finish(dial, (struct evnet_conn_id){0}, status);
}

static size_t size_of(const char *text) { return text != NULL ? strlen(text) + 1 : 0; }

// Appends a copy of a string at *end and moves *end past it.
static const char *copy(char **end, const char *text) {
  if (text == NULL) return NULL;
  char *to = *end;
  const size_t size = size_of(text);
  memcpy(to, text, size);
  *end += size;
  return to;
}

static struct server_dial *create(struct evnet_server *server,
                                  const struct evnet_dial_target *target,
                                  const struct evnet_dial_options *options) {
  const size_t size = sizeof(struct server_dial) + size_of(target->text) + size_of(target->host) +
                      size_of(options->source) + size_of(options->bind_to_device);
  struct server_dial *dial = evnet_allocate(server->options.allocator, size);
  if (dial == NULL) return NULL;
  *dial = (struct server_dial){
      .message = {.run = run_pick, .bytes = size}, .server = server, .options = *options};
  if (options->handler != NULL) {
    dial->handler = *options->handler;
    dial->options.handler = &dial->handler;
  }
  char *end = dial->texts;
  dial->target = *target;
  dial->target.text = copy(&end, target->text);
  dial->target.host = copy(&end, target->host);
  if (target->address != NULL) {
    dial->address = *target->address;
    dial->target.address = &dial->address;
  }
  dial->options.source = copy(&end, options->source);
  dial->options.bind_to_device = copy(&end, options->bind_to_device);
  return dial;
}

static int begin(struct evnet_server *server, const struct evnet_dial_target *target,
                 const struct evnet_dial_options *options,
                 void (*done)(struct evnet_conn_id id, int status, void *user), void *user) {
  static const struct evnet_dial_options defaults = {0};
  if (options == NULL) options = &defaults;
  int status = evnet_dial_check(&server->reactor_options, target, options);
  if (status < 0) return status;
  // Before is_bound is set, reactors may not exist yet.
  if (!__atomic_load_n(&server->is_bound, __ATOMIC_ACQUIRE)) return -ENOTCONN;
  struct server_dial *dial = create(server, target, options);
  if (dial == NULL) return -ENOMEM;
  dial->done = done;
  dial->user = user;
  status = evnet_reactor_post_message(evnet_server_reactor(server, 0), &dial->message);
  if (status < 0) evnet_release(server->options.allocator, dial);
  return status;
}

int evnet_server_dial(struct evnet_server *server, const char *address,
                      const struct evnet_dial_options *options,
                      void (*done)(struct evnet_conn_id id, int status, void *user), void *user) {
  const struct evnet_dial_target target = {.text = address};
  return begin(server, &target, options, done, user);
}

int evnet_server_dial_address(struct evnet_server *server, const struct evnet_address *address,
                              const struct evnet_dial_options *options,
                              void (*done)(struct evnet_conn_id id, int status, void *user),
                              void *user) {
  const struct evnet_dial_target target = {.address = address};
  return begin(server, &target, options, done, user);
}

int evnet_server_dial_host(struct evnet_server *server, enum evnet_transport transport,
                           const char *host, uint16_t port,
                           const struct evnet_dial_options *options,
                           void (*done)(struct evnet_conn_id id, int status, void *user),
                           void *user) {
  const struct evnet_dial_target target = {.host = host, .port = port, .transport = transport};
  return begin(server, &target, options, done, user);
}
