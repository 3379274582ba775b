// One rule places a node. Its level is that of the highest bit in which its expiry and the wheel's
// time differ: 6 bits a level, and the top level covers all bits above. Its slot is the digit of
// its expiry at that level. From this follows:
//
// - A node of a lower level expires before every node of a higher level. So the first occupied slot
//   of the lowest occupied level is next; a rotate and a count of trailing zeros find it.
// - The rule still holds for every node when time moves on to just before the start of that slot.
//   So no node needs to move for the milliseconds that are skipped.
// - Nodes that expire in the same millisecond are always in one slot, so appending keeps them in
//   order.
// - The slot of the present is empty. Only in the top level it may hold nodes, a whole turn ahead.
//   The longest delay is less than a turn of that level, so no slot mixes two turns.
#include "net/reactor/wheel.h"

#include "net/base/assert.h"

enum {
  SLOT_BITS = 6,  // a slot's index is one digit of a time
  // A head's tag is its index among all slots. This is the tag of a list without a bit:
  NO_SLOT = EVNET_WHEEL_LEVELS * EVNET_WHEEL_SLOTS,
};

_Static_assert(1 << SLOT_BITS == EVNET_WHEEL_SLOTS, "a slot's index fills a digit");
_Static_assert(EVNET_WHEEL_SLOTS == 64, "a level's slots are the bits of one word");
_Static_assert(EVNET_WHEEL_DELAY_MS_MAX < 1LL << (SLOT_BITS * EVNET_WHEEL_LEVELS),
               "one turn of the top");
_Static_assert(sizeof(struct evnet_wheel_node) <= 24, "every connection holds one");

static void list_init(struct evnet_wheel_node *head, uint32_t tag) {
  head->next = head;
  head->prev = head;
  head->expires_ms = 0;
  head->tag = tag;
}

static bool list_empty(const struct evnet_wheel_node *head) { return head->next == head; }

static void list_append(struct evnet_wheel_node *head, struct evnet_wheel_node *node) {
  node->next = head;
  node->prev = head->prev;
  head->prev->next = node;
  head->prev = node;
}

// Moves all nodes of a list to the end of another.
static void list_append_all(struct evnet_wheel_node *head, struct evnet_wheel_node *from) {
  if (list_empty(from)) return;
  from->next->prev = head->prev;
  head->prev->next = from->next;
  from->prev->next = head;
  head->prev = from->prev;
  from->next = from;
  from->prev = from;
}

static uint64_t slot_bit(unsigned tag) { return UINT64_C(1) << tag % EVNET_WHEEL_SLOTS; }

static void unlink_node(struct evnet_wheel *wheel, struct evnet_wheel_node *node) {
  struct evnet_wheel_node *next = node->next;
  EVNET_DCHECK(next->prev == node && node->prev->next == node);
  next->prev = node->prev;
  node->prev->next = next;
  // If both neighbours of a node are the head, the list becomes empty.
  if (next == node->prev && next->tag != NO_SLOT) {
    wheel->occupied[next->tag / EVNET_WHEEL_SLOTS] &= ~slot_bit(next->tag);
  }
  node->next = NULL;
  node->prev = NULL;
  wheel->count--;
}

// Puts a node into the slot of its expires_ms, or into `arrived` if it expires now.
//
// 32 bits of both times are enough. An expiry is at most EVNET_WHEEL_DELAY_MS_MAX ahead, so if
// higher bits differ, bits 30 and 31 differ as well.
static void place(struct evnet_wheel *wheel, struct evnet_wheel_node *node,
                  struct evnet_wheel_node *arrived) {
  uint32_t difference = node->expires_ms ^ (uint32_t)wheel->now_ms;
  if (difference == 0) {
    list_append(arrived, node);
    return;
  }
  unsigned level = (31u - (unsigned)__builtin_clz(difference)) / SLOT_BITS;
  if (level >= EVNET_WHEEL_LEVELS) level = EVNET_WHEEL_LEVELS - 1;
  unsigned slot = node->expires_ms >> (level * SLOT_BITS) & (EVNET_WHEEL_SLOTS - 1);
  list_append(&wheel->slots[level][slot], node);
  wheel->occupied[level] |= slot_bit(slot);
}

