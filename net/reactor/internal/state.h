// The reactor's and the connection's state, shared by the files of net/reactor and by nothing else.
#ifndef EVNET_NET_REACTOR_INTERNAL_STATE_H_
#define EVNET_NET_REACTOR_INTERNAL_STATE_H_

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/base/assert.h"
#include "net/base/bytes.h"
#include "net/buffer/outbound.h"
#include "net/buffer/ring.h"
#include "net/poller/poller.h"
#include "net/reactor/async.h"
#include "net/reactor/mailbox.h"
#include "net/reactor/owner.h"
#include "net/reactor/reactor.h"
#include "net/reactor/timer.h"
#include "net/reactor/wheel.h"

// The order matters: what is behind OPEN is on its way out.
enum conn_state {
  CONN_FREE = 0,
  CONN_OPEN,
  CONN_FLUSHING,   // no more input; output is being delivered
  CONN_LINGERING,  // all delivered and our end sent; input is thrown away until the peer's end
  CONN_CLOSED,     // on_close is due or done; waiting for DETACH
  CONN_LISTENER,   // not a connection: the handle is a listener's
  CONN_DATAGRAM,   // nor is this: a listener's UDP socket, until it is detached
  CONN_DIALLING,   // not yet one: it has had no on_open
  CONN_ATTEMPT,    // not a connection: the handle is one of several that connect for one
};

// Why reading is stopped. Each bit is set and cleared by its owner only.
enum {
  STOP_USER = 1,           // evnet_conn_pause_reading
  STOP_OUTBOUND_HIGH = 2,  // between on_pressure and on_drain
  STOP_FAILING = 2,        // of a UDP socket, which has no pressure: receiving fails for now
  STOP_INBOUND_MAX = 4,    // inbound_bytes_max stand unread and reading is stopped
  STOP_CLOSING = 8,        // not OPEN any more
  STOP_HOLDS = 16,         // holds_max holds are out
};

enum {
  PEER_ENDED = 1 << 0,   // the peer's end was read
  WRITE_ENDED = 1 << 1,  // evnet_conn_shutdown_write: our end follows the last queued byte
  END_SENT = 1 << 2,     // and has been sent
  RESET = 1 << 3,        // close by a reset
  PRESSED = 1 << 4,      // output has crossed the high mark and not yet fallen to the low one
  SENDING = 1 << 5,      // a send_start is under way: side->send is the poller's
  RECEIVING = 1 << 6,    // a recv is armed
  PEER_IS_IP6 = 1 << 7,
  CLOSE_ON_RELEASE = 1 << 8,  // the peer has ended and only holds keep the connection open
  STOPPING_TOLD = 1 << 9,
  DUE_PRESSURE = 1 << 10,  // what run_due has to do
  DUE_DRAIN = 1 << 11,
  DUE_DATA = 1 << 12,
  DUE_CLOSE = 1 << 13,
  LISTED = 1 << 14,  // on the reactor's due list
  END_WAITS =
      1 << 15,  // the peer's end was read, and bytes in front of it are still to be presented
};

enum {
  NONE = 0xffffff,  // no index: those of connections are 24 bits and below it
  // From this size on a write is sent from where it lies instead of being gathered. To copy a page
  // costs about 60 ns (//net/buffer:ring_benchmark, 4096), some 1 % of a small request's send, and
  // saves a send or a piece of one; from there on the copy costs more with every byte.
  DIRECT_BYTES = 4096,
  SEND_PIECES = 16,
  // Of a file, at most so many bytes a turn: one send. As much as one connection may receive.
  FILE_TURN_BYTES = 256 << 10,
  // Connections that one callback stamps with its time before the clock is read in between.
  STAMPED_MAX = 16,
};

// What the options say of each connection, and what one of them may have otherwise. No zeroes left.
struct conn_limits {
  int64_t timeouts_ms[EVNET_TIMEOUT_LIFETIME + 1];  // by enum evnet_timeout
  int64_t linger_ms;
  size_t outbound_high_water_bytes;
  size_t outbound_low_water_bytes;
  enum evnet_high_action outbound_high_action;
};

