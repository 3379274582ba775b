// The lookups of a reactor, on its thread.
//
//   look up --+--> the resolver of the option `resolve` --evnet_lookup_answer--+
//             +--> a simulated kernel ------------------------------------------+--> message --> done
//             +--> a thread of the pool (lookup.c) -----------------------------+
//
// The answer always comes by a message, so no callback runs inside the function that starts a
// lookup. A lookup leaves the table when it is answered, cancelled or ended.
#include "net/reactor/resolver.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "net/base/assert.h"
#include "net/base/text.h"
#include "net/reactor/internal/lookup.h"
#include "net/reactor/internal/lookup_pool.h"
#include "net/reactor/internal/lookup_table.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/resolver.h"
#include "net/reactor/owner.h"

struct resolver {
  struct lookup_queue queue;
  struct lookup_table table;
  bool has_begun;  // the resolver of the option `resolve` serves this reactor
  void *state;     // the resolver's
};

static struct resolver *create(const struct evnet_reactor *reactor) {
  struct resolver *resolver = evnet_allocate_zeroed(NULL, sizeof *resolver);
  if (resolver == NULL) return NULL;
  resolver->queue.running_max = (uint32_t)reactor->options.lookup_threads_max;
  lookup_pool_begin(&resolver->queue);
  return resolver;
}

// Answers

// Logs a failed lookup.
static void log_failure(struct evnet_reactor *reactor, const struct evnet_lookup *lookup) {
  if (evnet_log_limit_pass(&reactor->resolver_log, reactor->clock.now_ms) == 0) return;
  const struct evnet_logger *logger = &reactor->options.logger;
  char shown[EVNET_TEXT_BYTES];
  if (lookup->refusal[0] != '\0') {
    evnet_log(logger, EVNET_LOG_DEBUG, "cannot look up %s", lookup->refusal);
  } else if (lookup->named != NULL) {
    evnet_log(logger, EVNET_LOG_DEBUG, "cannot look up address '%s': %s",
              evnet_text_of_address(&lookup->address, shown, sizeof shown),
              evnet_status_message(lookup->count));
  } else {
    evnet_log(logger, EVNET_LOG_DEBUG, "cannot look up host '%s': %s",
              evnet_text_escape(lookup->host.name, shown, sizeof shown),
              evnet_status_message(lookup->count));
  }
}

// Takes a lookup out of the table: its callback is about to be called, or it was cancelled.
static void leave(struct evnet_lookup *lookup) {
  struct evnet_reactor *reactor = lookup->reactor;
  lookup->is_over = true;
  lookup_table_remove(&reactor->resolver->table, lookup->id);
  counter_add(&reactor->stats.lookups_pending, (uint64_t)-1);
}

static void call(const struct evnet_lookup *lookup, int status) {
  if (lookup->named != NULL) {
    lookup->named(lookup->arg, status, status < 0 ? NULL : lookup->host.name);
  } else {
    lookup->done(lookup->arg, status, status < 0 ? NULL : lookup->addresses,
                 status < 0 ? 0 : (size_t)lookup->count);
  }
}

static void tell(struct evnet_message *message, void *context) {
  struct evnet_reactor *reactor = context;
  struct evnet_lookup *lookup = (struct evnet_lookup *)message;
  if (!lookup->is_over) {
    leave(lookup);
    const int status = lookup->count < 0 ? lookup->count : 0;
    if (status < 0) {
      counter_add(&reactor->stats.lookups_failed, 1);
      log_failure(reactor, lookup);
    }
    call(lookup, status);
  }
  lookup_free(lookup);
}

static void answer(struct evnet_lookup *lookup) {
  lookup->is_hooked = false;
  lookup->is_answered = true;
  // It cannot fail: the message counts 0 bytes, and the mailbox is sealed after the last lookup.
  const int status = evnet_reactor_post_message(lookup->reactor, &lookup->message);
  EVNET_ASSERT(status == 0);
}

struct evnet_lookup *resolver_find(struct evnet_reactor *reactor, struct evnet_lookup_id id) {
  return reactor->resolver != NULL ? lookup_table_find(&reactor->resolver->table, id) : NULL;
}

