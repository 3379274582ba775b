// The functions of a reactor that its server needs beyond reactor.h, and the calls that the server
// receives from it.
#ifndef EVNET_NET_REACTOR_OWNER_H_
#define EVNET_NET_REACTOR_OWNER_H_

#include <stdbool.h>

#include "net/reactor/handlers.h"
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

// Where an accepted connection comes from.
struct evnet_origin {
  uint8_t listener_index;  // EVNET_LISTENER_NONE: an adopted listener
  uint8_t handler_index;   // in the handlers of the reactors; EVNET_HANDLER_FIRST is 0
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
                   struct evnet_origin origin);

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

// evnet_reactor_owner_context returns the owner's context; NULL for a reactor without an owner.
void *evnet_reactor_owner_context(const struct evnet_reactor *reactor);

// evnet_reactor_create_owned is evnet_reactor_create of a reactor that shares its handlers with
// others. The owner calls evnet_reactor_boot.
//
//   handlers  borrowed for the reactor's life.
//   owner     copied.
//
// Returns and errors: as evnet_reactor_create.
EVNET_WARN_UNUSED int evnet_reactor_create_owned(struct evnet_handlers *handlers,
                                                 const struct evnet_reactor_options *options,
                                                 const struct evnet_reactor_owner *owner,
                                                 struct evnet_reactor **out_reactor);

// evnet_reactor_boot calls on_reactor_boot, in the first call, before the first turn. If it was
// called, the end of the reactor calls on_reactor_shutdown.
//
// Thread:  the reactor's.
void evnet_reactor_boot(struct evnet_reactor *reactor);

enum {
  EVNET_LISTENERS_MAX = 64,          // of a reactor
  EVNET_LISTENER_SOCKETS_MAX = 128,  // of a reactor; a listener of a name has several
  EVNET_LISTENER_NONE = 255,         // the listener_index of a dialled or adopted connection
};

// evnet_reactor_listen_at opens a listening socket or a UDP socket for an address of the server. An
// address that is a name has several sockets. Before the first evnet_reactor_accept_resume or
// evnet_reactor_accept_pause, the socket is not paused; after it, the socket is paused until
// evnet_reactor_listener_pause(reactor, index, false).
//
//   index        of the address, below EVNET_LISTENERS_MAX.
//   out_address  the address as bound, with the actual port.
//
// Returns: 0.
// Errors:  -ENOBUFS after EVNET_LISTENERS_MAX listeners or EVNET_LISTENER_SOCKETS_MAX sockets.
//          -ESHUTDOWN if the reactor is stopping.
//          those of evnet_poller_listen.
EVNET_WARN_UNUSED int evnet_reactor_listen_at(struct evnet_reactor *reactor, uint8_t index,
                                              const struct evnet_address *address,
                                              const struct evnet_listen_options *options,
                                              struct evnet_address *out_address);

// evnet_reactor_listen is evnet_reactor_listen_at for the lowest free index.
//
// Returns: the index.
// Errors:  as evnet_reactor_listen_at.
EVNET_WARN_UNUSED int evnet_reactor_listen(struct evnet_reactor *reactor,
                                           const struct evnet_address *address,
                                           const struct evnet_listen_options *options,
                                           struct evnet_address *out_address);

// evnet_reactor_unlisten closes all sockets of an address. Its connections stay open, and
// connections in the kernel's backlog are reset. A UDP socket stops receiving, and closes when it
// has no hold and nothing queued.
//
// Returns: 0; the sockets may close later.
// Errors:  -ENOENT if there is no listener with this index.
//          -ESHUTDOWN if the reactor is stopping.
int evnet_reactor_unlisten(struct evnet_reactor *reactor, uint8_t index);

// A call that the caller of evnet_reactor_unlisten_wait expects.
struct evnet_unlisten {
  // Called once, on the reactor's thread, when the sockets are closed or the reactor has ended.
  void (*done)(struct evnet_unlisten *unlisten, struct evnet_reactor *reactor);

