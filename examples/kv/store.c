#include "examples/kv/store.h"

#include <stdlib.h>
#include <string.h>

enum {
  WATCH_CHAINS = 256,
  // The bounds of one sweep of a shard.
  SWEEP_CHAINS = 200,
  SWEEP_KEYS = 200,
};

int store_init(struct store *store) {
  for (unsigned i = 0; i < STORE_SHARDS; i++)
    (void)pthread_mutex_init(&store->shards[i].mutex, NULL);
  return evnet_hash_key_make(&store->seed);
}

void store_deinit(struct store *store) {
  for (unsigned i = 0; i < STORE_SHARDS; i++) {
    struct shard *shard = &store->shards[i];
    for (int database = 0; database < STORE_DATABASES; database++)
      table_clear(&shard->tables[database]);
    free(shard->watches);
    (void)pthread_mutex_destroy(&shard->mutex);
  }
}

// The table uses the low bits.
static unsigned shard_index(uint64_t hash) { return (unsigned)(hash >> (64 - STORE_SHARD_BITS)); }

struct key store_key(struct store *store, const char *data, size_t size) {
  const uint64_t hash = evnet_hash(&store->seed, data, size);
  return (struct key){data, size, hash, &store->shards[shard_index(hash)]};
}

uint64_t store_shard_of(const struct store *store, const struct key *key) {
  (void)store;
  return (uint64_t)1 << shard_index(key->hash);
}

void store_lock(struct store *store, uint64_t shards) {
  if (!store->is_shared) return;
  for (; shards != 0; shards &= shards - 1)
    (void)pthread_mutex_lock(&store->shards[__builtin_ctzll(shards)].mutex);
}

void store_unlock(struct store *store, uint64_t shards) {
  if (!store->is_shared) return;
  for (; shards != 0; shards &= shards - 1)
    (void)pthread_mutex_unlock(&store->shards[__builtin_ctzll(shards)].mutex);
}

// Watches

static struct watch **watch_chain(struct shard *shard, uint64_t hash) {
  return &shard->watches[hash % WATCH_CHAINS];
}

static void mark_watches(int database, const struct key *key, bool by_expiry) {
  if (key->shard->watches == NULL) return;
  for (struct watch *watch = *watch_chain(key->shard, key->hash); watch != NULL;
       watch = watch->next) {
    if (watch->database != database || watch->key_size != key->size ||
        memcmp(watch->key, key->data, key->size) != 0)
      continue;
    // The removal of a key that had expired before the watch does not count as a change.
    if (!by_expiry || !watch->was_expired)
      atomic_store_explicit(watch->changed, true, memory_order_release);
    if (by_expiry) watch->was_expired = false;
  }
}

void store_changed(struct store *store, int database, const struct key *key) {
  (void)store;
  mark_watches(database, key, false);
}

static bool has_expired(const struct entry *entry, int64_t now_ms) {
  return entry->has_expiry && entry_expires_ms(entry) < now_ms;
}

struct watch *store_watch(struct store *store, int database, const struct key *key,
                          atomic_bool *changed, int64_t now_ms) {
  (void)store;
  struct shard *shard = key->shard;
  if (shard->watches == NULL) shard->watches = calloc(WATCH_CHAINS, sizeof *shard->watches);
  struct watch *watch = shard->watches != NULL ? malloc(sizeof *watch + key->size) : NULL;
  if (watch == NULL) return NULL;
  const struct entry *entry = table_find(&shard->tables[database], key->hash, key->data, key->size);
  *watch = (struct watch){.next = *watch_chain(shard, key->hash),
                          .changed = changed,
                          .hash = key->hash,
                          .database = database,
                          .was_expired = entry != NULL && has_expired(entry, now_ms),
                          .key_size = key->size};
  memcpy(watch->key, key->data, key->size);
  *watch_chain(shard, key->hash) = watch;
  return watch;
}

bool store_watches(struct store *store, int database, const struct key *key,
                   const atomic_bool *changed) {
  (void)store;
  if (key->shard->watches == NULL) return false;
  for (const struct watch *watch = *watch_chain(key->shard, key->hash); watch != NULL;
       watch = watch->next) {
    if (watch->changed == changed && watch->database == database && watch->key_size == key->size &&
        memcmp(watch->key, key->data, key->size) == 0)
      return true;
  }
  return false;
}

