#include "examples/kv/table.h"

#include <stdlib.h>
#include <string.h>

enum {
  SIZE_MIN = 4,
  // The chains that a change moves. Half of the array is empty chains or more, so they are bounded, too.
  MOVES = 2,
  EMPTY_MAX = 16,
  SIZE_MASK = 0x3fffffff,
  SPARSE = 8,  // a table with fewer entries than chains / SPARSE shrinks
};

char *entry_key(struct entry *entry) {
  return entry->bytes + (entry->has_expiry ? sizeof(int64_t) : 0);
}

char *entry_value(struct entry *entry) { return entry_key(entry) + entry->key_size; }

int64_t entry_expires_ms(const struct entry *entry) {
  int64_t expires_ms = -1;
  if (entry->has_expiry) memcpy(&expires_ms, entry->bytes, sizeof expires_ms);
  return expires_ms;
}

static size_t bytes_of(size_t key_size, size_t value_size, bool has_expiry) {
  const size_t size =
      offsetof(struct entry, bytes) + key_size + value_size + (has_expiry ? sizeof(int64_t) : 0);
  return size < sizeof(struct entry) ? sizeof(struct entry) : size;
}

static size_t bytes_of_entry(const struct entry *entry) {
  return bytes_of(entry->key_size, entry->value_size, entry->has_expiry);
}

static bool has_second(const struct table *table) { return table->chains[1] != NULL; }

static struct entry **chain_of(struct table *table, int which, uint64_t hash) {
  return &table->chains[which][hash & (table->sizes[which] - 1)];
}

// Returns the place of the pointer to an entry, or NULL.
static struct entry **find(struct table *table, uint64_t hash, const char *key, size_t key_size,
                           int *out_which) {
  for (int which = 0; which < 2 && table->chains[which] != NULL; which++) {
    for (struct entry **at = chain_of(table, which, hash); *at != NULL; at = &(*at)->next) {
      if ((*at)->key_size == key_size && memcmp(entry_key(*at), key, key_size) == 0) {
        *out_which = which;
        return at;
      }
    }
  }
  return NULL;
}

struct entry *table_find(struct table *table, uint64_t hash, const char *key, size_t key_size) {
  int which;
  struct entry **at = find(table, hash, key, key_size, &which);
  return at != NULL ? *at : NULL;
}

// Moves some chains to the second array.
static void move(struct table *table, const struct evnet_hash_key *seed) {
  if (!has_second(table)) return;
  int empty = 0;
  for (int moves = 0; moves < MOVES && table->moved < table->sizes[0]; table->moved++) {
    struct entry *entry = table->chains[0][table->moved];
    table->chains[0][table->moved] = NULL;
    if (entry == NULL && ++empty == EMPTY_MAX) break;
    if (entry != NULL) moves++;
    while (entry != NULL) {
      struct entry *next = entry->next;
      struct entry **chain =
          chain_of(table, 1, evnet_hash(seed, entry_key(entry), entry->key_size));
      entry->next = *chain;
      *chain = entry;
      table->counts[0]--;
      table->counts[1]++;
      entry = next;
    }
  }
  if (table->moved < table->sizes[0] && table->counts[0] > 0) return;
  free(table->chains[0]);
  table->bytes -= table->sizes[0] * sizeof *table->chains[0];
  table->chains[0] = table->chains[1];
  table->sizes[0] = table->sizes[1];
  table->counts[0] = table->counts[1];
  table->chains[1] = NULL;
  table->sizes[1] = table->counts[1] = table->moved = 0;
}

// Begins to move to an array of another size. Without memory for it, the chains stay as they are.
static void begin_move(struct table *table, size_t size) {
  table->chains[1] = calloc(size, sizeof *table->chains[1]);
  if (table->chains[1] == NULL) return;
  table->sizes[1] = size;
  table->bytes += size * sizeof *table->chains[1];
}

