#include "examples/proxy/upstream.h"

#include <string.h>

// The output function of SplitMix64 (G. Steele, D. Lea and C. Flood, 2014): each bit of the result
// depends on each bit of the input.
static uint64_t mix(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31);
}

// FNV-1a (G. Fowler, L. C. Noll and P. Vo). The operator chooses the addresses, so no key is needed.
static uint64_t hash_text(const char *text) {
  uint64_t hash = 0xcbf29ce484222325U;
  for (; *text != '\0'; text++) hash = (hash ^ (uint8_t)*text) * 0x100000001b3U;
  return hash;
}

void upstreams_init(struct upstreams *set, enum upstream_balancing balancing, uint64_t out_ms) {
  memset(set, 0, sizeof *set);
  pthread_mutex_init(&set->lock, NULL);
  set->balancing = balancing;
  set->out_ms = out_ms;
}

void upstreams_deinit(struct upstreams *set) { pthread_mutex_destroy(&set->lock); }

bool upstreams_add(struct upstreams *set, const char *address) {
  if (set->count == UPSTREAMS_MAX) return false;
  set->all[set->count++] = (struct upstream){.address = address, .hash = hash_text(address)};
  return true;
}

static bool was_tried(const struct upstream_use *use, size_t index) {
  return ((use->tried >> index) & 1) != 0;
}

static bool is_due(const struct upstream *upstream, uint64_t now_ms) {
  return upstream->failures > 0 && !upstream->on_trial && now_ms >= upstream->out_until_ms;
}

// Returns whether `a` is better than `b`. Both are in; `a` is later in turn.
static bool is_better(const struct upstreams *set, const struct upstream *a,
                      const struct upstream *b, uint64_t source) {
  switch (set->balancing) {
    case UPSTREAM_LEAST_CONNECTIONS:
      return a->connections < b->connections;
    case UPSTREAM_SOURCE_HASH:
      // Rendezvous hashing (D. Thaler and C. Ravishankar, 1998): the highest value wins.
      return mix(source ^ a->hash) > mix(source ^ b->hash);
    case UPSTREAM_ROUND_ROBIN:
      break;
  }
  return false;
}

// Returns the index of the best upstream that is in; -1 if there is none. With UPSTREAM_SOURCE_HASH,
// an upstream that is due for a trial takes part, so that its trial is a client of its own.
static int find_in(const struct upstreams *set, uint64_t now_ms, uint64_t source,
                   const struct upstream_use *use) {
  const bool by_source = set->balancing == UPSTREAM_SOURCE_HASH;
  int best = -1;
  for (size_t i = 0; i < set->count; i++) {
    const size_t index = (set->turn + i) % set->count;
    const struct upstream *upstream = &set->all[index];
    const bool takes_part = upstream->failures == 0 || (by_source && is_due(upstream, now_ms));
    if (!takes_part || was_tried(use, index)) continue;
    if (best < 0 || is_better(set, &set->all[index], &set->all[best], source)) best = (int)index;
  }
  return best;
}

// Returns the index of the upstream that has been due for a trial longest, or of the one that will
// be due first; -1 if there is none.
static int find_out(const struct upstreams *set, uint64_t now_ms, const struct upstream_use *use,
                    bool must_be_due) {
  int best = -1;
  for (size_t i = 0; i < set->count; i++) {
    const struct upstream *upstream = &set->all[i];
    if (upstream->failures == 0 || was_tried(use, i)) continue;
    if (must_be_due && !is_due(upstream, now_ms)) continue;
    if (best < 0 || upstream->out_until_ms < set->all[best].out_until_ms) best = (int)i;
  }
  return best;
}

const char *upstreams_choose(struct upstreams *set, uint64_t now_ms, uint64_t source,
                             struct upstream_use *use) {
  pthread_mutex_lock(&set->lock);
  // A trial comes first: it is one connection, and without it the upstream would stay out.
  int index = set->balancing != UPSTREAM_SOURCE_HASH ? find_out(set, now_ms, use, true) : -1;
  if (index < 0) index = find_in(set, now_ms, source, use);
  if (index < 0) index = find_out(set, now_ms, use, false);
  const char *address = NULL;
  if (index >= 0) {
    struct upstream *upstream = &set->all[index];
    use->was_in = upstream->failures == 0;
    use->is_trial = is_due(upstream, now_ms);
    upstream->on_trial = upstream->on_trial || use->is_trial;
    upstream->connections++;
    // A trial is not a turn.
    if (use->was_in) set->turn = ((size_t)index + 1) % set->count;
    use->tried |= UINT64_C(1) << index;
    address = upstream->address;
  }
  use->index = index;
  pthread_mutex_unlock(&set->lock);
  return address;
}

enum upstream_change upstreams_connected(struct upstreams *set, struct upstream_use *use) {
  pthread_mutex_lock(&set->lock);
  struct upstream *upstream = &set->all[use->index];
  const bool was_out = upstream->failures > 0;
  upstream->failures = 0;
  upstream->on_trial = false;
  use->is_trial = false;
  pthread_mutex_unlock(&set->lock);
  return was_out ? UPSTREAM_CAME_BACK : UPSTREAM_SAME;
}

enum upstream_change upstreams_failed(struct upstreams *set, struct upstream_use *use,
                                      uint64_t now_ms, uint64_t *out_ms) {
  enum upstream_change change = UPSTREAM_SAME;
  pthread_mutex_lock(&set->lock);
  struct upstream *upstream = &set->all[use->index];
  // Only the first one of several connects that fail together counts.
  if (use->is_trial || (use->was_in && upstream->failures == 0)) {
    const uint32_t doublings =
        upstream->failures < UPSTREAM_OUT_DOUBLINGS ? upstream->failures : UPSTREAM_OUT_DOUBLINGS;
    *out_ms = set->out_ms << doublings;
    upstream->out_until_ms = now_ms + *out_ms;
    upstream->failures = doublings + 1;
    upstream->on_trial = false;
    use->is_trial = false;
    change = UPSTREAM_WENT_OUT;
  }
  pthread_mutex_unlock(&set->lock);
  return change;
}

void upstreams_finish(struct upstreams *set, struct upstream_use *use) {
  if (use->index < 0) return;
  pthread_mutex_lock(&set->lock);
  struct upstream *upstream = &set->all[use->index];
  upstream->connections--;
  // The trial was cancelled, so the next connection is the trial.
  if (use->is_trial) upstream->on_trial = false;
  use->is_trial = false;
  use->index = -1;
  pthread_mutex_unlock(&set->lock);
}