void store_unwatch(struct store *store, struct watch *watch) {
  struct watch **at = watch_chain(&store->shards[shard_index(watch->hash)], watch->hash);
  while (*at != watch) at = &(*at)->next;
  *at = watch->next;
  free(watch);
}

bool store_is_expired(struct store *store, const struct watch *watch, int64_t now_ms) {
  if (watch->was_expired) return false;
  struct table *table = &store->shards[shard_index(watch->hash)].tables[watch->database];
  const struct entry *entry = table_find(table, watch->hash, watch->key, watch->key_size);
  return entry != NULL && has_expired(entry, now_ms);
}

// Keys

// Counts an entry as one that expires, or no longer does.
static void count_expiring(struct shard *shard, int database, bool before, bool after) {
  if (after && !before) shard->expiring[database]++;
  if (before && !after) shard->expiring[database]--;
}

static void take_away(struct store *store, int database, const struct key *key, struct entry *entry,
                      bool by_expiry) {
  count_expiring(key->shard, database, entry->has_expiry, false);
  mark_watches(database, key, by_expiry);
  table_remove(&key->shard->tables[database], &store->seed, key->hash, entry);
}

static void expire(struct store *store, int database, const struct key *key, struct entry *entry) {
  take_away(store, database, key, entry, true);
  atomic_fetch_add_explicit(&store->expired, 1, memory_order_relaxed);
}

struct entry *store_peek(struct store *store, int database, const struct key *key, int64_t now_ms) {
  struct entry *entry = table_find(&key->shard->tables[database], key->hash, key->data, key->size);
  if (entry == NULL || !has_expired(entry, now_ms)) return entry;
  expire(store, database, key, entry);
  return NULL;
}

struct entry *store_find(struct store *store, int database, const struct key *key, int64_t now_ms) {
  struct entry *entry = store_peek(store, database, key, now_ms);
  if (entry != NULL) entry->used_s = (uint32_t)(now_ms / 1000);
  return entry;
}

struct entry *store_put(struct store *store, int database, const struct key *key, const char *value,
                        size_t value_size, int64_t expires_ms, int64_t now_ms) {
  struct shard *shard = key->shard;
  const bool may_expire = shard->expiring[database] > 0;
  const struct entry *before =
      may_expire ? table_find(&shard->tables[database], key->hash, key->data, key->size) : NULL;
  const bool did_expire = before != NULL && before->has_expiry;
  struct entry *entry = table_put(&shard->tables[database], &store->seed, key->hash, key->data,
                                  key->size, value, value_size, expires_ms);
  if (entry == NULL) return NULL;
  entry->used_s = (uint32_t)(now_ms / 1000);
  count_expiring(shard, database, did_expire, expires_ms >= 0);
  store_changed(store, database, key);
  return entry;
}

struct entry *store_resize(struct store *store, int database, const struct key *key,
                           struct entry *entry, size_t value_size) {
  entry = table_resize(&key->shard->tables[database], key->hash, entry, value_size);
  if (entry != NULL) store_changed(store, database, key);
  return entry;
}

struct entry *store_set_expiry(struct store *store, int database, const struct key *key,
                               struct entry *entry, int64_t expires_ms) {
  const bool did_expire = entry->has_expiry;
  entry = table_set_expiry(&key->shard->tables[database], key->hash, entry, expires_ms);
  if (entry == NULL) return NULL;
  count_expiring(key->shard, database, did_expire, expires_ms >= 0);
  store_changed(store, database, key);
  return entry;
}

void store_remove(struct store *store, int database, const struct key *key, struct entry *entry) {
  take_away(store, database, key, entry, false);
}

// Databases

size_t store_count(struct store *store, int database) {
  size_t count = 0;
  for (unsigned i = 0; i < STORE_SHARDS; i++)
    count += table_count(&store->shards[i].tables[database]);
  return count;
}

size_t store_count_expiring(struct store *store, int database) {
  size_t count = 0;
  for (unsigned i = 0; i < STORE_SHARDS; i++) count += store->shards[i].expiring[database];
  return count;
}

struct garbage {
  size_t count;
  struct table tables[STORE_SHARDS * STORE_DATABASES];
};

