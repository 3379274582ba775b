#include "net/reactor/resolver.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "net/base/text.h"
#include "net/reactor/internal/lookup_pool.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/resolver.h"
#include "net/reactor/owner.h"

struct evnet_lookup {
  struct evnet_message message;  // first, because run gets a pointer to it
  struct lookup_job job;
  struct evnet_reactor *reactor;  // valid until the queue has ended
  // NULL if cancelled. Only the reactor's thread uses this field and `arg`.
  evnet_resolved_fn done;
  void *arg;
  int count;  // the number of addresses, or a negative status
  struct evnet_address *addresses;
  char refusal[EVNET_ADDRESS_MESSAGE_BYTES];
  char text[];
};

struct resolver {
  struct lookup_queue queue;
};

static struct evnet_lookup *lookup_of(struct lookup_job *job) {
  return (struct evnet_lookup *)((char *)job - offsetof(struct evnet_lookup, job));
}

static void free_lookup(struct evnet_lookup *lookup) {
  evnet_release(NULL, lookup->addresses);
  evnet_release(NULL, lookup);
}

// On a thread of the pool

// Keeps the result. `count` is the return value of evnet_address_resolve_all.
static void keep_addresses(struct evnet_lookup *lookup, const struct evnet_address *addresses,
                           int count) {
  lookup->count = count;
  if (count <= 0) return;
  const size_t size = (size_t)count * sizeof *addresses;
  lookup->addresses = evnet_allocate(NULL, size);
  if (lookup->addresses == NULL) {
    lookup->count = -ENOMEM;
  } else {
    memcpy(lookup->addresses, addresses, size);
  }
}

static void run(struct lookup_job *job) {
  struct evnet_lookup *lookup = lookup_of(job);
  struct evnet_address addresses[EVNET_RESOLVER_ADDRESSES_MAX];
  const int count = evnet_address_resolve_all(lookup->text, addresses, EVNET_RESOLVER_ADDRESSES_MAX,
                                              lookup->refusal, sizeof lookup->refusal);
  keep_addresses(lookup, addresses, count);
}

static void finish(struct lookup_job *job) {
  struct evnet_lookup *lookup = lookup_of(job);
  // While the job has a queue, the reactor exists and takes messages, because it ends the queue
  // first.
  if (job->queue == NULL || evnet_reactor_post_message(lookup->reactor, &lookup->message) < 0)
    free_lookup(lookup);
}

// On the reactor's thread

static struct resolver *create(const struct evnet_reactor *reactor) {
  struct resolver *resolver = evnet_allocate_zeroed(NULL, sizeof *resolver);
  if (resolver == NULL) return NULL;
  resolver->queue.running_max = (uint32_t)reactor->options.lookup_threads_max;
  resolver->queue.waiting_max = EVNET_RESOLVER_WAITING_MAX;
  lookup_pool_begin(&resolver->queue);
  return resolver;
}

// Logs a failed lookup. `refusal` is empty if the addresses were found and could not be kept.
static void log_failure(struct evnet_reactor *reactor, const struct evnet_lookup *lookup) {
  if (evnet_log_limit_pass(&reactor->resolver_log, reactor->clock.now_ms) == 0) return;
  const struct evnet_logger *logger = &reactor->options.logger;
  if (lookup->refusal[0] != '\0') {
    evnet_log(logger, EVNET_LOG_DEBUG, "%s", lookup->refusal);
    return;
  }
  char shown[EVNET_TEXT_BYTES];
  evnet_log(logger, EVNET_LOG_DEBUG, "address '%s': %s",
            evnet_text_escape(lookup->text, shown, sizeof shown),
            evnet_status_message(lookup->count));
}

static void tell(struct evnet_message *message, void *context) {
  struct evnet_reactor *reactor = context;
  struct evnet_lookup *lookup = (struct evnet_lookup *)message;
  // The resolver is NULL while the reactor ends.
  if (lookup->done != NULL && reactor->resolver != NULL) {
    if (lookup->count < 0) log_failure(reactor, lookup);
    const int status = lookup->count < 0 ? lookup->count : 0;
    lookup->done(lookup->arg, status, lookup->addresses, status < 0 ? 0 : (size_t)lookup->count);
  }
  free_lookup(lookup);
}

// Looks the name up in a simulated kernel. Returns -EOPNOTSUPP if the kernel is the system's.
static int look_up_inside(struct evnet_reactor *reactor, struct evnet_lookup *lookup) {
  struct evnet_address addresses[EVNET_RESOLVER_ADDRESSES_MAX];
  const int count =
      evnet_poller_resolve(reactor->poller, lookup->text, addresses, EVNET_RESOLVER_ADDRESSES_MAX);
  if (count == -EOPNOTSUPP) return count;
  keep_addresses(lookup, addresses, count);
  return evnet_reactor_post_message(reactor, &lookup->message);
}

int evnet_resolver_look_up(struct evnet_reactor *reactor, const char *address_text,
                           evnet_resolved_fn done, void *arg, struct evnet_lookup **out_lookup) {
  if (reactor->stop.phase == STOP_DONE) return -ESHUTDOWN;
  if (reactor->resolver == NULL) reactor->resolver = create(reactor);
  if (reactor->resolver == NULL) return -ENOMEM;
  const size_t text_size = strlen(address_text) + 1;
  struct evnet_lookup *lookup = evnet_allocate_zeroed(NULL, sizeof *lookup + text_size);
  if (lookup == NULL) return -ENOMEM;
  lookup->message.run = tell;  // 0 bytes, so the mailbox's bound cannot refuse it
  lookup->job.run = run;
  lookup->job.finish = finish;
  lookup->reactor = reactor;
  lookup->done = done;
  lookup->arg = arg;
  memcpy(lookup->text, address_text, text_size);
  int status = look_up_inside(reactor, lookup);
  if (status == -EOPNOTSUPP) status = lookup_pool_submit(&reactor->resolver->queue, &lookup->job);
  if (status < 0) {
    free_lookup(lookup);
    return status;
  }
  *out_lookup = lookup;
  return 0;
}

void evnet_resolver_cancel(struct evnet_lookup *lookup) {
  lookup->done = NULL;
  const bool is_of_pool = lookup->job.queue != NULL;
  if (is_of_pool && lookup_pool_cancel(&lookup->job)) free_lookup(lookup);
}

void resolver_end(struct evnet_reactor *reactor) {
  struct resolver *resolver = reactor->resolver;
  if (resolver == NULL) return;
  reactor->resolver = NULL;
  struct lookup_job *waiting = lookup_pool_end(&resolver->queue);
  while (waiting != NULL) {
    struct lookup_job *next = waiting->next;
    free_lookup(lookup_of(waiting));
    waiting = next;
  }
  evnet_release(NULL, resolver);
}