int evnet_lookup_answer(struct evnet_reactor *reactor, struct evnet_lookup_id id, int status,
                        const struct evnet_address *addresses, size_t count) {
  struct evnet_lookup *lookup = resolver_find(reactor, id);
  if (lookup == NULL || !lookup->is_hooked || lookup->done == NULL) return -ESTALE;
  struct evnet_address kept[EVNET_RESOLVER_ADDRESSES_MAX];
  int kept_count = 0;
  for (size_t i = 0; status >= 0 && i < count && kept_count < EVNET_RESOLVER_ADDRESSES_MAX; i++) {
    if (evnet_host_accept(&lookup->host, &addresses[i], &kept[kept_count])) kept_count++;
  }
  lookup_keep(lookup, kept,
              status < 0       ? status
              : kept_count > 0 ? kept_count
                               : EVNET_STATUS_ADDRESS);
  answer(lookup);
  return 0;
}

int evnet_lookup_answer_name(struct evnet_reactor *reactor, struct evnet_lookup_id id, int status,
                             const char *name) {
  struct evnet_lookup *lookup = resolver_find(reactor, id);
  if (lookup == NULL || !lookup->is_hooked || lookup->named == NULL) return -ESTALE;
  if (status >= 0) status = evnet_host_name_is_plain(name) ? 0 : EVNET_STATUS_ADDRESS;
  if (status == 0) memcpy(lookup->host.name, name, strlen(name) + 1);
  lookup->count = status;
  answer(lookup);
  return 0;
}

// Beginning

// Passes a lookup to the resolver of the option `resolve`.
static int ask_hook(struct evnet_lookup *lookup) {
  struct evnet_reactor *reactor = lookup->reactor;
  struct resolver *resolver = reactor->resolver;
  const struct evnet_resolver *hook = reactor->options.resolve;
  if (!resolver->has_begun) {
    resolver->state = hook->begin != NULL ? NULL : hook->user;
    const int status = hook->begin != NULL ? hook->begin(reactor, hook->user, &resolver->state) : 0;
    if (status < 0) return status;
    resolver->has_begun = true;
  }
  lookup->is_hooked = true;
  lookup->is_beginning = true;
  const int status =
      lookup->named != NULL
          ? hook->find_name(resolver->state, reactor, lookup->id, &lookup->address, &lookup->query)
          : hook->find_addresses(resolver->state, reactor, lookup->id, &lookup->host,
                                 &lookup->query);
  lookup->is_beginning = false;
  EVNET_ASSERT(status >= 0 || !lookup->is_answered);  // the resolver answered and failed
  return status < 0 ? status : 0;
}

// Looks a name up in a simulated kernel, which has no reverse lookups. Returns -EOPNOTSUPP if the
// kernel is the system's.
static int ask_kernel(struct evnet_lookup *lookup) {
  struct evnet_address addresses[EVNET_RESOLVER_ADDRESSES_MAX];
  char text[EVNET_ADDRESS_TEXT_BYTES];
  if (lookup->reactor->options.kernel == NULL) return -EOPNOTSUPP;
  int count = EVNET_STATUS_ADDRESS;
  if (lookup->named == NULL) {
    (void)evnet_host_format(&lookup->host, text, sizeof text);
    count = evnet_poller_resolve(lookup->reactor->poller, text, addresses,
                                 EVNET_RESOLVER_ADDRESSES_MAX);
  }
  lookup_keep(lookup, addresses, count);
  answer(lookup);
  return 0;
}

static int ask(struct evnet_lookup *lookup) {
  struct evnet_reactor *reactor = lookup->reactor;
  const struct evnet_resolver *hook = reactor->options.resolve;
  if (lookup->count > 0) {  // its address is known
    answer(lookup);
    return 0;
  }
  if (hook != NULL && (lookup->named == NULL || hook->find_name != NULL)) return ask_hook(lookup);
  const int status = ask_kernel(lookup);
  return status == -EOPNOTSUPP ? lookup_submit(&reactor->resolver->queue, lookup) : status;
}