// Marks the watched keys that exist in a database.
static void change_watched(struct shard *shard, int database) {
  if (shard->watches == NULL) return;
  for (int i = 0; i < WATCH_CHAINS; i++) {
    for (struct watch *watch = shard->watches[i]; watch != NULL; watch = watch->next) {
      if (watch->database == database &&
          table_find(&shard->tables[database], watch->hash, watch->key, watch->key_size) != NULL)
        atomic_store_explicit(watch->changed, true, memory_order_release);
    }
  }
}

static void clear(struct shard *shard, int database, struct garbage *garbage) {
  struct table *table = &shard->tables[database];
  change_watched(shard, database);
  shard->expiring[database] = 0;
  shard->cursors[database] = 0;
  if (table->chains[0] == NULL) return;
  if (garbage != NULL) {
    garbage->tables[garbage->count++] = *table;
    *table = (struct table){0};
  } else {
    table_clear(table);
  }
}

void store_clear(struct store *store, int database, struct garbage **out_garbage) {
  // Without memory for the list, the entries are freed here.
  *out_garbage = calloc(1, sizeof **out_garbage);
  for (unsigned i = 0; i < STORE_SHARDS; i++) {
    for (int each = 0; each < STORE_DATABASES; each++) {
      if (database < 0 || each == database) clear(&store->shards[i], each, *out_garbage);
    }
  }
}

void store_free_garbage(struct garbage *garbage) {
  if (garbage == NULL) return;
  for (size_t i = 0; i < garbage->count; i++) table_clear(&garbage->tables[i]);
  free(garbage);
}

void store_swap(struct store *store, int first, int second) {
  for (unsigned i = 0; i < STORE_SHARDS; i++) {
    struct shard *shard = &store->shards[i];
    // A watched key changes if it exists on either side.
    change_watched(shard, first);
    change_watched(shard, second);
    const struct table table = shard->tables[first];
    const size_t expiring = shard->expiring[first];
    shard->tables[first] = shard->tables[second];
    shard->expiring[first] = shard->expiring[second];
    shard->tables[second] = table;
    shard->expiring[second] = expiring;
    change_watched(shard, first);
    change_watched(shard, second);
  }
}

void store_measure(struct store *store) {
  size_t bytes = 0;
  for (unsigned i = 0; i < STORE_SHARDS; i++) {
    struct shard *shard = &store->shards[i];
    store_lock(store, (uint64_t)1 << i);
    for (int database = 0; database < STORE_DATABASES; database++)
      bytes += shard->tables[database].bytes;
    store_unlock(store, (uint64_t)1 << i);
  }
  atomic_store_explicit(&store->bytes, bytes, memory_order_relaxed);
}

// The sweep

struct sweep {
  int64_t now_ms;
  size_t seen;  // entries with a time of expiry
  size_t count;
  struct entry *expired[SWEEP_KEYS];
};

static void look(struct entry *entry, void *user) {
  struct sweep *sweep = user;
  if (!entry->has_expiry) return;
  sweep->seen++;
  if (has_expired(entry, sweep->now_ms) && sweep->count < SWEEP_KEYS)
    sweep->expired[sweep->count++] = entry;
}

static void sweep_database(struct store *store, struct shard *shard, int database,
                           struct sweep *sweep) {
  sweep->count = 0;
  uint64_t cursor = shard->cursors[database];
  for (int i = 0; i < SWEEP_CHAINS && sweep->count < SWEEP_KEYS; i++) {
    cursor = table_scan(&shard->tables[database], cursor, look, sweep);
    if (cursor == 0) break;
  }
  shard->cursors[database] = cursor;
  for (size_t i = 0; i < sweep->count; i++) {
    struct entry *entry = sweep->expired[i];
    const struct key key = store_key(store, entry_key(entry), entry->key_size);
    expire(store, database, &key, entry);
  }
}

bool store_sweep(struct store *store, unsigned index, int64_t now_ms) {
  struct shard *shard = &store->shards[index];
  struct sweep sweep = {.now_ms = now_ms};
  bool goes_on = false;
  store_lock(store, (uint64_t)1 << index);
  for (int database = 0; database < STORE_DATABASES; database++) {
    if (shard->expiring[database] == 0) continue;
    sweep.seen = 0;
    sweep_database(store, shard, database, &sweep);
    goes_on = goes_on || (sweep.count > 10 && sweep.count * 4 > sweep.seen);
  }
  store_unlock(store, (uint64_t)1 << index);
  return goes_on;
}
