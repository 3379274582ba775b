// A hash table with open addressing and linear probing. Removing an entry moves later entries into
// the hole. There are no tombstones, so a lookup ends at the first free slot (Knuth, The Art of
// Computer Programming, volume 3, section 6.4, algorithm R).
#include "net/server/address_counts.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "net/base/assert.h"

enum { CAPACITY_MIN = 16 };

struct evnet_address_count {
  uint8_t prefix[8];  // an IPv4 address and four zeroes, or the first half of an IPv6 address
  uint32_t zone;      // IPv6 scope ID: each link has its own fe80::/64
  uint32_t family;    // AF_INET or AF_INET6; 0 in a free slot
  uint32_t count;     // connections
};

// The key consists of the members before `count`.
enum { KEY_BYTES = offsetof(struct evnet_address_count, count) };

// Returns false if the address is not counted: it is not an IP address, or it is 0.0.0.0, which
// means that the peer is unknown.
static bool key_of(const struct evnet_address *peer, struct evnet_address_count *out_key) {
  struct evnet_address_count key = {.family = peer->socket.any.sa_family};
  if (key.family == AF_INET) {
    memcpy(key.prefix, &peer->socket.ip4.sin_addr, 4);
  } else if (key.family == AF_INET6) {
    const struct in6_addr *host = &peer->socket.ip6.sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(host)) {
      key.family = AF_INET;
      memcpy(key.prefix, host->s6_addr + 12, 4);
    } else {
      memcpy(key.prefix, host->s6_addr, sizeof key.prefix);
      key.zone = peer->socket.ip6.sin6_scope_id;
    }
  }
  *out_key = key;
  const uint8_t nobody[4] = {0};
  return key.family == AF_INET6 ||
         (key.family == AF_INET && memcmp(key.prefix, nobody, sizeof nobody) != 0);
}

static size_t home_of(const struct evnet_address_counts *counts,
                      const struct evnet_address_count *key) {
  return (size_t)evnet_hash(&counts->key, key, KEY_BYTES) & (counts->capacity - 1);
}

static size_t after(const struct evnet_address_counts *counts, size_t place) {
  return (place + 1) & (counts->capacity - 1);
}

// Returns the key's entry, or the free slot where it belongs. There is always a free slot.
static struct evnet_address_count *find(const struct evnet_address_counts *counts,
                                        const struct evnet_address_count *key) {
  size_t place = home_of(counts, key);
  while (counts->table[place].family != 0 && memcmp(&counts->table[place], key, KEY_BYTES) != 0) {
    place = after(counts, place);
  }
  return &counts->table[place];
}

static int resize(struct evnet_address_counts *counts, size_t capacity) {
  struct evnet_address_count *table =
      evnet_allocate_zeroed(counts->allocator, capacity * sizeof *table);
  if (table == NULL) return -ENOMEM;
  const struct evnet_address_counts old = *counts;
  counts->table = table;
  counts->capacity = capacity;
  for (size_t i = 0; i < old.capacity; i++) {
    if (old.table[i].family != 0) *find(counts, &old.table[i]) = old.table[i];
  }
  evnet_release(counts->allocator, old.table);
  return 0;
}

// Halves the table at 1/8 full. It grows at 1/2, so a few connections that come and go do not
// resize it repeatedly.
static void give_back_room(struct evnet_address_counts *counts) {
  if (counts->capacity == CAPACITY_MIN || counts->used > counts->capacity / 8) return;
  (void)resize(counts, counts->capacity / 2);  // if memory is short, the table keeps its size
}

static int add(struct evnet_address_counts *counts, const struct evnet_address_count *key,
               size_t most) {
  struct evnet_address_count *entry = find(counts, key);
  if (entry->count >= most) return -ENOBUFS;
  if (entry->family == 0) {
    // The table is at most half full.
    if (counts->used == counts->capacity / 2) {
      int status = resize(counts, 2 * counts->capacity);
      if (status < 0) return status;
      entry = find(counts, key);
    }
    *entry = *key;
    counts->used++;
  }
  entry->count++;
  return 0;
}

// Whether `place` lies in the cyclic range from `first` up to, but not including, `end`.
static bool is_within(size_t place, size_t first, size_t end) {
  return first <= end ? first <= place && place < end : first <= place || place < end;
}

static void vacate(struct evnet_address_counts *counts, struct evnet_address_count *entry) {
  size_t hole = (size_t)(entry - counts->table);
  for (size_t place = after(counts, hole); counts->table[place].family != 0;
       place = after(counts, place)) {
    // A lookup of an entry whose home is after the hole does not pass the hole.
    size_t home = home_of(counts, &counts->table[place]);
    if (is_within(home, after(counts, hole), after(counts, place))) continue;
    counts->table[hole] = counts->table[place];
    hole = place;
  }
  counts->table[hole] = (struct evnet_address_count){0};
  counts->used--;
}

int evnet_address_counts_init(struct evnet_address_counts *counts,
                              const struct evnet_allocator *allocator) {
  *counts = (struct evnet_address_counts){.allocator = allocator};
  int status = evnet_hash_key_make(&counts->key);
  if (status == 0) status = resize(counts, CAPACITY_MIN);
  if (status == 0) status = -pthread_mutex_init(&counts->mutex, NULL);
  if (status < 0) evnet_release(allocator, counts->table);
  return status;
}

void evnet_address_counts_deinit(struct evnet_address_counts *counts) {
  evnet_release(counts->allocator, counts->table);
  (void)pthread_mutex_destroy(&counts->mutex);
}

int evnet_address_counts_add(struct evnet_address_counts *counts, const struct evnet_address *peer,
                             size_t most) {
  struct evnet_address_count key;
  if (!key_of(peer, &key)) return 0;
  (void)pthread_mutex_lock(&counts->mutex);
  int status = add(counts, &key, most);
  (void)pthread_mutex_unlock(&counts->mutex);
  return status;
}

void evnet_address_counts_remove(struct evnet_address_counts *counts,
                                 const struct evnet_address *peer) {
  struct evnet_address_count key;
  if (!key_of(peer, &key)) return;
  (void)pthread_mutex_lock(&counts->mutex);
  struct evnet_address_count *entry = find(counts, &key);
  EVNET_ASSERT(entry->count > 0);  // conn keeps every bit of the address that was added
  if (--entry->count == 0) {
    vacate(counts, entry);
    give_back_room(counts);
  }
  (void)pthread_mutex_unlock(&counts->mutex);
}
