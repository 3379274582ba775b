// The server's state, shared by the files of net/server and by nothing else.
#ifndef EVNET_NET_SERVER_INTERNAL_STATE_H_
#define EVNET_NET_SERVER_INTERNAL_STATE_H_

#include <net/if.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/balancer/balancer.h"
#include "net/reactor/mailbox.h"
#include "net/reactor/owner.h"
#include "net/reactor/timer.h"
#include "net/server/address_counts.h"
#include "net/server/server.h"

// One address to listen at. A name stands for several, which follow each other.
struct server_address {
  struct evnet_address address;  // as given, or as the name's lookup gave it
  uint8_t index;                 // of the text
  bool left_out;                 // this machine has no addresses of its family
};

// One reactor of a server, with its thread.
struct server_reactor {
  struct evnet_server *server;
  uint32_t index;
  struct evnet_reactor *reactor;  // atomic: set once by its thread, freed by evnet_server_destroy
  uint64_t load;                  // atomic: connections given to it and not yet closed
  bool claim_is_loaded;           // its thread's: what it claims next is in `load` already
  bool has_place;                 // its thread's: for the connection that it is accepting
  bool accept_paused;             // atomic: it waits for a place; written by its thread
  bool resume_posted;             // atomic: resume_message is on its way
  struct evnet_message resume_message;
  uint64_t refused;  // atomic: connections that it has refused; written by its thread
  pthread_t thread;
  bool has_thread;
  bool drained;  // its thread's: it stops, and has no connection left that the stop waits for
  int status;    // of its creation, then of its run; under the server's mutex
};

enum server_state {
  SERVER_CREATED,
  SERVER_STARTING,  // reactors are being made, and reactor 0 binds the addresses
  SERVER_SHARING,   // the other reactors bind them, too
  SERVER_RUNNING,
  SERVER_ENDED,  // could not start, or has stopped
};

// Of stop_drain_ms.
#define NO_STOP INT64_MAX

struct evnet_server {
  struct evnet_handler handler;
  void *user;
  struct evnet_options options;
  struct evnet_reactor_options reactor_options;
  struct evnet_logger logger;
  char device[IF_NAMESIZE];  // options.bind_to_device, if there is one

  struct server_address *sockets;  // in the order of the texts
  size_t socket_count;
  struct evnet_address *bound;  // by text: its first address as bound, with the real port
  size_t address_count;         // texts
  size_t bound_count;           // atomic: set when all are
  int *listeners;  // under mutex, by address: reactor 0's descriptor, or why there is none
  bool spreads;    // set before the other reactors look: each listens, and keeps what it accepts

  struct server_reactor *reactors;
  uint32_t reactor_count;
  struct evnet_balancer balancer;  // reactor 0's thread
  uint64_t *loads;                 // reactor 0's thread: what the balancer looks at

  // Places taken on all reactors, from before accept(2) or a dial to the close; at most
  // connections_max.
  uint64_t connections_open;           // atomic
  uint32_t paused_count;               // atomic: reactors with accept_paused
  struct evnet_log_limit refused_log;  // of all reactors
  struct evnet_reactor_log_limits log_limits;
  bool counts_addresses;  // set once; else address_counts is not there
  struct evnet_address_counts address_counts;

  struct evnet_timer tick;  // reactor 0's
  // Atomic: reactors that are not `drained`, and connections on their way from reactor 0 to
  // another.
  uint32_t undrained_count;
  bool all_drained;       // atomic: once none was left
  int64_t stop_drain_ms;  // atomic; the shortest asked for, or NO_STOP
  unsigned signal_first;  // atomic; signal.c: the first signal that came for it; 0: none has

  pthread_mutex_t mutex;
  pthread_cond_t changed;
  enum server_state state;  // under mutex
  uint32_t ready_count;     // reactors whose status is known, under mutex
  bool waited;              // under mutex
};

// accept.c
bool server_admit(void *context);  // a reactor's owner: whether the next connection has a place
void server_not_admitted(void *context);
void server_accepted(void *context, int descriptor, const struct evnet_address *peer,
                     uint8_t listener_index);
void server_closed(void *context, const struct evnet_conn *conn);
// The reactor that gets a connection; on reactor 0.
struct server_reactor *server_pick(struct evnet_server *server, const struct evnet_address *peer,
                                   uint8_t listener_index);
void server_run_resume(struct evnet_message *message, void *context);

void server_unclaim(void *context);
int server_claim(void *context);  // a reactor's owner: a place for a connection made from here

// listen.c
int server_listen(struct server_reactor *self);  // binds the addresses; the log says what fails
void server_closing(void *context);              // a reactor's owner: its listeners close

// options.c
int server_resolve_options(
    struct evnet_server *server);  // EVNET_STATUS_OPTION, and the log says why

// run.c
bool server_drained(void *context, bool drained);  // a reactor's owner
// Of undrained_count; any thread.
void server_add_undrained(struct evnet_server *server);
void server_remove_undrained(struct evnet_server *server);
void server_shutdown(void *context);  // a reactor's owner: a callback answered EVNET_SHUTDOWN
// The parts of evnet_server_run, in their order. Threads are main_run's business.
int server_begin(struct evnet_server *server);  // -EALREADY a second time
// Reactors 1 to N-1, with threads or without.
struct server_others {
  int (*create)(struct evnet_server *server);
  int (*listen)(struct evnet_server *server);  // server_listen of each; only with `spreads`
};
// Reactor 0 on this thread and the others, addresses, on_boot: up to the moment when the loops may
// run, and accepting begins on reactor 0.
int server_boot(struct evnet_server *server, const struct server_others *others);
int server_create_reactor(struct server_reactor *self);
void server_tell_shutdown(struct evnet_server *server);  // when every loop has ended
void server_set_state(struct evnet_server *server, enum server_state state);

// signal.c
void server_forget_signals(struct evnet_server *server);

#endif  // EVNET_NET_SERVER_INTERNAL_STATE_H_