  // The reactor's.
  uint32_t socket_count;  // that are not closed yet
  struct evnet_unlisten *next;
};

// evnet_reactor_unlisten_wait waits until the sockets that evnet_reactor_unlisten closes are closed.
// No socket may be waited for twice.
//
//   index     as of evnet_reactor_unlisten; no listener with this index may be added meanwhile.
//   unlisten  the caller's, until its `done`.
//
// Returns: 0; `done` follows, never from inside this call.
// Errors:  -ENOENT if all of them are closed.
//          -ESHUTDOWN if the reactor is stopping.
//          After an error `done` is not called.
int evnet_reactor_unlisten_wait(struct evnet_reactor *reactor, uint8_t index,
                                struct evnet_unlisten *unlisten);

// evnet_reactor_set_listener_handler sets the handler of a listener's connections, and of its UDP
// sockets. It is EVNET_HANDLER_FIRST at first.
//
//   index          of the listener.
//   handler_index  in the reactor's handlers.
void evnet_reactor_set_listener_handler(struct evnet_reactor *reactor, uint8_t index,
                                        uint8_t handler_index);

// evnet_reactor_has_family is evnet_poller_has_family of the reactor's poller.
bool evnet_reactor_has_family(const struct evnet_reactor *reactor, int family);

// evnet_reactor_spreads_port is evnet_poller_spreads_port of the reactor's poller.
bool evnet_reactor_spreads_port(const struct evnet_reactor *reactor);

// evnet_reactor_identify is evnet_poller_identify of the reactor's poller.
EVNET_WARN_UNUSED int evnet_reactor_identify(struct evnet_reactor *reactor, int descriptor,
                                             struct evnet_socket_kind *out_kind);

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

// evnet_reactor_listener_pause pauses one address or ends its pause, and
// evnet_reactor_listeners_pause all listeners, adopted ones too. The two and
// evnet_reactor_accept_pause are independent: a listener accepts while none of them pauses it. A
// UDP socket begins to receive when its first pause ends; later calls have no effect on it.
//
// Returns: 0.
// Errors:  -ENOENT if there is no listener with this index.
//          -ESHUTDOWN if the reactor is stopping.
int evnet_reactor_listener_pause(struct evnet_reactor *reactor, uint8_t index, bool paused);
int evnet_reactor_listeners_pause(struct evnet_reactor *reactor, bool paused);

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
                       const struct evnet_address *peer, struct evnet_origin origin);

// The target of a dial, in one of three forms. The other two are NULL.
struct evnet_dial_target {
  const char *text;                     // as for evnet_dial
  const struct evnet_address *address;  // as for evnet_dial_address
  const char *host;                     // as for evnet_dial_host, with the next two
  uint16_t port;
  enum evnet_transport transport;
};

// evnet_dial_check checks the arguments of a dial without dialling.
//
//   defaults  the options of the reactor.
//
// Returns: 0.
// Errors:  EVNET_STATUS_ADDRESS, EVNET_STATUS_OPTION as evnet_dial; logged at DEBUG.
// Thread:  any.
EVNET_WARN_UNUSED int evnet_dial_check(const struct evnet_reactor_options *defaults,
                                       const struct evnet_dial_target *target,
                                       const struct evnet_dial_options *options);

// evnet_dial_begin is evnet_dial, evnet_dial_address or evnet_dial_host, by the form of the target.
EVNET_WARN_UNUSED int evnet_dial_begin(struct evnet_reactor *reactor,
                                       const struct evnet_dial_target *target,
                                       const struct evnet_dial_options *options,
                                       struct evnet_conn_id *out_id);

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

// evnet_reactor_backend_name returns the name of the backend, as evnet_poller_name.
const char *evnet_reactor_backend_name(const struct evnet_reactor *reactor);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_OWNER_H_
