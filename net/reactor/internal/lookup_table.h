// The lookups of a reactor by their ids. A table of zeros is empty.
#ifndef EVNET_NET_REACTOR_INTERNAL_LOOKUP_TABLE_H_
#define EVNET_NET_REACTOR_INTERNAL_LOOKUP_TABLE_H_

#include <stddef.h>
#include <stdint.h>

#include "net/reactor/internal/names.h"
#include "net/reactor/resolve.h"

struct evnet_lookup;

// An entry of the table. The entries without a lookup form a list.
struct lookup_slot {
  struct evnet_lookup *lookup;  // NULL: free
  uint64_t generation;          // of the lookup
  uint32_t next_free;           // the index of the next free entry, plus 1; 0: none
};

struct lookup_table {
  struct lookup_slot *slots;
  uint32_t slot_count;
  uint32_t first_free;  // an index plus 1; 0: none
  uint32_t count;       // of lookups
  uint64_t generation;  // of the last lookup
};

// lookup_table_add gives a lookup an id.
//
// Returns: 0.
// Errors:  -ENOMEM if memory runs out.
int lookup_table_add(struct lookup_table *table, struct evnet_lookup *lookup,
                     struct evnet_lookup_id *out_id);

// lookup_table_find returns the lookup with this id, which may be any; NULL if there is none.
struct evnet_lookup *lookup_table_find(const struct lookup_table *table, struct evnet_lookup_id id);

// lookup_table_at returns the lookup with this index, below slot_count; NULL if there is none.
static inline struct evnet_lookup *lookup_table_at(const struct lookup_table *table,
                                                   uint32_t index) {
  return table->slots[index].lookup;
}

// lookup_table_remove removes the lookup with this id, which is in the table.
void lookup_table_remove(struct lookup_table *table, struct evnet_lookup_id id);

// lookup_table_deinit frees the table.
void lookup_table_deinit(struct lookup_table *table);

#endif  // EVNET_NET_REACTOR_INTERNAL_LOOKUP_TABLE_H_