static bool prepare_insertion(struct table *table) {
  if (table->chains[0] == NULL) {
    table->chains[0] = calloc(SIZE_MIN, sizeof *table->chains[0]);
    if (table->chains[0] == NULL) return false;
    table->sizes[0] = SIZE_MIN;
    table->bytes += SIZE_MIN * sizeof *table->chains[0];
  }
  if (!has_second(table) && table->counts[0] >= table->sizes[0])
    begin_move(table, 2 * table->sizes[0]);
  return true;
}

static struct entry *make(const char *key, size_t key_size, size_t value_size, int64_t expires_ms) {
  struct entry *entry = malloc(bytes_of(key_size, value_size, expires_ms >= 0));
  if (entry == NULL) return NULL;
  *entry = (struct entry){.key_size = (uint32_t)key_size & SIZE_MASK,
                          .has_expiry = expires_ms >= 0,
                          .value_size = (uint32_t)value_size & SIZE_MASK};
  if (expires_ms >= 0) memcpy(entry->bytes, &expires_ms, sizeof expires_ms);
  memcpy(entry_key(entry), key, key_size);
  return entry;
}

struct entry *table_put(struct table *table, const struct evnet_hash_key *seed, uint64_t hash,
                        const char *key, size_t key_size, const char *value, size_t value_size,
                        int64_t expires_ms) {
  int which = 0;
  struct entry **at = find(table, hash, key, key_size, &which);
  if (at != NULL && (*at)->value_size == value_size && (*at)->has_expiry == (expires_ms >= 0)) {
    struct entry *entry = *at;
    if (value != NULL) memcpy(entry_value(entry), value, value_size);
    if (expires_ms >= 0) memcpy(entry->bytes, &expires_ms, sizeof expires_ms);
    entry->was_changed = 0;
    entry->is_text = 0;
    entry->is_unshared = 0;
    return entry;
  }
  struct entry *entry = make(key, key_size, value_size, expires_ms);
  if (entry == NULL) return NULL;
  if (value != NULL) memcpy(entry_value(entry), value, value_size);
  if (at == NULL && !prepare_insertion(table)) {
    free(entry);
    return NULL;
  }
  table->bytes += bytes_of_entry(entry);
  if (at != NULL) {
    table->bytes -= bytes_of_entry(*at);
    entry->next = (*at)->next;
    free(*at);
    *at = entry;
    return entry;
  }
  which = has_second(table) ? 1 : 0;
  struct entry **chain = chain_of(table, which, hash);
  entry->next = *chain;
  *chain = entry;
  table->counts[which]++;
  move(table, seed);
  return entry;
}

// Replaces an entry by its copy of another size.
static struct entry *replace(struct table *table, uint64_t hash, struct entry *entry,
                             size_t value_size, int64_t expires_ms) {
  const size_t before = bytes_of_entry(entry),
               after = bytes_of(entry->key_size, value_size, expires_ms >= 0);
  int which;
  struct entry **at = find(table, hash, entry_key(entry), entry->key_size, &which);
  if (entry->has_expiry == (expires_ms >= 0)) {
    struct entry *moved = realloc(entry, after);
    if (moved == NULL) return NULL;
    table->bytes += after - before;
    *at = moved;
    if (expires_ms >= 0) memcpy(moved->bytes, &expires_ms, sizeof expires_ms);
    return moved;
  }
  struct entry *copy = make(entry_key(entry), entry->key_size, value_size, expires_ms);
  if (copy == NULL) return NULL;
  table->bytes += after - before;
  memcpy(entry_value(copy), entry_value(entry),
         entry->value_size < value_size ? entry->value_size : value_size);
  copy->was_changed = entry->was_changed;
  copy->is_text = entry->is_text;
  copy->is_unshared = entry->is_unshared;
  copy->used_s = entry->used_s;
  copy->next = entry->next;
  *at = copy;
  free(entry);
  return copy;
}

struct entry *table_resize(struct table *table, uint64_t hash, struct entry *entry,
                           size_t value_size) {
  const size_t before = entry->value_size;
  entry = replace(table, hash, entry, value_size, entry_expires_ms(entry));
  if (entry == NULL) return NULL;
  if (value_size > before) memset(entry_value(entry) + before, 0, value_size - before);
  entry->value_size = (uint32_t)value_size & SIZE_MASK;
  return entry;
}