// What a connection needs only while bytes stand on either side of it, or because it differs from
// the others.
struct conn_side {
  struct evnet_ring inbound;
  struct evnet_outbound outbound;
  struct conn_limits *limits;  // its own; NULL: the reactor's
  void *retired;  // the block that `inbound` outgrew while spans into it may still be in use
  uint32_t
      write_since_ms;     // when the kernel last took a byte of `outbound`, or it got its first one
  uint32_t opened_ms;     // for lifetime_ms
  bool woken;             // on_data is to be called even if nothing is unread
  bool awaits_acks;       // LINGERING went on because unacked_bytes were above 0
  int64_t unacked_bytes;  // when last asked; write_since_ms: when that last fell
  struct datagram_socket *datagram;  // of a UDP socket, else NULL
  struct evnet_send send;            // the poller's while SENDING, with one of these
  union {
    struct iovec pieces[SEND_PIECES];
    struct evnet_file_range file;
  };
};

// 104 bytes: with the poller's slot an idle connection costs 128. The wheel's 32-bit tag holds the
// generation of the poller's handle. Times are the low 32 bits of the reactor's milliseconds: only
// differences are used, and no timeout is longer than 2^30 ms.
struct evnet_conn {
  struct evnet_reactor *reactor;
  void *user;
  union {
    struct conn_side *side;  // NULL: nothing unread beyond the lease, nothing queued
    struct dial *dial;       // DIALLING; NULL: adopted. ATTEMPT; NULL: given up
  };
  uint64_t generation;
  struct evnet_wheel_node deadline;  // at its earliest deadline or before it
  uint8_t peer_host[16];             // in network order; an IPv4 address is in the first four.
                                     // Of Unix peers the kernel keeps the address
  uint32_t peer_zone;                // sin6_scope_id of an IPv6 address
  uint32_t in_ms;                    // when bytes last came
  uint32_t out_ms;                   // when the kernel last took bytes; in LINGERING: since when
  union {
    uint32_t read_since_ms;  // OPEN: since when a read timeout counts
    int32_t reason;          // later
  };
  uint32_t due_next : 24;
  uint32_t transport : 4;  // enum evnet_transport
  uint32_t flying : 1;     // a send of gathered or leased bytes is under way: SEND tells its result
  uint32_t background : 1;  // evnet_conn_set_background
  uint32_t dialled : 1;     // not accepted
  uint32_t unopened : 1;    // it has had no on_open
  uint32_t holds;
  uint16_t peer_port;  // in network order
  uint16_t flags;
  uint8_t listener;  // its index, or EVNET_LISTENER_NONE; LISTENER: the place in `listeners`
  uint8_t state : 4;
  uint8_t read_stop;  // the STOP_ bits
};

struct listener {
  struct evnet_handle handle;
  uint8_t index;     // of the address that it is for, which it may share
  bool is_adopted;   // none of the server's addresses
  bool is_datagram;  // a UDP socket, which closes by itself; what follows is not used
  bool armed;
  bool starved;              // the last accept failed for want of descriptors or memory
  struct evnet_timer retry;  // and this tries again
};

enum stop_phase {
  STOP_NONE = 0,
  STOP_READING,   // what the kernel holds is being read once more
  STOP_DRAINING,  // connections close as they finish
  STOP_DONE,
};

struct evnet_reactor {
  struct evnet_handler handler;
  void *user;
  struct evnet_reactor_options options;  // no zeroes left
  struct conn_limits limits;             // of the connections that have none of their own
  struct evnet_reactor_owner owner;
  struct evnet_poller *poller;

  struct evnet_conn *conns;  // by the index of the poller's handle; reserved address space
  uint32_t conns_max;
  uint32_t conns_top;  // no connection has ever had an index from here on
  uint32_t handles;    // attached, or detached with DETACH still to come; listeners included
  uint64_t generation_last;

  // Bytes of the RECV being presented; lease_conn NULL: none.
  struct evnet_conn *lease_conn;
  struct evnet_bytes lease;

  // Small writes of one connection, gathered until its callback returns.
  struct evnet_conn *scratch_conn;
  uint8_t *scratch;
  size_t scratch_bytes;
  struct evnet_conn *prewrite_conn;  // whose on_prewrite is running, or NULL

  // Connections with something to do at the end of the turn.
  uint32_t due_first;
  uint32_t due_last;

  struct dial *dials;   // under way
  uint32_t dial_count;  // they count as open

  struct datagram_socket *datagram_sockets;
  struct datagram_gather *gather;  // made with the first of them

  bool turning;  // a turn is under way: this is a callback

