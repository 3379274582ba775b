#include "net/reactor/resolver.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "net/base/thread.h"
#include "net/reactor/internal/state.h"

struct evnet_lookup {
  struct evnet_message message;  // first: run gets a pointer to it
  struct resolver *resolver;
  struct evnet_lookup *next;
  struct evnet_lookup **to_this;  // what points here while it waits, else NULL; under the mutex
  evnet_resolved_fn done;         // NULL: cancelled. The reactor's alone, as is arg
  void *arg;
  int count;  // of the addresses, or a negative status
  struct evnet_address addresses[EVNET_RESOLVER_ADDRESSES_MAX];
  char refusal[EVNET_ADDRESS_MESSAGE_BYTES];
  char text[];
};

struct asker {
  struct resolver *resolver;
  uint32_t index;
  pthread_t thread;
  bool busy;  // in getaddrinfo; under the mutex
};

struct resolver {
  struct evnet_reactor *reactor;  // until `ended`

  pthread_mutex_t mutex;   // of all that follows
  pthread_cond_t changed;  // a lookup waits, or it ended
  struct evnet_lookup *waiting_first;
  struct evnet_lookup **waiting_end;
  uint32_t waiting;
  struct asker askers[EVNET_RESOLVER_THREADS_MAX];
  uint32_t asker_count;
  uint32_t busy;
  uint32_t references;  // the threads and the reactor
  bool ended;
};

// With the mutex locked; leaves it unlocked.
static void drop_reference(struct resolver *resolver) {
  bool last = --resolver->references == 0;
  (void)pthread_mutex_unlock(&resolver->mutex);
  if (!last) return;
  (void)pthread_cond_destroy(&resolver->changed);
  (void)pthread_mutex_destroy(&resolver->mutex);
  evnet_release(NULL, resolver);
}

// Waiting, with the mutex locked

static void append_waiting(struct resolver *resolver, struct evnet_lookup *lookup) {
  lookup->next = NULL;
  lookup->to_this = resolver->waiting_end;
  *resolver->waiting_end = lookup;
  resolver->waiting_end = &lookup->next;
  resolver->waiting++;
}

static void remove_waiting(struct resolver *resolver, struct evnet_lookup *lookup) {
  *lookup->to_this = lookup->next;
  if (lookup->next != NULL) {
    lookup->next->to_this = lookup->to_this;
  } else {
    resolver->waiting_end = lookup->to_this;
  }
  lookup->to_this = NULL;
  resolver->waiting--;
}

// The threads

// Asks with the mutex unlocked.
static void ask(struct asker *self, struct evnet_lookup *lookup) {
  struct resolver *resolver = self->resolver;
  self->busy = true;
  resolver->busy++;
  (void)pthread_mutex_unlock(&resolver->mutex);
  lookup->count =
      evnet_address_resolve_all(lookup->text, lookup->addresses, EVNET_RESOLVER_ADDRESSES_MAX,
                                lookup->refusal, sizeof lookup->refusal);
  (void)pthread_mutex_lock(&resolver->mutex);
  self->busy = false;
  resolver->busy--;
  // The reactor is there, and takes messages: it takes the mutex before it goes.
  if (resolver->ended || evnet_reactor_post_message(resolver->reactor, &lookup->message) < 0)
    evnet_release(NULL, lookup);
}

static void *asker_main(void *argument) {
  struct asker *self = argument;
  struct resolver *resolver = self->resolver;
  evnet_thread_set_name("evnet-resolve", self->index);
  (void)pthread_mutex_lock(&resolver->mutex);
  while (!resolver->ended) {
    struct evnet_lookup *lookup = resolver->waiting_first;
    if (lookup != NULL) {
      remove_waiting(resolver, lookup);
      ask(self, lookup);
    } else {
      (void)pthread_cond_wait(&resolver->changed, &resolver->mutex);
    }
  }
  drop_reference(resolver);
  return NULL;
}

// With the mutex locked. Returns 0, or the error when there is no thread at all.
static int start_asker(struct resolver *resolver) {
  bool enough = resolver->waiting <= resolver->asker_count - resolver->busy;
  if (enough || resolver->asker_count == EVNET_RESOLVER_THREADS_MAX) return 0;
  struct asker *asker = &resolver->askers[resolver->asker_count];
  asker->resolver = resolver;
  asker->index = resolver->asker_count;
  int status = evnet_thread_create(&asker->thread, asker_main, asker);
  if (status < 0) return resolver->asker_count > 0 ? 0 : status;
  resolver->asker_count++;
  resolver->references++;
  return 0;
}

// The reactor's side

