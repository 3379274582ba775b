// Rate limits of connections and of groups.
//
// The poller asks (ask) before it receives from a limited connection or sends its queued output. An
// empty bucket holds the connection back, in that direction:
//
//             bytes in both buckets            rate_take: bytes out of both
//   free ------------- ask --------> passes ------------------------------------> free
//     ^                 |
//     |                 +-- own bucket empty ---> held, the connection's timer --+
//     |                 +-- group's bucket empty, or others wait for it          |
//     |                     --> held, last on the group's list <-----------------+ the own bucket
//     +------ the group's timer gives turns to the first on its list               may pass bytes
//
// While receiving is held back, STOP_RATE is set, and the poller has disarmed receiving. While
// sending is held back, the queue waits without a send_start.
#include "net/reactor/rate.h"

#include <errno.h>

#include "net/reactor/internal/bucket.h"
#include "net/reactor/internal/deadline.h"
#include "net/reactor/internal/due.h"
#include "net/reactor/internal/rate.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/reading.h"
#include "net/reactor/internal/side.h"
#include "net/reactor/timer.h"

// The least that a turn of a group's member lets pass, unless the bucket holds less.
enum { SHARE_BYTES_MIN = 1024 };

// One direction of a group.
struct group_way {
  struct bucket bucket;
  struct conn_rate *first;  // those that wait, in order
  struct conn_rate *last;
  uint64_t count;  // of those that wait
};

struct evnet_rate_group {
  struct evnet_reactor *reactor;
  struct evnet_rate_group *next;  // of the reactor's groups
  struct conn_rate *members;
  struct group_way ways[RATE_WAYS];
  struct evnet_timer timer;  // until a bucket for which members wait may pass bytes
};

static struct conn_rate *rate_of(const struct evnet_conn *conn) {
  const bool has_side = conn->state == CONN_OPEN || conn->state == CONN_FLUSHING ||
                        conn->state == CONN_LINGERING || conn->state == CONN_CLOSED;
  return has_side && conn->side != NULL ? conn->side->rate : NULL;
}

static void start_timer(struct evnet_reactor *reactor, struct evnet_timer *timer, uint64_t wait_ns,
                        void (*expired)(struct evnet_timer *timer, void *user), void *user) {
  const uint64_t delay_ms = wait_ns / 1000000 + 1;
  evnet_timer_start(reactor, timer, delay_ms, expired, user);
}

// Waiting for the group

static void leave_list(struct conn_rate *rate, enum rate_way way) {
  if (!rate->ways[way].waits) return;
  struct group_way *group = &rate->group->ways[way];
  struct conn_rate *next = rate->ways[way].wait_next;
  struct conn_rate *prev = rate->ways[way].wait_prev;
  if (prev != NULL) {
    prev->ways[way].wait_next = next;
  } else {
    group->first = next;
  }
  if (next != NULL) {
    next->ways[way].wait_prev = prev;
  } else {
    group->last = prev;
  }
  group->count--;
  rate->ways[way].waits = false;
}

static void give_turns(struct evnet_timer *timer, void *user);

static void await_group(struct evnet_rate_group *group) {
  uint64_t wait_ns = UINT64_MAX;
  for (int way = 0; way < RATE_WAYS; way++) {
    const struct group_way *each = &group->ways[way];
    if (each->first == NULL) continue;
    const uint64_t ns = bucket_wait_ns(&each->bucket, group->reactor->clock.now_ns);
    if (ns < wait_ns) wait_ns = ns;
  }
  if (wait_ns == UINT64_MAX) {
    evnet_timer_stop(group->reactor, &group->timer);
  } else {
    start_timer(group->reactor, &group->timer, wait_ns, give_turns, group);
  }
}

static void join_list(struct conn_rate *rate, enum rate_way way) {
  struct group_way *group = &rate->group->ways[way];
  rate->ways[way].waits = true;
  rate->ways[way].wait_next = NULL;
  rate->ways[way].wait_prev = group->last;
  if (group->first == NULL) {
    group->first = rate;
  } else {
    group->last->ways[way].wait_next = rate;
  }
  group->last = rate;
  if (group->count++ == 0) await_group(rate->group);
}

// Holding back and releasing

static void own_may_pass(struct evnet_timer *timer, void *user);

// Starts the timer until one of the connection's own buckets may pass bytes, if one is awaited.
static void await_own(struct conn_rate *rate) {
  struct evnet_reactor *reactor = rate->conn->reactor;
  uint64_t wait_ns = UINT64_MAX;
  for (int way = 0; way < RATE_WAYS; way++) {
    const struct rate_side *each = &rate->ways[way];
    if (!each->is_held || each->waits) continue;
    const uint64_t ns = bucket_wait_ns(&each->bucket, reactor->clock.now_ns);
    if (ns < wait_ns) wait_ns = ns;
  }
  if (wait_ns == UINT64_MAX) {
    evnet_timer_stop(reactor, &rate->timer);
  } else {
    start_timer(reactor, &rate->timer, wait_ns, own_may_pass, rate);
  }
}