// Makes the record of a lookup, without a question yet.
static int prepare(struct evnet_reactor *reactor, void *arg, struct evnet_lookup **out_lookup) {
  if (reactor->stop.phase == STOP_DONE) return -ESHUTDOWN;
  if (reactor->resolver == NULL) reactor->resolver = create(reactor);
  if (reactor->resolver == NULL) return -ENOMEM;
  if (reactor->resolver->table.count >= reactor->options.lookups_max) return -EAGAIN;
  struct evnet_lookup *lookup = evnet_allocate_zeroed(NULL, sizeof *lookup);
  if (lookup == NULL) return -ENOMEM;
  lookup->message.run = tell;  // 0 bytes, so the mailbox's bound cannot refuse it
  lookup->reactor = reactor;
  lookup->arg = arg;
  *out_lookup = lookup;
  return 0;
}

static int begin(struct evnet_lookup *lookup, struct evnet_lookup **out_lookup) {
  struct evnet_reactor *reactor = lookup->reactor;
  int status = lookup_table_add(&reactor->resolver->table, lookup, &lookup->id);
  if (status == 0) {
    status = ask(lookup);
    if (status < 0) lookup_table_remove(&reactor->resolver->table, lookup->id);
  }
  if (status < 0) {
    lookup_free(lookup);
    return status;
  }
  counter_add(&reactor->stats.lookups, 1);
  counter_add(&reactor->stats.lookups_pending, 1);
  *out_lookup = lookup;
  return 0;
}

int evnet_resolver_look_up(struct evnet_reactor *reactor, const struct evnet_host *host,
                           evnet_resolved_fn done, void *arg, struct evnet_lookup **out_lookup) {
  struct evnet_lookup *lookup;
  const int status = prepare(reactor, arg, &lookup);
  if (status < 0) return status;
  lookup->done = done;
  lookup->host = *host;
  return begin(lookup, out_lookup);
}

int evnet_resolver_find_name(struct evnet_reactor *reactor, const struct evnet_address *address,
                             evnet_named_fn done, void *arg, struct evnet_lookup **out_lookup) {
  struct evnet_lookup *lookup;
  const int status = prepare(reactor, arg, &lookup);
  if (status < 0) return status;
  lookup->named = done;
  lookup->address = *address;
  return begin(lookup, out_lookup);
}

int evnet_resolver_give_address(struct evnet_reactor *reactor, const struct evnet_address *address,
                                evnet_resolved_fn done, void *arg,
                                struct evnet_lookup **out_lookup) {
  struct evnet_lookup *lookup;
  int status = prepare(reactor, arg, &lookup);
  if (status < 0) return status;
  lookup->done = done;
  lookup_keep(lookup, address, 1);
  if (lookup->count == 1) return begin(lookup, out_lookup);
  status = lookup->count;
  lookup_free(lookup);
  return status;
}

// Ending

// Ends a lookup that has left the table. The mailbox and the pool free the lookups that they hold.
static void drop(struct evnet_lookup *lookup) {
  const struct evnet_resolver *hook = lookup->reactor->options.resolve;
  if (lookup->is_hooked) {
    lookup->is_hooked = false;
    if (hook->cancel != NULL) hook->cancel(lookup->reactor->resolver->state, lookup->query);
    lookup_free(lookup);
  } else if (!lookup->is_answered && lookup_pool_cancel(&lookup->job)) {
    lookup_free(lookup);
  }
}

void evnet_resolver_cancel(struct evnet_lookup *lookup) {
  leave(lookup);
  drop(lookup);
}

// Ends all lookups. Their callbacks may cancel others.
static void end_lookups(struct evnet_reactor *reactor) {
  struct lookup_table *table = &reactor->resolver->table;
  for (uint32_t i = 0; i < table->slot_count; i++) {
    struct evnet_lookup *lookup = lookup_table_at(table, i);
    if (lookup == NULL) continue;
    leave(lookup);
    call(lookup, -ESHUTDOWN);
    drop(lookup);
  }
}

void resolver_end(struct evnet_reactor *reactor) {
  struct resolver *resolver = reactor->resolver;
  if (resolver == NULL) return;
  const struct evnet_resolver *hook = reactor->options.resolve;
  end_lookups(reactor);
  if (resolver->has_begun && hook->end != NULL) hook->end(resolver->state);
  reactor->resolver = NULL;
  const struct lookup_job *waiting = lookup_pool_end(&resolver->queue);
  EVNET_ASSERT(waiting == NULL);
  lookup_table_deinit(&resolver->table);
  evnet_release(NULL, resolver);
}
