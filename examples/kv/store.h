// The databases: keys with values and times of expiry, shared by all reactors.
//
// The hash of a key decides its shard, and each shard has a mutex. A command locks the shards of its keys in
// ascending order, so commands on other shards run in parallel, and no two commands can wait for each other.
// With one reactor, no mutex is taken. The alternative, a reactor for each shard, would send every
// request whose key belongs to another reactor through two mailboxes; a lock that is free costs less than that.
#ifndef EVNET_EXAMPLES_KV_STORE_H_
#define EVNET_EXAMPLES_KV_STORE_H_

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "examples/kv/table.h"

enum {
  STORE_SHARD_BITS = 5,
  STORE_SHARDS =
      1
      << STORE_SHARD_BITS,  // a set of shards is a uint64_t; ThreadSanitizer permits 64 locks in a thread
  STORE_DATABASES = 16,
};

#define STORE_ALL_SHARDS (((uint64_t)1 << STORE_SHARDS) - 1)

struct shard {
  _Alignas(64) pthread_mutex_t mutex;
  struct table tables[STORE_DATABASES];
  size_t expiring[STORE_DATABASES];   // keys with a time of expiry
  uint64_t cursors[STORE_DATABASES];  // of the sweep
  struct watch **watches;             // chains by hash; NULL: there has been none
};

struct store {
  struct evnet_hash_key seed;
  bool is_shared;  // by several threads; otherwise no lock is taken. Set before the first use.
  struct shard shards[STORE_SHARDS];
  atomic_size_t bytes;           // of all shards when store_measure was last called
  atomic_uint_fast64_t expired;  // keys so far
};

// A key with its place. The bytes are the caller's.
struct key {
  const char *data;
  size_t size;
  uint64_t hash;
  struct shard *shard;
};

// A key that a connection watches: its change makes a transaction fail.
struct watch {
  struct watch *next;      // of the chain in the shard
  struct watch *own_next;  // of the connection's watches
  atomic_bool *changed;    // set to true when the key changes
  uint64_t hash;
  int database;
  bool was_expired;  // when the watch began
  size_t key_size;
  char key[];
};

// Returns 0, or a negative status if the system has no random bytes.
int store_init(struct store *store);
void store_deinit(struct store *store);

struct key store_key(struct store *store, const char *data, size_t size);

// Returns the set that contains the shard of a key.
uint64_t store_shard_of(const struct store *store, const struct key *key);

void store_lock(struct store *store, uint64_t shards);
void store_unlock(struct store *store, uint64_t shards);

// The following functions need the lock of the key's shard. `now_ms` is the time in milliseconds since 1970.

// store_find returns a key's entry, and marks it as used. An expired entry is removed: NULL.
struct entry *store_find(struct store *store, int database, const struct key *key, int64_t now_ms);

// store_peek is store_find, but does not mark the entry as used.
struct entry *store_peek(struct store *store, int database, const struct key *key, int64_t now_ms);

// These change a key, as the functions of table.h do, and count it as changed for those who watch it. They return NULL
// if memory runs out.
struct entry *store_put(struct store *store, int database, const struct key *key, const char *value,
                        size_t value_size, int64_t expires_ms, int64_t now_ms);
struct entry *store_resize(struct store *store, int database, const struct key *key,
                           struct entry *entry, size_t value_size);
struct entry *store_set_expiry(struct store *store, int database, const struct key *key,
                               struct entry *entry, int64_t expires_ms);
void store_remove(struct store *store, int database, const struct key *key, struct entry *entry);

// store_changed has to be called after a value was written in place.
void store_changed(struct store *store, int database, const struct key *key);

// store_watch begins to watch a key. Returns NULL if memory runs out.
struct watch *store_watch(struct store *store, int database, const struct key *key,
                          atomic_bool *changed, int64_t now_ms);

// store_watches returns whether a key is watched with this flag.
bool store_watches(struct store *store, int database, const struct key *key,
                   const atomic_bool *changed);

// store_unwatch ends a watch and frees it.
void store_unwatch(struct store *store, struct watch *watch);

// store_is_expired returns whether a watched key has expired since the watch began.
bool store_is_expired(struct store *store, const struct watch *watch, int64_t now_ms);

// The following functions need the locks of all shards.

size_t store_count(struct store *store, int database);
size_t store_count_expiring(struct store *store, int database);

// store_clear removes all keys of a database, or of all for -1. The caller frees *out_garbage by store_free_garbage, which
// needs no lock, as it takes long.
struct garbage;
void store_clear(struct store *store, int database, struct garbage **out_garbage);
void store_free_garbage(struct garbage *garbage);

// store_swap exchanges two databases.
void store_swap(struct store *store, int first, int second);

// store_measure computes the size of all entries. It takes the locks itself, one after the other.
void store_measure(struct store *store);

// store_sweep removes expired keys of a shard, and looks at a bounded part of it. It takes the lock itself.
//
// Returns: whether a considerable part of what it saw had expired, so that a further call is worth its time.
bool store_sweep(struct store *store, unsigned shard, int64_t now_ms);

#endif  // EVNET_EXAMPLES_KV_STORE_H_