static bool is_held_at_all(const struct conn_rate *rate) {
  return rate->ways[RATE_RECEIVE].is_held || rate->ways[RATE_SEND].is_held;
}

static void set_held(struct conn_rate *rate, enum rate_way way, bool held) {
  const bool before = is_held_at_all(rate);
  rate->ways[way].is_held = held;
  if (is_held_at_all(rate) == before) return;
  counter_add(&rate->conn->reactor->stats.connections_throttled, held ? 1 : (uint64_t)-1);
}

static void release(struct conn_rate *rate, enum rate_way way) {
  struct evnet_conn *conn = rate->conn;
  set_held(rate, way, false);
  if (conn->state == CONN_CLOSED) return;
  if (conn->state == CONN_OPEN) deadline_stamp(conn, EVNET_TIMEOUT_IDLE);
  if (way == RATE_RECEIVE) {
    reading_admit(conn, STOP_RATE);
    due_check_stopping(conn);
  } else if (conn->state != CONN_LINGERING) {
    deadline_stamp(conn, EVNET_TIMEOUT_WRITE);
    due_add(conn, 0);
  }
  deadline_arm_earliest(conn);
}

// Lets a held connection go on, or waits for the group.
static void try_release(struct conn_rate *rate, enum rate_way way) {
  struct rate_side *side = &rate->ways[way];
  if (!side->is_held || side->waits) return;
  const uint64_t now_ns = rate->conn->reactor->clock.now_ns;
  if (bucket_wait_ns(&side->bucket, now_ns) > 0) return;
  if (rate->group != NULL && (rate->group->ways[way].first != NULL ||
                              bucket_wait_ns(&rate->group->ways[way].bucket, now_ns) > 0)) {
    join_list(rate, way);
  } else {
    release(rate, way);
  }
}

static void own_may_pass(struct evnet_timer *timer, void *user) {
  (void)timer;
  struct conn_rate *rate = user;
  try_release(rate, RATE_RECEIVE);
  try_release(rate, RATE_SEND);
  await_own(rate);
}

static void give_turns(struct evnet_timer *timer, void *user) {
  (void)timer;
  struct evnet_rate_group *group = user;
  const uint64_t now_ns = group->reactor->clock.now_ns;
  for (int way = 0; way < RATE_WAYS; way++) {
    struct group_way *each = &group->ways[way];
    if (each->first == NULL || bucket_wait_ns(&each->bucket, now_ns) > 0) continue;
    const uint64_t bytes = bucket_bytes(&each->bucket, now_ns);
    uint64_t share = bytes / each->count;
    if (share < SHARE_BYTES_MIN) share = SHARE_BYTES_MIN;
    if (share > bytes) share = bytes;
    for (uint64_t turns = bytes / share; turns > 0 && each->first != NULL; turns--) {
      struct conn_rate *rate = each->first;
      leave_list(rate, (enum rate_way)way);
      rate->ways[way].share = share;
      release(rate, (enum rate_way)way);
    }
  }
  await_group(group);
}

static void hold(struct conn_rate *rate, enum rate_way way) {
  struct evnet_conn *conn = rate->conn;
  rate->ways[way].share = 0;
  set_held(rate, way, true);
  if (way == RATE_RECEIVE) {
    conn->read_stop |= STOP_RATE;
    conn->flags &= (uint16_t)~RECEIVING;  // the poller has disarmed it, or is about to
  }
  if (bucket_wait_ns(&rate->ways[way].bucket, conn->reactor->clock.now_ns) > 0 ||
      rate->group == NULL) {
    await_own(rate);
  } else {
    join_list(rate, way);
  }
}

// Asking

// Returns the bytes that may pass now.
static uint64_t bytes_now(const struct conn_rate *rate, enum rate_way way) {
  const uint64_t now_ns = rate->conn->reactor->clock.now_ns;
  const struct rate_side *side = &rate->ways[way];
  uint64_t bytes = bucket_may_pass(&side->bucket, now_ns);
  if (rate->group == NULL) return bytes;
  const struct group_way *group = &rate->group->ways[way];
  // Without a turn, the connection waits after those that wait already.
  if (side->share == 0 && group->first != NULL) return 0;
  // A member with a turn was promised bytes, though the turns before it leave the bucket low.
  const uint64_t of_group = side->share > 0 ? bucket_bytes(&group->bucket, now_ns)
                                            : bucket_may_pass(&group->bucket, now_ns);
  if (of_group < bytes) bytes = of_group;
  return side->share > 0 && side->share < bytes ? side->share : bytes;
}