static struct resolver *create(struct evnet_reactor *reactor) {
  struct resolver *resolver = evnet_allocate_zeroed(NULL, sizeof *resolver);
  if (resolver == NULL) return NULL;
  resolver->reactor = reactor;
  resolver->waiting_end = &resolver->waiting_first;
  resolver->references = 1;
  // Neither can fail without attributes: pthread_mutex_init(3), pthread_cond_init(3).
  (void)pthread_mutex_init(&resolver->mutex, NULL);
  (void)pthread_cond_init(&resolver->changed, NULL);
  return resolver;
}

static void tell(struct evnet_message *message, void *context) {
  struct evnet_reactor *reactor = context;
  struct evnet_lookup *lookup = (struct evnet_lookup *)message;
  if (lookup->done != NULL && reactor->resolver != NULL) {  // NULL: the reactor ends
    if (lookup->count < 0 && evnet_log_limit_pass(&reactor->resolver_log, reactor->now_ms) > 0)
      evnet_log(&reactor->options.logger, EVNET_LOG_DEBUG, "%s", lookup->refusal);
    const int status = lookup->count < 0 ? lookup->count : 0;
    lookup->done(lookup->arg, status, lookup->addresses, status < 0 ? 0 : (size_t)lookup->count);
  }
  evnet_release(NULL, lookup);
}

static int submit(struct resolver *resolver, struct evnet_lookup *lookup) {
  (void)pthread_mutex_lock(&resolver->mutex);
  int status = resolver->waiting < EVNET_RESOLVER_WAITING_MAX ? 0 : -EAGAIN;
  if (status == 0) {
    append_waiting(resolver, lookup);
    status = start_asker(resolver);
    if (status < 0) remove_waiting(resolver, lookup);
    (void)pthread_cond_signal(&resolver->changed);
  }
  (void)pthread_mutex_unlock(&resolver->mutex);
  return status;
}

int evnet_resolver_look_up(struct evnet_reactor *reactor, const char *address_text,
                           evnet_resolved_fn done, void *arg, struct evnet_lookup **out_lookup) {
  if (reactor->stop_phase == STOP_DONE) return -ESHUTDOWN;
  if (reactor->resolver == NULL) reactor->resolver = create(reactor);
  if (reactor->resolver == NULL) return -ENOMEM;
  const size_t text_size = strlen(address_text) + 1;
  struct evnet_lookup *lookup = evnet_allocate_zeroed(NULL, sizeof *lookup + text_size);
  if (lookup == NULL) return -ENOMEM;
  lookup->message.run = tell;  // and of 0 bytes: no bound of the mailbox can refuse it
  lookup->resolver = reactor->resolver;
  lookup->done = done;
  lookup->arg = arg;
  memcpy(lookup->text, address_text, text_size);
  int status = submit(reactor->resolver, lookup);
  if (status < 0) {
    evnet_release(NULL, lookup);
    return status;
  }
  *out_lookup = lookup;
  return 0;
}

void evnet_resolver_cancel(struct evnet_lookup *lookup) {
  struct resolver *resolver = lookup->resolver;
  (void)pthread_mutex_lock(&resolver->mutex);
  bool is_waiting = lookup->to_this != NULL;
  if (is_waiting) remove_waiting(resolver, lookup);
  lookup->done = NULL;
  (void)pthread_mutex_unlock(&resolver->mutex);
  if (is_waiting) evnet_release(NULL, lookup);
}

void resolver_end(struct evnet_reactor *reactor) {
  struct resolver *resolver = reactor->resolver;
  if (resolver == NULL) return;
  reactor->resolver = NULL;
  pthread_t idle[EVNET_RESOLVER_THREADS_MAX];
  uint32_t idle_count = 0;
  (void)pthread_mutex_lock(&resolver->mutex);
  resolver->ended = true;
  while (resolver->waiting_first != NULL) {
    struct evnet_lookup *lookup = resolver->waiting_first;
    remove_waiting(resolver, lookup);
    evnet_release(NULL, lookup);
  }
  for (uint32_t i = 0; i < resolver->asker_count; i++) {
    struct asker *asker = &resolver->askers[i];
    if (asker->busy) {
      (void)pthread_detach(asker->thread);
    } else {
      idle[idle_count++] = asker->thread;
    }
  }
  (void)pthread_cond_broadcast(&resolver->changed);
  (void)pthread_mutex_unlock(&resolver->mutex);
  for (uint32_t i = 0; i < idle_count; i++) (void)pthread_join(idle[i], NULL);
  (void)pthread_mutex_lock(&resolver->mutex);
  drop_reference(resolver);
}
