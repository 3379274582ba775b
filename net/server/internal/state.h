// The server's state. Only files of net/server include this header.
#ifndef EVNET_NET_SERVER_INTERNAL_STATE_H_
#define EVNET_NET_SERVER_INTERNAL_STATE_H_

#include <net/if.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/balancer/balancer.h"
#include "net/reactor/handlers.h"
#include "net/reactor/mailbox.h"
#include "net/reactor/owner.h"
#include "net/reactor/timer.h"
#include "net/server/address_counts.h"
#include "net/server/internal/names.h"
#include "net/server/server.h"

// One address to listen at. A text (a string given to evnet_server_create) that contains a name
// resolves to one or more addresses, which are adjacent in `sockets`.
struct server_address {
  struct evnet_address address;
  uint8_t index;  // the text's
  bool left_out;  // this machine has no addresses of its family
};

enum listening_state {
  LISTENING_NEVER = 0,  // the index was never used
  LISTENING_ADDING,     // an address is being bound
  LISTENING_OPEN,       // at an address
  LISTENING_REMOVING,   // sockets of the address are still open
  LISTENING_REMOVED,    // the index can be used again when `connections` is 0
};

// An index of an address.
struct server_listening {
  enum listening_state state;  // under the server's mutex
  struct evnet_address bound;  // under mutex: its first bound address, with the actual port
  int descriptor;              // under mutex: reactor 0's, or a negative errno
  uint8_t handler_index;       // in the server's handlers; constant while the address exists
  uint32_t connections;        // atomic: that it accepted and that are not closed
};

// One reactor of a server, with its thread.
struct server_reactor {
  struct evnet_server *server;
  uint32_t index;
  struct evnet_reactor *reactor;  // atomic: set once by its thread, freed by evnet_server_destroy
  uint64_t load;                  // atomic: connections given to it and not yet closed
  bool claim_is_loaded;           // its thread only: `load` already includes the next claim
  bool has_place;      // its thread only: it has a place for the connection that it accepts next
  bool accept_paused;  // atomic: it waits for a place; written by its thread
  int resume_posted;  // atomic: 1: resume_message is queued; a bool would need libatomic on riscv64
  struct evnet_message resume_message;
  uint64_t refused;  // atomic: connections that it has refused; written by its thread
  pthread_t thread;
  bool has_thread;
  bool drained;  // its thread only: it is stopping, and no connection delays the stop
  int status;    // result of the creation, then of the run; under the server's mutex
};

enum server_state {
  SERVER_CREATED,
  SERVER_STARTING,  // the reactors are being created, and reactor 0 binds the addresses
  SERVER_SHARING,   // reuse_port: the other reactors bind the addresses, too
  SERVER_RUNNING,
  SERVER_ENDED,  // the server failed to start, or has stopped
};

// Value of stop_drain_ms before the first evnet_server_stop.
#define NO_STOP INT64_MAX

// The ticks of one handler.
struct server_tick {
  struct evnet_timer timer;  // runs on reactor 0
  struct evnet_server *server;
  const struct evnet_bound_handler *bound;
};

struct evnet_server {
  struct evnet_handlers *handlers;  // the server's own, those of its addresses, then others
  struct evnet_options options;
  struct evnet_reactor_options reactor_options;
  struct evnet_logger logger;
  char device[IF_NAMESIZE];  // options.bind_to_device, if there is one

  struct server_address *sockets;  // given to evnet_server_create, in the order of the texts
  size_t socket_count;
  struct server_listening listening[EVNET_LISTENERS_MAX];  // by index
  size_t address_count;  // under mutex: all indexes from here on were never used
  bool is_bound;         // atomic: the addresses given to evnet_server_create are bound

  // Each reactor listens and keeps the connections that it accepts (reuse_port). Reactor 0 sets it
  // before the other reactors read it.
  bool spreads;

  // The CPUs of reuse_port_by_cpu, which reactor 0 writes before the other reactors read it;
  // cpu_count 0: not used.
  struct evnet_port_cpus port_cpus;
  uint32_t cpus[1024];