static bool is_limited(void *context, struct evnet_handle handle) {
  const struct evnet_reactor *reactor = context;
  return rate_of(&reactor->table.conns[handle.index]) != NULL;
}

static size_t ask(void *context, struct evnet_handle handle, enum evnet_op op) {
  struct evnet_reactor *reactor = context;
  struct evnet_conn *conn = &reactor->table.conns[handle.index];
  struct conn_rate *rate = rate_of(conn);
  if (op == EVNET_OP_RECV && conn->state != CONN_OPEN) return SIZE_MAX;  // input is discarded
  const enum rate_way way = op == EVNET_OP_RECV ? RATE_RECEIVE : RATE_SEND;
  const uint64_t bytes = rate->ways[way].is_held ? 0 : bytes_now(rate, way);
  if (bytes > 0) return bytes < SIZE_MAX ? (size_t)bytes : SIZE_MAX;
  if (!rate->ways[way].is_held) hold(rate, way);
  return 0;
}

bool rate_may_send(struct evnet_conn *conn) {
  struct conn_rate *rate = conn->side != NULL ? conn->side->rate : NULL;
  if (rate == NULL) return true;
  if (rate->ways[RATE_SEND].is_held) return false;
  if (bytes_now(rate, RATE_SEND) > 0) return true;
  hold(rate, RATE_SEND);
  return false;
}

void rate_take(struct conn_rate *rate, enum rate_way way, size_t bytes) {
  const uint64_t now_ns = rate->conn->reactor->clock.now_ns;
  struct rate_side *side = &rate->ways[way];
  bucket_take(&side->bucket, bytes, now_ns);
  if (rate->group == NULL) return;
  bucket_take(&rate->group->ways[way].bucket, bytes, now_ns);
  side->share = side->share > bytes ? side->share - bytes : 0;
}

// Setting

static int check_rate(const struct evnet_rate *rate) {
  const uint64_t numbers[] = {rate->receive_bytes_per_s, rate->receive_burst_bytes,
                              rate->send_bytes_per_s, rate->send_burst_bytes};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    if (numbers[i] > EVNET_RATE_MAX) return -EINVAL;
  }
  return 0;
}

static void set_bucket(struct bucket *bucket, uint64_t bytes_per_s, uint64_t burst_bytes,
                       uint64_t now_ns) {
  if (burst_bytes == 0) burst_bytes = bytes_per_s / 8 > 0 ? bytes_per_s / 8 : 1;
  bucket_set(bucket, bytes_per_s, burst_bytes, now_ns);
}

static bool is_none(const struct evnet_rate *rate) {
  return rate->receive_bytes_per_s == 0 && rate->send_bytes_per_s == 0;
}

// Returns the record of a connection, and makes it if there is none.
static int get_rate(struct evnet_conn *conn, struct conn_rate **out_rate) {
  struct evnet_reactor *reactor = conn->reactor;
  struct conn_side *side = side_get(conn);
  if (side == NULL) return -ENOMEM;
  if (side->rate == NULL) {
    side->rate = evnet_allocate_zeroed(reactor->options.allocator, sizeof *side->rate);
    if (side->rate == NULL) {
      due_add(conn, 0);  // which frees the side, if nothing needs it
      return -ENOMEM;
    }
    side->rate->conn = conn;
    if (!reactor->rates.has_quota) {
      reactor->rates.quota =
          (struct evnet_quota){.is_limited = is_limited, .ask = ask, .context = reactor};
      reactor->rates.has_quota = true;
      evnet_poller_set_quota(reactor->poller, &reactor->rates.quota);
    }
    if (conn->flags & RECEIVING) {  // from now on the poller has to ask
      evnet_poller_recv_stop(reactor->poller, conn_handle(conn));
      evnet_poller_recv_start(reactor->poller, conn_handle(conn));
    }
  }
  *out_rate = side->rate;
  return 0;
}

static void leave_group(struct conn_rate *rate) {
  struct evnet_rate_group *group = rate->group;
  if (group == NULL) return;
  leave_list(rate, RATE_RECEIVE);
  leave_list(rate, RATE_SEND);
  rate->ways[RATE_RECEIVE].share = rate->ways[RATE_SEND].share = 0;
  if (rate->member_next != NULL) rate->member_next->member_prev = rate->member_prev;
  if (rate->member_prev != NULL) {
    rate->member_prev->member_next = rate->member_next;
  } else {
    group->members = rate->member_next;
  }
  rate->group = NULL;
}

static void join_group(struct conn_rate *rate, struct evnet_rate_group *group) {
  rate->group = group;
  rate->member_prev = NULL;
  rate->member_next = group->members;
  if (group->members != NULL) group->members->member_prev = rate;
  group->members = rate;
}

