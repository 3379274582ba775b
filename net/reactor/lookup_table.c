#include "net/reactor/internal/lookup_table.h"

#include <errno.h>
#include <string.h>

#include "net/base/memory.h"

enum { SLOTS_MIN = 16 };

// Doubles the table. The new entries become free.
static int grow(struct lookup_table *table) {
  const uint32_t before = table->slot_count;
  if (before > UINT32_MAX / 2 - 1) return -ENOMEM;
  const uint32_t count = before == 0 ? SLOTS_MIN : 2 * before;
  struct lookup_slot *slots = evnet_allocate_zeroed(NULL, count * sizeof *slots);
  if (slots == NULL) return -ENOMEM;
  if (before > 0) memcpy(slots, table->slots, before * sizeof *slots);
  evnet_release(NULL, table->slots);
  for (uint32_t i = before; i < count; i++) slots[i].next_free = i + 1 < count ? i + 2 : 0;
  table->slots = slots;
  table->slot_count = count;
  table->first_free = before + 1;
  return 0;
}

int lookup_table_add(struct lookup_table *table, struct evnet_lookup *lookup,
                     struct evnet_lookup_id *out_id) {
  const int status = table->first_free == 0 ? grow(table) : 0;
  if (status < 0) return status;
  const uint32_t index = table->first_free - 1;
  struct lookup_slot *slot = &table->slots[index];
  table->first_free = slot->next_free;
  table->count++;
  slot->lookup = lookup;
  slot->generation = ++table->generation;
  *out_id = (struct evnet_lookup_id){.index = index, .generation = slot->generation};
  return 0;
}

struct evnet_lookup *lookup_table_find(const struct lookup_table *table,
                                       struct evnet_lookup_id id) {
  if (id.index >= table->slot_count) return NULL;
  const struct lookup_slot *slot = &table->slots[id.index];
  return slot->generation == id.generation ? slot->lookup : NULL;
}

void lookup_table_remove(struct lookup_table *table, struct evnet_lookup_id id) {
  struct lookup_slot *slot = &table->slots[id.index];
  slot->lookup = NULL;
  slot->next_free = table->first_free;
  table->first_free = id.index + 1;
  table->count--;
}

void lookup_table_deinit(struct lookup_table *table) {
  evnet_release(NULL, table->slots);
  *table = (struct lookup_table){0};
}
