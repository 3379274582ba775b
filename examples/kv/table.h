// A hash table of keys and values, which are strings of bytes. It does not use evnet's event loop.
//
// It grows and shrinks step by step: each insertion and removal moves a few chains to the new array,
// so no call takes long. An entry is one block of memory. The hash is seeded, so that a client cannot
// choose keys of one chain.
#ifndef EVNET_EXAMPLES_KV_TABLE_H_
#define EVNET_EXAMPLES_KV_TABLE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/base/hash.h"

#ifdef __cplusplus
extern "C" {
#endif

// The largest size of a key and of a value: Redis's proto-max-bulk-len.
enum { TABLE_STRING_BYTES_MAX = 512 * 1024 * 1024 };

struct entry {
  struct entry *next;  // of the chain
  uint32_t key_size : 30;
  uint32_t has_expiry : 1;
  uint32_t was_changed : 1;  // the value was made or changed by parts: Redis encodes it as raw
  uint32_t value_size : 30;
  uint32_t is_unshared : 1;  // a copy of a number; Redis does not share its object
  uint32_t is_text : 1;      // a number that Redis does not encode as int
  uint32_t used_s;           // the time of the last use, in seconds
  char bytes[];  // the expiry, if any, as int64_t in milliseconds since 1970; the key; the value
};

struct table {
  struct entry **chains[2];  // the array, and the one that replaces it; NULL: no entries
  size_t sizes[2];           // powers of two
  size_t counts[2];
  size_t bytes;  // of the entries and arrays
  size_t moved;  // chains of the first array that have moved; only if there is a second one
};

// Returns the key or the value of an entry. The value may be written.
char *entry_key(struct entry *entry);
char *entry_value(struct entry *entry);

// Returns the time when the entry expires, in milliseconds since 1970; -1: never.
int64_t entry_expires_ms(const struct entry *entry);

static inline size_t table_count(const struct table *table) {
  return table->counts[0] + table->counts[1];
}

// table_find returns the entry of a key, or NULL.
//
//   hash  evnet_hash of the key; all calls for a table use the same seed.
struct entry *table_find(struct table *table, uint64_t hash, const char *key, size_t key_size);

// table_put sets the value of a key.
//
//   value       value_size bytes, copied; NULL: the caller fills entry_value.
//   expires_ms  -1: never.
//   seed        that of the hashes.
//
// Returns: the entry, whose address may differ from the one before; NULL if memory runs out, and the
//          table is unchanged.
struct entry *table_put(struct table *table, const struct evnet_hash_key *seed, uint64_t hash,
                        const char *key, size_t key_size, const char *value, size_t value_size,
                        int64_t expires_ms);

// table_resize changes the size of an entry's value; more bytes are 0. The entry may move.
//
// Returns: the entry; NULL if memory runs out, and the entry is unchanged.
struct entry *table_resize(struct table *table, uint64_t hash, struct entry *entry,
                           size_t value_size);

// table_set_expiry sets the time when an entry expires; -1: never. The entry may move.
//
// Returns: the entry; NULL if memory runs out, and the entry is unchanged.
struct entry *table_set_expiry(struct table *table, uint64_t hash, struct entry *entry,
                               int64_t expires_ms);

// table_remove frees an entry of the table.
void table_remove(struct table *table, const struct evnet_hash_key *seed, uint64_t hash,
                  struct entry *entry);

// table_scan calls `found` for the entries of at least one chain, if there are any.
//
// A series of calls begins with cursor 0, passes the result of each call to the next, and ends when
// the result is 0. It reports each entry that is in the table throughout at least once, even if the
// table grows or shrinks meanwhile.
//
//   found  must not change the table.
uint64_t table_scan(struct table *table, uint64_t cursor,
                    void (*found)(struct entry *entry, void *user), void *user);

// table_random returns an entry that is selected by a random number; NULL if the table is empty.
struct entry *table_random(struct table *table, uint64_t (*random)(void *user), void *user);

// table_clear frees all entries.
void table_clear(struct table *table);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_EXAMPLES_KV_TABLE_H_