// Decides again about a connection that is held back, after its limits have changed. Frees the
// record if there is no limit any more.
static void changed(struct conn_rate *rate) {
  try_release(rate, RATE_RECEIVE);
  try_release(rate, RATE_SEND);
  await_own(rate);
  const bool none = rate->group == NULL && rate->ways[RATE_RECEIVE].bucket.bytes_per_s == 0 &&
                    rate->ways[RATE_SEND].bucket.bytes_per_s == 0;
  struct evnet_conn *conn = rate->conn;
  if (!none) return;
  rate_end(conn);
  due_add(conn, 0);  // which frees the side, if nothing needs it
}

static int check_conn(const struct evnet_conn *conn) {
  if (conn_is_datagram(conn)) return -EOPNOTSUPP;
  return conn->state == CONN_OPEN ? 0 : -ENOTCONN;
}

static const struct evnet_rate no_rate;

int evnet_conn_set_rate(struct evnet_conn *conn, const struct evnet_rate *rate) {
  if (rate == NULL) rate = &no_rate;
  int status = check_rate(rate);
  if (status == 0) status = check_conn(conn);
  if (status < 0) return status;
  if (is_none(rate) && (conn->side == NULL || conn->side->rate == NULL)) return 0;
  struct conn_rate *own;
  status = get_rate(conn, &own);
  if (status < 0) return status;
  const uint64_t now_ns = conn->reactor->clock.now_ns;
  set_bucket(&own->ways[RATE_RECEIVE].bucket, rate->receive_bytes_per_s, rate->receive_burst_bytes,
             now_ns);
  set_bucket(&own->ways[RATE_SEND].bucket, rate->send_bytes_per_s, rate->send_burst_bytes, now_ns);
  changed(own);
  return 0;
}

int evnet_conn_set_rate_group(struct evnet_conn *conn, struct evnet_rate_group *group) {
  if (group != NULL && group->reactor != conn->reactor) return -EINVAL;
  int status = check_conn(conn);
  if (status < 0) return status;
  if (group == NULL && (conn->side == NULL || conn->side->rate == NULL)) return 0;
  struct conn_rate *own;
  status = get_rate(conn, &own);
  if (status < 0) return status;
  if (own->group == group) return 0;
  leave_group(own);
  if (group != NULL) join_group(own, group);
  changed(own);
  return 0;
}

void rate_end(struct evnet_conn *conn) {
  struct conn_rate *rate = conn->side != NULL ? conn->side->rate : NULL;
  if (rate == NULL) return;
  struct evnet_reactor *reactor = conn->reactor;
  if (is_held_at_all(rate)) counter_add(&reactor->stats.connections_throttled, (uint64_t)-1);
  leave_group(rate);
  evnet_timer_stop(reactor, &rate->timer);
  conn->side->rate = NULL;
  evnet_release(reactor->options.allocator, rate);
}

// Groups

static void set_group(struct evnet_rate_group *group, const struct evnet_rate *rate) {
  const uint64_t now_ns = group->reactor->clock.now_ns;
  set_bucket(&group->ways[RATE_RECEIVE].bucket, rate->receive_bytes_per_s,
             rate->receive_burst_bytes, now_ns);
  set_bucket(&group->ways[RATE_SEND].bucket, rate->send_bytes_per_s, rate->send_burst_bytes,
             now_ns);
  await_group(group);
}

int evnet_rate_group_create(struct evnet_reactor *reactor, const struct evnet_rate *rate,
                            struct evnet_rate_group **out_group) {
  if (rate == NULL) rate = &no_rate;
  const int status = check_rate(rate);
  if (status < 0) return status;
  struct evnet_rate_group *group = evnet_allocate_zeroed(reactor->options.allocator, sizeof *group);
  if (group == NULL) return -ENOMEM;
  group->reactor = reactor;
  group->next = reactor->rates.groups;
  reactor->rates.groups = group;
  set_group(group, rate);
  *out_group = group;
  return 0;
}

int evnet_rate_group_set_rate(struct evnet_rate_group *group, const struct evnet_rate *rate) {
  if (rate == NULL) rate = &no_rate;
  const int status = check_rate(rate);
  if (status < 0) return status;
  set_group(group, rate);
  return 0;
}

void evnet_rate_group_destroy(struct evnet_rate_group *group) {
  if (group == NULL) return;
  struct evnet_reactor *reactor = group->reactor;
  while (group->members != NULL) {
    struct conn_rate *rate = group->members;
    leave_group(rate);
    changed(rate);
  }
  evnet_timer_stop(reactor, &group->timer);
  struct evnet_rate_group **link = &reactor->rates.groups;
  while (*link != group) link = &(*link)->next;
  *link = group->next;
  evnet_release(reactor->options.allocator, group);
}

void rate_free_groups(struct evnet_reactor *reactor) {
  while (reactor->rates.groups != NULL) evnet_rate_group_destroy(reactor->rates.groups);
}
