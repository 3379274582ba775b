// The functions of a reactor that its server needs beyond reactor.h, and the calls that the server
// receives from it.
#ifndef EVNET_NET_REACTOR_OWNER_H_
#define EVNET_NET_REACTOR_OWNER_H_

#include <stdbool.h>

#include "net/reactor/mailbox.h"
#include "net/reactor/reactor.h"

#ifdef __cplusplus
extern "C" {
#endif

// Limits of log lines that peers or the system can cause.
struct evnet_reactor_log_limits {
  struct evnet_log_limit starved;  // accept failed for lack of descriptors or memory
  struct evnet_log_limit deaf;     // a UDP socket cannot receive
  struct evnet_log_limit refused;  // the kernel refused a datagram
};

// The calls to the owner of a reactor. All are made on the reactor's thread. A NULL member is not
// called.
struct evnet_reactor_owner {
  void *context;           // passed to all of them
  uint32_t reactor_index;  // for evnet_conn_get_id

  // A connection may wait at a listener. true: the reactor accepts it, and calls `accepted`, or
  // `not_admitted` if there is none. false: the callee has paused accepting.
  bool (*admit)(void *context);
  void (*not_admitted)(void *context);

  // A listener accepted a descriptor. The callee owns it: it passes it to evnet_reactor_open, of
  // this reactor or another, or to evnet_reactor_discard. NULL: the reactor opens it.
  void (*accepted)(void *context, int descriptor, const struct evnet_address *peer,
                   uint8_t listener_index);

  // This reactor is about to make a connection itself, by a dial or an adoption. Returns 0, or
  // -errno if a limit forbids it. `unclaim` follows if the connection was not made.
  int (*claim)(void *context);
  void (*unclaim)(void *context);

  // A connection closes, claimed or accepted. on_close follows and may dial again. The callee may
  // only ask for the identity and addresses of conn.
  void (*closed)(void *context, const struct evnet_conn *conn);

  // A stop has begun, and the listeners are about to close.
  void (*closing)(void *context);

  // Called in every turn of a stopping reactor.
  //
  //   drained  whether the reactor has no connections left that the stop waits for.
  //
  // Returns: whether no reactor of the server has. NULL: this is the only reactor.
  bool (*drained)(void *context, bool drained);

  // A callback returned EVNET_SHUTDOWN. NULL: the reactor stops itself.
  void (*shutdown)(void *context);

  // Shared by the reactors of a server. NULL: this reactor has its own.
  struct evnet_reactor_log_limits *log_limits;
};

// evnet_reactor_set_owner sets the owner, before the first turn.
//
//   owner  copied.
void evnet_reactor_set_owner(struct evnet_reactor *reactor,
                             const struct evnet_reactor_owner *owner);

enum {
  EVNET_LISTENERS_MAX = 64,          // of a reactor
  EVNET_LISTENER_SOCKETS_MAX = 128,  // of a reactor; a listener of a name has several
  EVNET_LISTENER_NONE = 255,         // the listener_index of a dialled or adopted connection
};

// evnet_reactor_listen opens a listening socket or a UDP socket. It accepts and receives from the
// first evnet_reactor_accept_resume on.
//
//   out_address  the address as bound, with the actual port.
//
// Returns: the listener's index, from 0.
// Errors:  -ENOBUFS after EVNET_LISTENERS_MAX listeners or EVNET_LISTENER_SOCKETS_MAX sockets.
//          -ESHUTDOWN if the reactor is stopping.
//          those of evnet_poller_listen.
EVNET_WARN_UNUSED int evnet_reactor_listen(struct evnet_reactor *reactor,
                                           const struct evnet_address *address,
                                           const struct evnet_listen_options *options,
                                           struct evnet_address *out_address);

// evnet_reactor_listen_also opens another socket for the listener that was opened last, for another
// address of its name.
//
// Returns: the listener's index.
// Errors:  as evnet_reactor_listen; the listener's other sockets stay open.
EVNET_WARN_UNUSED int evnet_reactor_listen_also(struct evnet_reactor *reactor,
                                                const struct evnet_address *address,
                                                const struct evnet_listen_options *options,
                                                struct evnet_address *out_address);

// evnet_reactor_unlisten closes the listener that was opened last, with all its sockets, before the
// first evnet_reactor_accept_resume.
void evnet_reactor_unlisten(struct evnet_reactor *reactor);

// evnet_reactor_has_family is evnet_poller_has_family of the reactor's poller.
bool evnet_reactor_has_family(const struct evnet_reactor *reactor, int family);

// evnet_reactor_spreads_port is evnet_poller_spreads_port of the reactor's poller.
bool evnet_reactor_spreads_port(const struct evnet_reactor *reactor);

// evnet_reactor_listener_descriptor returns the descriptor of a listener's first socket, which
// remains the reactor's.
//
// Returns and errors: as evnet_poller_descriptor.
EVNET_WARN_UNUSED int evnet_reactor_listener_descriptor(const struct evnet_reactor *reactor,
                                                        uint8_t index);

// evnet_reactor_datagram_socket returns the first UDP socket of a listener; NULL if it is not a UDP
// listener, or if the reactor is stopping.
struct evnet_conn *evnet_reactor_datagram_socket(struct evnet_reactor *reactor, uint8_t index);

// evnet_reactor_accept_pause stops accepting on all of the reactor's listeners, which are paused at
// first; evnet_reactor_accept_resume starts it. Both have no effect once the reactor is stopping.
void evnet_reactor_accept_pause(struct evnet_reactor *reactor);
void evnet_reactor_accept_resume(struct evnet_reactor *reactor);

// evnet_reactor_open makes a connection of an accepted descriptor. It calls on_open before it
// returns.
//
//   descriptor  the reactor's; closed on error.
//
// Returns: 0.
// Errors:  -ENOBUFS at connections_max.
//          -ESHUTDOWN if the reactor has ended.
//          -ENOMEM if memory runs out.
int evnet_reactor_open(struct evnet_reactor *reactor, int descriptor,
                       const struct evnet_address *peer, uint8_t listener_index);

// evnet_dial_check checks the arguments of evnet_dial without dialling.
//
//   defaults  the options of the reactor.
//
// Returns: 0.
// Errors:  EVNET_STATUS_ADDRESS, EVNET_STATUS_OPTION as evnet_dial; logged at DEBUG.
// Thread:  any.
EVNET_WARN_UNUSED int evnet_dial_check(const struct evnet_reactor_options *defaults,
                                       const char *address,
                                       const struct evnet_dial_options *options);

// evnet_reactor_was_claimed returns true if the connection was dialled or adopted rather than
// accepted by a listener.
bool evnet_reactor_was_claimed(const struct evnet_conn *conn);

// evnet_reactor_discard closes an accepted descriptor that no reactor opens.
void evnet_reactor_discard(struct evnet_reactor *reactor, int descriptor);

// evnet_reactor_post_message posts a message without allocating memory. Its `run` gets the reactor
// as context. It also runs when the reactor ends; evnet_reactor_open and other functions then fail
// with -ESHUTDOWN.
//
// Returns: 0.
// Errors:  -ENOBUFS if mailbox_bytes_max would be exceeded.
//          -ESHUTDOWN if the reactor has ended.
//          After an error the message is the caller's.
// Thread:  any.
EVNET_WARN_UNUSED int evnet_reactor_post_message(struct evnet_reactor *reactor,
                                                 struct evnet_message *message);

// evnet_reactor_options_resolve replaces every zero by its default and checks the bounds.
// options->logger receives the reason of an error.
//
// Returns: 0.
// Errors:  EVNET_STATUS_OPTION if an option is out of bounds.
EVNET_WARN_UNUSED int evnet_reactor_options_resolve(const struct evnet_reactor_options *options,
                                                    struct evnet_reactor_options *out_options);

// evnet_connections_max_default returns the default of connections_max: 1048576, or less if
// RLIMIT_AS would not leave the address space for that many on each of `reactors` reactors. It logs
// the latter.
size_t evnet_connections_max_default(const struct evnet_logger *logger, uint32_t reactors);

// Bytes of address space that a reactor reserves for each connection: its record, and the poller's.
enum { EVNET_CONNECTION_BYTES = 128 };

// evnet_option_refuse logs the name of an option, its value and the reason why it is rejected.
//
// Returns: EVNET_STATUS_OPTION.
int evnet_option_refuse(const struct evnet_logger *logger, const char *name, int64_t value,
                        const char *why);

// evnet_reactor_run_turn runs one turn as evnet_reactor_run does: it waits even if a callback ran
// before the wait.
//
// Returns and errors: as evnet_reactor_turn.
EVNET_WARN_UNUSED int evnet_reactor_run_turn(struct evnet_reactor *reactor);

// evnet_reactor_time_begin and evnet_reactor_time_end enclose a callback that the caller runs
// outside a turn, so that longest_callback_ns includes it.
//
// Thread:  the reactor's.
void evnet_reactor_time_begin(struct evnet_reactor *reactor);
void evnet_reactor_time_end(struct evnet_reactor *reactor);

// evnet_reactor_clock_ms returns the time of the poller's clock as this turn has read it. All
// reactors share the clock.
uint64_t evnet_reactor_clock_ms(const struct evnet_reactor *reactor);

// evnet_reactor_backend_name returns the name of the backend, as evnet_poller_name.
const char *evnet_reactor_backend_name(const struct evnet_reactor *reactor);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_OWNER_H_
