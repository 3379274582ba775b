#include "net/reactor/internal/lookup.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "net/base/memory.h"
#include "net/reactor/owner.h"

struct evnet_lookup *lookup_of(struct lookup_job *job) {
  return (struct evnet_lookup *)((char *)job - offsetof(struct evnet_lookup, job));
}

void lookup_free(struct evnet_lookup *lookup) {
  evnet_release(NULL, lookup->addresses);
  evnet_release(NULL, lookup);
}

void lookup_keep(struct evnet_lookup *lookup, const struct evnet_address *addresses, int count) {
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

// On a thread of the pool

static void run(struct lookup_job *job) {
  struct evnet_lookup *lookup = lookup_of(job);
  if (lookup->named != NULL) {
    lookup->count = evnet_host_find_name(&lookup->address, lookup->host.name, lookup->refusal,
                                         sizeof lookup->refusal);
    return;
  }
  struct evnet_address addresses[EVNET_RESOLVER_ADDRESSES_MAX];
  const int count = evnet_host_resolve(&lookup->host, addresses, EVNET_RESOLVER_ADDRESSES_MAX,
                                       lookup->refusal, sizeof lookup->refusal);
  lookup_keep(lookup, addresses, count);
}

static void finish(struct lookup_job *job) {
  struct evnet_lookup *lookup = lookup_of(job);
  // While the job has a queue, the reactor exists and takes messages, because it ends the queue
  // first.
  if (job->queue == NULL || evnet_reactor_post_message(lookup->reactor, &lookup->message) < 0)
    lookup_free(lookup);
}

int lookup_submit(struct lookup_queue *queue, struct evnet_lookup *lookup) {
  lookup->job.run = run;
  lookup->job.finish = finish;
  return lookup_pool_submit(queue, &lookup->job);
}
