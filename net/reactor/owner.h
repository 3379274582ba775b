// What a server needs of its reactors beyond reactor.h, and what they tell it.
#ifndef EVNET_NET_REACTOR_OWNER_H_
#define EVNET_NET_REACTOR_OWNER_H_

#include <stdbool.h>

#include "net/reactor/mailbox.h"
#include "net/reactor/reactor.h"

#ifdef __cplusplus
extern "C" {
#endif

// Of the lines that peers or the system can cause.
struct evnet_reactor_log_limits {
  struct evnet_log_limit starved;  // accepting without descriptors
  struct evnet_log_limit deaf;     // a UDP socket that cannot be received from
  struct evnet_log_limit refused;  // a datagram that the kernel refuses
};

// Who gets to know. All are called on the reactor's thread; NULL members are not called.
struct evnet_reactor_owner {
  void *context;
  uint32_t reactor_index;  // for evnet_conn_id
  // A connection may wait at a listener. True: it is accepted, and then `accepted` follows, or
  // `not_admitted` if there is none after all. False: the callee has paused accepting.
  bool (*admit)(void *context);
  void (*not_admitted)(void *context);
  // A listener brought a descriptor, now the callee's: to open here or elsewhere with
  // evnet_reactor_open, or to discard. NULL: opened here.
  void (*accepted)(void *context, int descriptor, const struct evnet_address *peer,
                   uint8_t listener_index);
  // A connection is to be made from here. 0, or -errno: it is over a limit.
  int (*claim)(void *context);
  void (*unclaim)(void *context);  // it was not made after all
  // A connection closes, or one that was claimed: its on_close follows, which may dial again. Of
  // `conn` only what it is may be asked.
  void (*closed)(void *context, const struct evnet_conn *conn);
  // A stop has begun, and the listeners are about to close.
  void (*closing)(void *context);
  // A reactor that stops has, or has no longer, connections that the stop waits for; called in
  // every turn of it. Returns whether no reactor has. NULL: there is no other.
  bool (*drained)(void *context, bool drained);
  // A callback answered EVNET_SHUTDOWN. NULL: the reactor stops itself.
  void (*shutdown)(void *context);
  // Which its reactors share. NULL: this reactor's own.
  struct evnet_reactor_log_limits *log_limits;
};

// Before the first turn; copied.
void evnet_reactor_set_owner(struct evnet_reactor *reactor,
                             const struct evnet_reactor_owner *owner);

enum {
  EVNET_LISTENERS_MAX = 64,
  EVNET_LISTENER_SOCKETS_MAX = 128,  // a listener that a name stands for has several
  EVNET_LISTENER_NONE = 255,
};

// evnet_reactor_listen opens a listening or UDP socket; accepting, and receiving there, begins with
// the first evnet_reactor_accept_resume.
//
//   out_address  the address as bound, with the real port.
//
// Returns: the listener's index, from 0.
// Errors:  -ENOBUFS after EVNET_LISTENERS_MAX, or EVNET_LISTENER_SOCKETS_MAX sockets; -ESHUTDOWN
//          once the reactor stops; and those of evnet_poller_listen.
EVNET_WARN_UNUSED int evnet_reactor_listen(struct evnet_reactor *reactor,
                                           const struct evnet_address *address,
                                           const struct evnet_listen_options *options,
                                           struct evnet_address *out_address);

// evnet_reactor_listen_also opens one more socket for the listener that was opened last, at another
// address of its name.
//
// Returns: the listener's index.
// Errors:  as evnet_reactor_listen; the listener's other sockets stay.
EVNET_WARN_UNUSED int evnet_reactor_listen_also(struct evnet_reactor *reactor,
                                                const struct evnet_address *address,
                                                const struct evnet_listen_options *options,
                                                struct evnet_address *out_address);

// evnet_reactor_unlisten closes the listener that was opened last, with all its sockets, before the
// first evnet_reactor_accept_resume.
void evnet_reactor_unlisten(struct evnet_reactor *reactor);

// As evnet_poller_has_family.
bool evnet_reactor_has_family(const struct evnet_reactor *reactor, int family);

// As evnet_poller_spreads_port.
bool evnet_reactor_spreads_port(const struct evnet_reactor *reactor);

// As evnet_poller_descriptor, of a listener by its index; of several sockets, the first.
EVNET_WARN_UNUSED int evnet_reactor_listener_descriptor(const struct evnet_reactor *reactor,
                                                        uint8_t index);

// The UDP socket of a listener, of several the first; NULL: it is none, or the reactor stops.
struct evnet_conn *evnet_reactor_datagram_socket(struct evnet_reactor *reactor, uint8_t index);

// Accepting on all of the reactor's listeners. Paused at first. Both do nothing once the reactor
// stops.
void evnet_reactor_accept_pause(struct evnet_reactor *reactor);
void evnet_reactor_accept_resume(struct evnet_reactor *reactor);

// evnet_reactor_open makes a connection of an accepted descriptor; on_open follows before it
// returns.
//
//   descriptor  the reactor's from now on, also on error, when it has been discarded.
//
// Returns: 0.
// Errors:  -ENOBUFS at connections_max; -ESHUTDOWN when the reactor has ended; -ENOMEM.
int evnet_reactor_open(struct evnet_reactor *reactor, int descriptor,
                       const struct evnet_address *peer, uint8_t listener_index);

// evnet_dial_check checks what evnet_dial would be given.
//
//   defaults  the options of the reactor.
//
// Returns: 0.
// Errors:  EVNET_STATUS_ADDRESS, EVNET_STATUS_OPTION, with a line in the log at DEBUG.
// Thread:  any.
EVNET_WARN_UNUSED int evnet_dial_check(const struct evnet_reactor_options *defaults,
                                       const char *address,
                                       const struct evnet_dial_options *options);

// Whether a connection was claimed, not accepted.
bool evnet_reactor_was_claimed(const struct evnet_conn *conn);

// evnet_reactor_discard closes a descriptor that nobody will open.
void evnet_reactor_discard(struct evnet_reactor *reactor, int descriptor);

// evnet_reactor_post_message posts a message without allocating. Its run gets the reactor as
// context; it also runs when the reactor ends, when evnet_reactor_open and the like answer
// -ESHUTDOWN.
//
// Returns: 0.
// Errors:  -ENOBUFS, -ESHUTDOWN: not taken.
// Thread:  any.
EVNET_WARN_UNUSED int evnet_reactor_post_message(struct evnet_reactor *reactor,
                                                 struct evnet_message *message);

// The options with every zero replaced by its default. logger: where a refusal is explained.
//
// Errors:  EVNET_STATUS_OPTION.
EVNET_WARN_UNUSED int evnet_reactor_options_resolve(const struct evnet_reactor_options *options,
                                                    struct evnet_reactor_options *out_options);

// evnet_connections_max_default gives connections_max where the option is 0: 1048576, or less where
// RLIMIT_AS would not leave the address space for that many to each of `reactors`; the log says so.
size_t evnet_connections_max_default(const struct evnet_logger *logger, uint32_t reactors);

// Bytes of address space that a reactor reserves for each connection: its record, and the poller's.
enum { EVNET_CONNECTION_BYTES = 128 };

// evnet_option_refuse logs an option's name, its value and why it is not taken.
//
// Returns: EVNET_STATUS_OPTION.
int evnet_option_refuse(const struct evnet_logger *logger, const char *name, int64_t value,
                        const char *why);

// evnet_reactor_run_turn runs one turn as evnet_reactor_run does: it waits also after it has run
// something.
//
// Returns and errors: as evnet_reactor_turn.
EVNET_WARN_UNUSED int evnet_reactor_run_turn(struct evnet_reactor *reactor);

// evnet_reactor_time_begin and _end enclose a callback that the caller runs outside of a turn, so
// that longest_callback_ns counts it.
//
// Thread:  the reactor's.
void evnet_reactor_time_begin(struct evnet_reactor *reactor);
void evnet_reactor_time_end(struct evnet_reactor *reactor);

// evnet_reactor_clock_ms gives the time of the poller's clock, which all reactors share, as this
// turn has read it.
uint64_t evnet_reactor_clock_ms(const struct evnet_reactor *reactor);

const char *evnet_reactor_backend_name(const struct evnet_reactor *reactor);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_OWNER_H_