// Finds the next occupied slot, and when it starts.
//
// Returns: the tag of the slot's head; NO_SLOT if no slot is occupied.
static unsigned next_slot(const struct evnet_wheel *wheel, uint64_t *out_start_ms) {
  for (unsigned level = 0; level < EVNET_WHEEL_LEVELS; level++) {
    uint64_t occupied = wheel->occupied[level];
    if (occupied == 0) continue;
    uint64_t present = wheel->now_ms >> (level * SLOT_BITS);
    // Bit 0 becomes the slot after the present one; bit 63 becomes the present slot, a turn ahead.
    unsigned rotate = (unsigned)(present + 1) % EVNET_WHEEL_SLOTS;
    occupied = occupied >> rotate | occupied << (-rotate % EVNET_WHEEL_SLOTS);
    uint64_t next = present + 1 + (unsigned)__builtin_ctzll(occupied);
    *out_start_ms = next << (level * SLOT_BITS);
    return level * EVNET_WHEEL_SLOTS + (unsigned)(next % EVNET_WHEEL_SLOTS);
  }
  return NO_SLOT;
}

// Empties a slot whose start has come. Nodes that expire now go to `due`, the others to finer
// slots.
static void arrive(struct evnet_wheel *wheel, unsigned tag) {
  unsigned level = tag / EVNET_WHEEL_SLOTS;
  struct evnet_wheel_node *head = &wheel->slots[level][tag % EVNET_WHEEL_SLOTS];
  wheel->occupied[level] &= ~slot_bit(tag);
  if (level == 0) {
    list_append_all(&wheel->due, head);
    return;
  }
  struct evnet_wheel_node *node = head->next;
  list_init(head, tag);
  while (node != head) {
    struct evnet_wheel_node *next = node->next;
    place(wheel, node, &wheel->due);
    node = next;
  }
}

void evnet_wheel_init(struct evnet_wheel *wheel, uint64_t now_ms) {
  wheel->now_ms = now_ms;
  for (uint32_t level = 0; level < EVNET_WHEEL_LEVELS; level++) {
    wheel->occupied[level] = 0;
    for (uint32_t slot = 0; slot < EVNET_WHEEL_SLOTS; slot++) {
      list_init(&wheel->slots[level][slot], level * EVNET_WHEEL_SLOTS + slot);
    }
  }
  list_init(&wheel->due, NO_SLOT);
  list_init(&wheel->early, NO_SLOT);
  wheel->count = 0;
}

void evnet_wheel_schedule(struct evnet_wheel *wheel, struct evnet_wheel_node *node,
                          uint64_t expires_ms) {
  if (evnet_wheel_scheduled(node)) unlink_node(wheel, node);
  uint64_t now_ms = wheel->now_ms;
  uint64_t delay_ms = expires_ms > now_ms ? expires_ms - now_ms : 0;
  if (delay_ms > EVNET_WHEEL_DELAY_MS_MAX) delay_ms = EVNET_WHEEL_DELAY_MS_MAX;
  node->expires_ms = (uint32_t)(now_ms + delay_ms);
  place(wheel, node, &wheel->early);
  wheel->count++;
}

void evnet_wheel_cancel(struct evnet_wheel *wheel, struct evnet_wheel_node *node) {
  if (evnet_wheel_scheduled(node)) unlink_node(wheel, node);
}

void evnet_wheel_advance(struct evnet_wheel *wheel, uint64_t now_ms) {
  list_append_all(&wheel->due, &wheel->early);
  uint64_t start_ms;
  unsigned tag;
  while ((tag = next_slot(wheel, &start_ms)) != NO_SLOT && start_ms <= now_ms) {
    wheel->now_ms = start_ms;
    arrive(wheel, tag);
  }
  if (now_ms > wheel->now_ms) wheel->now_ms = now_ms;
}

struct evnet_wheel_node *evnet_wheel_pop(struct evnet_wheel *wheel) {
  if (list_empty(&wheel->due)) return NULL;
  struct evnet_wheel_node *node = wheel->due.next;
  unlink_node(wheel, node);
  return node;
}

uint64_t evnet_wheel_next_ms(const struct evnet_wheel *wheel) {
  if (!list_empty(&wheel->due) || !list_empty(&wheel->early)) return wheel->now_ms;
  uint64_t start_ms;
  return next_slot(wheel, &start_ms) == NO_SLOT ? UINT64_MAX : start_ms;
}
