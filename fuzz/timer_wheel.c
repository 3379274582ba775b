// Drives an evnet_wheel by a sequence of steps, compares it with a model, which is an array of
// expiries that is sorted whenever time advances, and aborts on any difference.
//
// Input: HEADER_BYTES for the wheel's start time, then steps of three bytes: the kind (enum
// world_step), and a number n of 16 bits, low byte first. One or two trailing bytes are ignored.
// timer_wheel_seeds.py writes inputs by name.
//
//   byte  means
//   0     the start time is (byte 1 << (byte 0 % 56)) - byte 2
//   1     see byte 0
//   2     see byte 0
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/reactor/wheel.h"

enum { HEADER_BYTES = 3, NODES = 48, WAKES_MAX = 5 };

enum world_step {
  SCHEDULE = 0,  // schedules the node after span(n), and selects the next node
  AGAIN = 1,     // schedules the node after span(n)
  PAST = 2,      // schedules the node for span(n) ago
  CANCEL = 3,    // cancels the node
  NODE = 4,      // selects node n % NODES
  ADVANCE = 5,   // by span(n)
  BACK = 6,      // advances to span(n) ago, which only makes nodes due
  POP = 7,       // n % 64 + 1 nodes
  WAKE = 8,      // advances to the times that the wheel returns, until a node is due
  STEPS = 9,     // the number of kinds
};

enum place { IDLE, WAITING, DUE };

struct model_node {
  enum place place;
  uint64_t expires_ms;
  uint64_t order;  // WAITING: the order of scheduling; DUE: the order of popping
};

struct state {
  struct evnet_wheel wheel;
  struct evnet_wheel_node nodes[NODES];
  struct model_node model[NODES];
  uint64_t now_ms;
  uint64_t orders;
  size_t node;
};

static struct state state;

#define CHECK(expression) ((expression) ? (void)0 : check_failed(#expression, __LINE__))

static void check_failed(const char *expression, int line) {
  fprintf(stderr, "timer_wheel.c:%d: not true: %s\n", line, expression);
  abort();
}

// Returns 12 bits, shifted left by an even number up to 30: a time of up to 140 years.
static uint64_t span(size_t n) { return (uint64_t)(n & 0xfff) << (n >> 12) * 2; }

static void schedule(struct state *s, uint64_t expires_ms) {
  struct model_node *model = &s->model[s->node];
  evnet_wheel_schedule(&s->wheel, &s->nodes[s->node], expires_ms);
  const uint64_t latest_ms = s->now_ms + EVNET_WHEEL_DELAY_MS_MAX;
  if (expires_ms < s->now_ms) expires_ms = s->now_ms;
  if (expires_ms > latest_ms) expires_ms = latest_ms;
  *model = (struct model_node){WAITING, expires_ms, s->orders++};
}

static void cancel(struct state *s) {
  evnet_wheel_cancel(&s->wheel, &s->nodes[s->node]);
  s->model[s->node].place = IDLE;
}

// Returns the first node of a place, by expiry and then by order. NULL: none.
static struct model_node *first_of(struct state *s, enum place place, bool by_expiry) {
  struct model_node *first = NULL;
  for (size_t i = 0; i < NODES; i++) {
    struct model_node *node = &s->model[i];
    if (node->place != place) continue;
    const bool sooner = first == NULL || (by_expiry && node->expires_ms < first->expires_ms);
    const bool ties = first != NULL && (!by_expiry || node->expires_ms == first->expires_ms);
    if (sooner || (ties && node->order < first->order)) first = node;
  }
  return first;
}

static void advance(struct state *s, uint64_t now_ms) {
  evnet_wheel_advance(&s->wheel, now_ms);
  if (now_ms > s->now_ms) s->now_ms = now_ms;
  struct model_node *node;
  while ((node = first_of(s, WAITING, true)) != NULL && node->expires_ms <= s->now_ms) {
    node->place = DUE;
    node->order = s->orders++;
  }
}

static void pop(struct state *s, size_t count) {
  while (count-- > 0) {
    struct model_node *expected = first_of(s, DUE, false);
    struct evnet_wheel_node *popped = evnet_wheel_pop(&s->wheel);
    CHECK((popped == NULL) == (expected == NULL));
    if (popped == NULL) return;
    CHECK(popped - s->nodes == expected - s->model);
    expected->place = IDLE;
  }
}

static bool has_due(struct state *s) { return first_of(s, DUE, false) != NULL; }

static void wake(struct state *s) {
  for (int wakes = 0; !has_due(s); wakes++) {
    const uint64_t next_ms = evnet_wheel_next_ms(&s->wheel);
    if (next_ms == UINT64_MAX) return;
    CHECK(wakes < WAKES_MAX);
    advance(s, next_ms);
  }
}

static void operate(struct state *s, enum world_step step, size_t n) {
  switch (step) {
    case SCHEDULE:
      schedule(s, s->now_ms + span(n));
      s->node = (s->node + 1) % NODES;
      break;
    case AGAIN:
      schedule(s, s->now_ms + span(n));
      break;
    case PAST:
      schedule(s, s->now_ms > span(n) ? s->now_ms - span(n) : 0);
      break;
    case CANCEL:
      cancel(s);
      break;
    case NODE:
      s->node = n % NODES;
      break;
    case ADVANCE:
      advance(s, s->now_ms + span(n));
      break;
    case BACK:
      advance(s, s->now_ms > span(n) ? s->now_ms - span(n) : 0);
      break;
    case POP:
      pop(s, n % 64 + 1);
      break;
    default:
      wake(s);
      break;
  }
}

static void state_check(struct state *s) {
  size_t count = 0;
  for (size_t i = 0; i < NODES; i++) {
    CHECK(evnet_wheel_scheduled(&s->nodes[i]) == (s->model[i].place != IDLE));
    CHECK(s->nodes[i].tag == i);
    count += s->model[i].place != IDLE;
  }
  CHECK(s->wheel.count == count);
  CHECK(s->wheel.now_ms == s->now_ms);
  const struct model_node *earliest = first_of(s, WAITING, true);
  const uint64_t next_ms = evnet_wheel_next_ms(&s->wheel);
  if (has_due(s) || (earliest != NULL && earliest->expires_ms == s->now_ms)) {
    CHECK(next_ms == s->now_ms);
  } else if (earliest == NULL) {
    CHECK(next_ms == UINT64_MAX);
  } else {
    CHECK(next_ms > s->now_ms && next_ms <= earliest->expires_ms);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct state *s = &state;
  if (size < HEADER_BYTES) return 0;
  memset(s, 0, sizeof *s);
  s->now_ms = ((uint64_t)data[1] << data[0] % 56) - data[2];
  if (s->now_ms > UINT64_MAX / 2) s->now_ms = 0;
  evnet_wheel_init(&s->wheel, s->now_ms);
  for (uint32_t i = 0; i < NODES; i++) s->nodes[i].tag = i;
  state_check(s);
  for (size_t i = HEADER_BYTES; i + 3 <= size && s->now_ms < UINT64_MAX / 2; i += 3) {
    operate(s, data[i] % STEPS, (size_t)data[i + 1] | (size_t)data[i + 2] << 8);
    state_check(s);
  }
  // All waiting nodes must be popped, in order.
  advance(s, s->now_ms + EVNET_WHEEL_DELAY_MS_MAX);
  pop(s, NODES + 1);
  state_check(s);
  CHECK(s->wheel.count == 0);
  return 0;
}