  bool ran;  // this turn has run user code

  uint64_t lap_ns;                          // when the last callback returned, or the wait
  uint64_t now_ns;                          // when the clock was last read
  uint64_t tick_ns;                         // when now_ms ends
  struct evnet_conn *stamped[STAMPED_MAX];  // since then, by stats_stamp
  uint32_t stamped_count;
  bool active;             // something happened in this turn
  uint64_t spin_until_ns;  // busy_poll_us after a turn in which something happened

  uint64_t origin_ns;
  uint64_t now_ms;               // now_ns since origin_ns
  struct evnet_wheel deadlines;  // of connections
  // What the kernel was asked for, and when; see deadline_settle.
  uint64_t asked_ms;          // the last wait began, or shortly before
  uint64_t settled_ms;        // everything that was ready then has been reported
  uint64_t fence_ms;          // the same, after fence_waits more waits
  uint32_t fence_waits;       // 0: there is no fence
  bool overdue;               // a deadline has passed that is later than settled_ms
  struct evnet_wheel timers;  // struct evnet_timer
  // Other threads write the mailbox: no field that the loop uses shares its cache lines.
  uint8_t before_mailbox[64];
  struct evnet_mailbox mailbox;
  uint8_t after_mailbox[64];
  struct evnet_message *inbox;        // taken from the mailbox and not yet run
  struct later *later;                // of evnet_reactor_post_after
  struct evnet_async *answers_first;  // to be told of, in this order
  struct evnet_async *answers_last;

  struct listener listeners[EVNET_LISTENER_SOCKETS_MAX];  // by index
  uint8_t listener_count;                                 // of these
  uint8_t listener_indexes;                               // in use
  bool accepting;
  bool accepting_chosen;                       // it has been paused or resumed
  struct evnet_reactor_log_limits log_limits;  // unless the owner has them

  struct resolver *resolver;  // made with the first name that is looked up
  struct evnet_log_limit resolver_log;

  uint64_t stop_at_ns;  // atomic; the poller's clock; UINT64_MAX: no stop asked for
  enum stop_phase stop_phase;
  uint64_t stop_reading_until_ns;  // the latest end of STOP_READING
  uint32_t stop_quiet_turns;       // those that brought nothing, in a row
  bool stop_untold;                // connections may be open that had no on_stopping
  bool stop_last;            // nothing is left that the stop waits for: the background ends, too
  uint32_t background_open;  // of stats.connections_open

  struct evnet_reactor_stats stats;  // written here only, by atomic stores; read by any thread
};

// A counter that other threads read.
static inline void counter_add(uint64_t *counter, uint64_t amount) {
  __atomic_store_n(counter, *counter + amount, __ATOMIC_RELAXED);
}

static inline uint32_t now32(const struct evnet_reactor *reactor) {
  return (uint32_t)reactor->now_ms;
}

static inline struct evnet_handle conn_handle(const struct evnet_conn *conn) {
  return (struct evnet_handle){.index = (uint32_t)(conn - conn->reactor->conns),
                               .generation = conn->deadline.tag};
}

// Whether it sends and receives datagrams, a listener's UDP socket or a dialled one.
static inline bool conn_is_datagram(const struct evnet_conn *conn) {
  return conn->transport == EVNET_TRANSPORT_UDP;
}

// Whether the poller has a socket of it: not of a dial that has failed, nor of a listener's UDP
// socket once that is closed, whose pointer a user may still have.
static inline bool conn_has_socket(const struct evnet_conn *conn) {
  bool is_open = conn->state != CONN_CLOSED && conn->state != CONN_FREE;
  bool is_listeners = conn_is_datagram(conn) && !conn->dialled;
  return !conn->unopened && (is_open || !is_listeners);
}

static inline const struct conn_limits *limits_of(const struct evnet_conn *conn) {
  const struct conn_side *side = conn->side;
  return side != NULL && side->limits != NULL ? side->limits : &conn->reactor->limits;
}

static inline struct evnet_reactor_log_limits *log_limits_of(struct evnet_reactor *reactor) {
  return reactor->owner.log_limits != NULL ? reactor->owner.log_limits : &reactor->log_limits;
}