  struct server_reactor *reactors;
  uint32_t reactor_count;
  struct evnet_balancer balancer;  // reactor 0's thread only
  uint64_t *loads;                 // reactor 0's thread only: the balancer's input

  // Atomic: places taken on all reactors, at most connections_max. A connection has a place from
  // before its accept(2) or dial until its close.
  uint64_t connections_open;
  uint32_t paused_count;               // atomic: number of reactors with accept_paused
  struct evnet_log_limit refused_log;  // shared by all reactors
  struct evnet_reactor_log_limits log_limits;
  bool counts_addresses;  // set at creation; if false, address_counts is not initialized
  struct evnet_address_counts address_counts;

  struct server_tick *ticks;  // by index in `handlers`, up to boot_count
  // Atomic: the number of reactors that are not `drained`, plus the number of connections that are
  // being handed over from reactor 0 to another reactor.
  uint32_t undrained_count;
  bool all_drained;       // atomic: undrained_count has been 0
  int64_t stop_drain_ms;  // atomic: the shortest requested, or NO_STOP
  unsigned signal_first;  // atomic, for signal.c: number of the server's first signal, or 0

  pthread_mutex_t mutex;
  pthread_cond_t changed;
  enum server_state state;  // under mutex
  uint32_t ready_count;     // reactors whose status is known, under mutex
  bool waited;              // under mutex
};

// Functions with a `context` are callbacks of struct evnet_reactor_owner (net/reactor/owner.h).

// accept.c
bool server_admit(void *context);
void server_not_admitted(void *context);
void server_accepted(void *context, int descriptor, const struct evnet_address *peer,
                     struct evnet_origin origin);
void server_closed(void *context, const struct evnet_conn *conn);
// Returns the reactor that gets a connection or a dial. Runs on reactor 0's thread.
struct server_reactor *server_pick(struct evnet_server *server, const struct evnet_address *peer,
                                   uint8_t listener_index);
void server_run_resume(struct evnet_message *message, void *context);

void server_unclaim(void *context);
int server_claim(void *context);

// listen.c
int server_listen(struct server_reactor *self);  // binds the addresses; logs errors
void server_closing(void *context);

// options.c
// Returns EVNET_STATUS_OPTION for a bad option, and logs it.
int server_resolve_options(struct evnet_server *server);

// texts.c
// Looks up the addresses of a text, checks them against the options, and logs errors.
//
//   found  count_max + 1 addresses.
//
// Returns: the number of addresses, at least 1.
// Errors:  those of evnet_server_create.
int server_resolve_text(const struct evnet_server *server, const char *text, int count_max,
                        struct evnet_address *found);
// Adds addresses to an array with room for them, without duplicates. Returns the new count.
size_t server_add_sockets(struct server_address *sockets, size_t count, uint8_t index,
                          const struct evnet_address *found, size_t found_count);

// stop.c
bool server_drained(void *context, bool drained);

// Change undrained_count; any thread.
void server_add_undrained(struct evnet_server *server);
void server_remove_undrained(struct evnet_server *server);
void server_shutdown(void *context);

// run.c
// The steps of evnet_server_run, in their order. main_run adds the threads.
int server_begin(struct evnet_server *server);  // -EALREADY the second time

// Functions for reactors 1 to N-1, which have their own threads or not.
struct server_others {
  int (*create)(struct evnet_server *server);
  int (*listen)(struct evnet_server *server);  // calls server_listen for each, if `spreads`
};

// Creates the reactors, binds the addresses, calls on_boot and the first on_tick, and begins to
// accept on reactor 0. Afterwards the loops may run.
int server_boot(struct evnet_server *server, const struct server_others *others);
int server_create_reactor(struct server_reactor *self);
void server_tell_shutdown(struct evnet_server *server);  // after all loops have ended
void server_set_state(struct evnet_server *server, enum server_state state);

// signal.c
void server_forget_signals(struct evnet_server *server);

#endif  // EVNET_NET_SERVER_INTERNAL_STATE_H_