struct entry *table_set_expiry(struct table *table, uint64_t hash, struct entry *entry,
                               int64_t expires_ms) {
  if (entry->has_expiry && expires_ms >= 0) {
    memcpy(entry->bytes, &expires_ms, sizeof expires_ms);
    return entry;
  }
  if (!entry->has_expiry && expires_ms < 0) return entry;
  return replace(table, hash, entry, entry->value_size, expires_ms);
}

void table_remove(struct table *table, const struct evnet_hash_key *seed, uint64_t hash,
                  struct entry *entry) {
  int which = 0;
  struct entry **at = find(table, hash, entry_key(entry), entry->key_size, &which);
  *at = entry->next;
  table->bytes -= bytes_of_entry(entry);
  free(entry);
  table->counts[which]--;
  if (table_count(table) == 0) {
    table_clear(table);
    return;
  }
  const size_t size = table->sizes[0];
  if (!has_second(table) && size > SIZE_MIN && table->counts[0] < size / SPARSE)
    begin_move(table, size / 2);
  move(table, seed);
}

// Scanning. A cursor is the number of a chain with its bits reversed, so that the bits that a larger array adds are
// the last to change: chains that were visited before a resize are not missed, whatever they become.

static uint64_t reverse(uint64_t bits) {
  uint64_t reversed = 0;
  for (int i = 0; i < 64; i++) reversed |= (bits >> i & 1) << (63 - i);
  return reversed;
}

// Returns the next cursor for an array of `mask` + 1 chains.
static uint64_t advance(uint64_t cursor, uint64_t mask) {
  return reverse(reverse(cursor | ~mask) + 1);
}

static void visit(struct entry *entry, void (*found)(struct entry *entry, void *user), void *user) {
  for (struct entry *next; entry != NULL; entry = next) {
    next = entry->next;
    found(entry, user);
  }
}

uint64_t table_scan(struct table *table, uint64_t cursor,
                    void (*found)(struct entry *entry, void *user), void *user) {
  if (table_count(table) == 0) return 0;
  if (!has_second(table)) {
    const uint64_t mask = table->sizes[0] - 1;
    visit(table->chains[0][cursor & mask], found, user);
    return advance(cursor, mask);
  }
  const int small = table->sizes[0] < table->sizes[1] ? 0 : 1;
  const uint64_t small_mask = table->sizes[small] - 1, large_mask = table->sizes[1 - small] - 1;
  visit(table->chains[small][cursor & small_mask], found, user);
  // All chains of the larger array that a chain of the smaller one becomes.
  do {
    visit(table->chains[1 - small][cursor & large_mask], found, user);
    cursor = advance(cursor, large_mask);
  } while ((cursor & (small_mask ^ large_mask)) != 0);
  return cursor;
}

struct entry *table_random(struct table *table, uint64_t (*random)(void *user), void *user) {
  if (table_count(table) == 0) return NULL;
  struct entry *chain = NULL;
  while (chain == NULL) {
    const uint64_t at = random(user) % (table->sizes[0] + table->sizes[1]);
    chain = at < table->sizes[0] ? table->chains[0][at] : table->chains[1][at - table->sizes[0]];
  }
  size_t length = 0;
  for (const struct entry *entry = chain; entry != NULL; entry = entry->next) length++;
  for (uint64_t skip = random(user) % length; skip > 0; skip--) chain = chain->next;
  return chain;
}

void table_clear(struct table *table) {
  for (int which = 0; which < 2; which++) {
    for (size_t i = 0; i < table->sizes[which]; i++) {
      struct entry *entry = table->chains[which][i];
      while (entry != NULL) {
        struct entry *next = entry->next;
        free(entry);
        entry = next;
      }
    }
    free(table->chains[which]);
  }
  *table = (struct table){0};
}