// reactor.c
void reactor_update_now(struct evnet_reactor *reactor);  // reads the clock
void reactor_begin_lap(struct evnet_reactor *reactor);   // and no callback has run since
// After each return of user code: sends what it wrote and does what it answered. conn may be NULL.
void reactor_after_callback(struct evnet_reactor *reactor, struct evnet_conn *conn,
                            enum evnet_action action);

// stats.c
void stats_lap(struct evnet_reactor *reactor);  // a callback has returned
void stats_set_now(struct evnet_reactor *reactor, uint64_t now_ns);
// The time to note in one of the connection's out_ms, read_since_ms, write_since_ms and opened_ms:
// now, corrected when the callback that is running has returned.
uint32_t stats_stamp(struct evnet_conn *conn);
void stats_count_closed(struct evnet_reactor_stats *stats, int reason);

// post.c
void post_run(struct evnet_reactor *reactor);  // what was posted, once a turn
void post_end(struct evnet_reactor *reactor);  // and all of it, and no more is taken

// resolver.c
void resolver_end(struct evnet_reactor *reactor);  // before the mailbox is sealed

// timer.c
void timer_expire(struct evnet_reactor *reactor);  // all that are due

// trace.c: the lines of each connection, at EVNET_LOG_DEBUG
void trace_opened(const struct evnet_conn *conn);
void trace_closed(const struct evnet_conn *conn);

// peer.c
void peer_set(struct evnet_conn *conn, const struct evnet_address *peer);

// conn.c
// A connection of a handle without a descriptor, in DIALLING.
int conn_reserve(struct evnet_reactor *reactor, enum evnet_transport transport,
                 struct evnet_conn **out_conn);
// A handle for one of several attempts to connect, in ATTEMPT: it takes no place of a connection.
int conn_reserve_attempt(struct evnet_reactor *reactor, enum evnet_transport transport,
                         struct dial *dial, struct evnet_conn **out_conn);
int conn_claim(struct evnet_conn *conn);  // a place for it: 0, or -errno of who knows the limits
// The same of a connected socket that somebody else has made, with its place.
int conn_adopt(struct evnet_reactor *reactor, int descriptor, const struct evnet_socket_kind *kind,
               struct evnet_conn **out_conn);
void conn_discard(struct evnet_conn *conn);  // without on_close: nobody knows of it
int conn_open(struct evnet_conn *conn);      // 0, with on_open; or -ENOMEM, without
// NULL: closed, or never was.
struct evnet_conn *conn_find(struct evnet_reactor *reactor, const struct evnet_conn_id *id);
int conn_close_by_id(struct evnet_conn *conn);  // as evnet_close
void conn_defer(struct evnet_conn *conn, uint16_t due);
void conn_run_due(struct evnet_reactor *reactor);
void conn_close_for(struct evnet_conn *conn, int reason);  // orderly
void conn_abort_for(struct evnet_conn *conn, int reason);  // with a reset
void conn_finish(struct evnet_conn *conn, int reason);     // at once, without a reset
void conn_failed(struct evnet_conn *conn, int error);      // the socket broke
void conn_peer_ended(struct evnet_conn *conn);
void conn_linger(struct evnet_conn *conn);  // FLUSHING, and all is sent
void conn_stop_reading(struct evnet_conn *conn, unsigned bit);
void conn_allow_reading(struct evnet_conn *conn, unsigned bit);
void conn_update_reading(struct evnet_conn *conn);
void conn_check_stopping(
    struct evnet_conn *conn);  // while the reactor stops: close it if it has nothing to do
void conn_check_stopping_later(
    struct evnet_conn *conn);                      // when what this callback wrote has gone out
void conn_tell_stopping(struct evnet_conn *conn);  // once, if it is open
void conn_detached(struct evnet_conn *conn);

// adopt.c
void adopt_open(struct evnet_conn *conn);  // of DIALLING, without a dial

// dial.c
void dial_connected(struct evnet_conn *conn, int result);  // CONNECT
void dial_free(struct evnet_conn *conn);                   // of DIALLING: nothing goes on
void dial_end(struct evnet_conn *conn, int reason);        // likewise, and requests get the reason
// Keeps a request until the connection has opened. False above the bound on output: it is the
// caller's, and the dial may have ended.
bool dial_add_request(struct evnet_conn *conn, struct evnet_async *async);
void dial_end_all(struct evnet_reactor *reactor, int reason);

// datagram.c
int datagram_connected(struct evnet_conn *conn);  // a dialled one is about to open: 0 or -errno

// side.c
struct conn_side *side_get(struct evnet_conn *conn);  // NULL: out of memory
void side_trim(struct evnet_conn *conn);              // frees it if nothing needs it
void side_free(struct evnet_conn *conn);
void side_release_retired(struct evnet_conn *conn);

// async.c
void async_answer(struct evnet_async *async, int status);  // at the end of the turn
void async_run_answers(struct evnet_reactor *reactor);
void async_carry_out(struct evnet_reactor *reactor, struct evnet_async *async);

// inbound.c
int inbound_wake(struct evnet_conn *conn);  // on_data, now or when reading resumes
void inbound_received(struct evnet_conn *conn, const uint8_t *data, size_t size);
void inbound_present(struct evnet_conn *conn);

// options.c
// Of the options of sockets: their ranges, from `least` on, and that keepalive's need its first.
int options_check_ranges(const struct evnet_reactor_options *options, int64_t least,
                         enum evnet_log_level level);
int options_check_keepalive(const struct evnet_reactor_options *options,
                            enum evnet_log_level level);
// As evnet_option_refuse, at another level.
int option_refuse_at(const struct evnet_logger *logger, enum evnet_log_level level,
                     const char *name, int64_t value, const char *why);

// limits.c
void limits_from_options(const struct evnet_reactor_options *options,
                         struct conn_limits *out_limits);

// outbound.c
void outbound_flush_scratch(struct evnet_reactor *reactor);
void outbound_sent(struct evnet_conn *conn, const struct evnet_completion *completion);  // SEND
void outbound_start(struct evnet_conn *conn);  // sends what was queued and not sent on the spot
// Queues lent bytes, to be sent at the end of the turn. Returns 1, 0 when there was nothing to
// send, or why they were not taken; only -ENOBUFS may end the connection.
int outbound_lend(struct evnet_conn *conn, struct evnet_outbound_lent *lent, const void *data,
                  size_t size);
void outbound_await_flight(struct evnet_conn *conn);  // if something waits for what is flying
void outbound_marks_changed(struct evnet_conn *conn);
void outbound_high_action_changed(struct evnet_conn *conn);
bool outbound_is_empty(const struct evnet_conn *conn);  // nothing queued and nothing flying
int outbound_may_write(const struct evnet_conn *conn);  // 0, -ENOTCONN or -EPIPE
// Queues a file behind all that was written. Its descriptor is the queue's if this returns 0.
int outbound_queue_file(struct evnet_conn *conn, const struct evnet_outbound_file *file);

// deadline.c
void deadline_arm(struct evnet_conn *conn, uint64_t delay_ms);  // unless an earlier one is armed
void deadline_arm_earliest(struct evnet_conn *conn);            // of those that it has now
void deadline_restart(struct evnet_conn *conn, enum evnet_timeout which);
void deadline_expire(struct evnet_reactor *reactor);  // all that are due
// After the completions of a turn. Returns whether settled_ms has moved.
bool deadline_settle(struct evnet_reactor *reactor);
// Whether a deadline that has passed may end something: the kernel was asked, later than it, until
// it had nothing more to report. If not, the reactor asks without sleeping: ask again in the next
// turn.
bool deadline_is_settled(struct evnet_reactor *reactor, uint64_t deadline_ms);

// listener.c
void listener_acceptable(struct evnet_reactor *reactor, uint8_t place,
                         const struct evnet_completion *completion);
// Of a socket that listens already; it accepts from now on, unless accepting has been paused.
int listener_adopt(struct evnet_reactor *reactor, int descriptor,
                   const struct evnet_socket_kind *kind);
void listener_close_all(struct evnet_reactor *reactor);

// stop.c
void stop_step(struct evnet_reactor *reactor);  // once a turn, before the wait
bool stop_is_reading(const struct evnet_reactor *reactor);
void stop_reading_resumed(
    struct evnet_reactor *reactor);  // of a connection, which needs its last read
void stop_newcomer(
    struct evnet_reactor *reactor);  // a connection was opened while the reactor stops
uint64_t stop_deadline_ns(const struct evnet_reactor *reactor);  // UINT64_MAX: none
// Whether the stop is over for what is to come: nothing is left to serve, or its time is up.
bool stop_refuses(const struct evnet_reactor *reactor);

#endif  // EVNET_NET_REACTOR_INTERNAL_STATE_H_
