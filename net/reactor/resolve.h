// Names: lookups in both directions, and the resolver that serves them.
//
//   const struct evnet_resolve_options options = {.timeout_ms = 2000, .port = 5432};
//   struct evnet_lookup_id id;
//   int status = evnet_resolve(reactor, "db.example.com", &options, found, pool, &id);
//
// evnet_resolve, evnet_resolve_name and dials by name use the same lookups. Without a resolver they
// run getaddrinfo(3) and getnameinfo(3) on threads that all reactors of the process share
// (lookup_threads_max). The option `resolve` selects a resolver instead, which uses no thread of
// evnet: adapters/cares has one over c-ares.
//
// lookups_max bounds the lookups in progress of a reactor. A stop does not wait for lookups.
#ifndef EVNET_NET_REACTOR_RESOLVE_H_
#define EVNET_NET_REACTOR_RESOLVE_H_

#include <stddef.h>
#include <stdint.h>

#include "../base/address.h"
#include "../base/host.h"
#include "../base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_reactor;

// The largest number of addresses of one name that evnet keeps.
enum { EVNET_RESOLVER_ADDRESSES_MAX = 64 };

// A lookup of a reactor. All zero is never valid. The id of a finished or cancelled lookup finds
// nothing, also after another lookup has begun.
struct evnet_lookup_id {
  uint32_t index EVNET_ZERO;       // of the lookup in the reactor
  uint64_t generation EVNET_ZERO;  // different for every lookup of the reactor, from 1
};

// The options of a lookup. A field of 0 selects the default; a structure of zeros is valid.
struct evnet_resolve_options {
  // Milliseconds until the lookup fails with -ETIMEDOUT. EVNET_OFF: as long as the resolver tries.
  // Bounds: 1 to EVNET_TIMEOUT_MS_MAX, or EVNET_OFF.
  // Default: 10000.
  int64_t timeout_ms EVNET_ZERO;

  // AF_INET or AF_INET6: only addresses of this family.
  // Default: AF_UNSPEC (0), both.
  int family EVNET_ZERO;

  // The port of the addresses, so that evnet_dial_address can use them.
  // Default: 0.
  uint16_t port EVNET_ZERO;

  // The transport of the addresses: EVNET_TRANSPORT_TCP or EVNET_TRANSPORT_UDP.
  // Default: EVNET_TRANSPORT_TCP (0).
  enum evnet_transport transport EVNET_ZERO;
};

// evnet_resolve looks up the addresses of a host. It never blocks.
//
//   host     a name, an IPv4 address, or an IPv6 address without brackets; copied. A number needs
//            no lookup.
//   options  borrowed for the call; NULL: all defaults.
//   done     called once, never from inside this call, unless the lookup is cancelled. It may call
//            any function of the reactor.
//              status     0 or an error, see below.
//              addresses  in the order in which to try them; valid during the call.
//              count      1 to EVNET_RESOLVER_ADDRESSES_MAX; 0 after an error.
//   user     passed to done.
//   out_id   for evnet_resolve_cancel. NULL if it is not needed.
//
// Returns: 0.
// Errors:  EVNET_STATUS_ADDRESS if host is malformed; logged at DEBUG.
//          EVNET_STATUS_OPTION if an option is out of bounds; logged at DEBUG.
//          -EAGAIN at lookups_max, or if no thread can be created.
//          -ESHUTDOWN if the reactor has ended.
//          -ENOMEM if memory runs out.
//          those of the resolver's find_addresses and begin.
//          After an error nothing is called.
// Errors of done:
//          EVNET_STATUS_ADDRESS if the name is unknown; logged at DEBUG.
//          EVNET_STATUS_LOOKUP if no name server answered, or it failed; logged at DEBUG.
//          -ETIMEDOUT after timeout_ms.
//          -ESHUTDOWN if the reactor ends first.
//          -EMFILE, -ENFILE, -ENOMEM, and other errors that the resolver reports.
// Thread:  the reactor's.
EVNET_API EVNET_WARN_UNUSED int evnet_resolve(
    struct evnet_reactor *reactor, const char *host, const struct evnet_resolve_options *options,
    void (*done)(int status, const struct evnet_address *addresses, size_t count, void *user),
    void *user, struct evnet_lookup_id *out_id);

// evnet_resolve_name looks up the name of an IP address (a reverse lookup). The owner of the
// address chooses its name: a program that trusts the name first checks that evnet_resolve of the
// name returns the address.
//
//   address     its port is ignored.
//   timeout_ms  as in evnet_resolve_options.
//   done        as for evnet_resolve.
//                 name  letters, digits, '.', '-' and '_' only; valid during the call. NULL after
//                       an error.
//
// Returns and errors: as evnet_resolve; EVNET_STATUS_ADDRESS also if address is not an IP address,
//          and, for done, if it has no name.
// Thread:  the reactor's.
EVNET_API EVNET_WARN_UNUSED int evnet_resolve_name(
    struct evnet_reactor *reactor, const struct evnet_address *address, int64_t timeout_ms,
    void (*done)(int status, const char *name, void *user), void *user,
    struct evnet_lookup_id *out_id);

// evnet_resolve_cancel cancels a lookup that evnet_resolve or evnet_resolve_name began: `done` is
// not called.
//
// Returns: 0.
// Errors:  -ESTALE if `done` has been called, or the lookup was cancelled.
//          -EBUSY inside the resolver's call that begins this lookup, which can return a status instead.
// Thread:  the reactor's.
EVNET_API int evnet_resolve_cancel(struct evnet_reactor *reactor, struct evnet_lookup_id id);

// The resolver

// A resolver, which the option `resolve` of a server or a reactor selects. The structure is
// borrowed for the life of the server or reactor. Servers and reactors may share one or have
// different ones. evnet calls its functions on the reactor's thread, for several reactors
// simultaneously.
//
//   begin --> find_addresses, find_name --> evnet_lookup_answer, evnet_lookup_answer_name
//                                      \--> cancel
//   end
//
// Each lookup gets at most one answer. evnet drops the later ones, and an answer after a cancel, so
// a resolver may answer late.
struct evnet_resolver {
  // Begins to serve a reactor, before its first lookup. If it fails, so does that lookup, and the
  // next one tries again.
  //
  //   user       the member `user`.
  //   out_state  receives the resolver's state for this reactor; NULL before.
  //
  // Returns: 0, or a negative status.
  // NULL: the state is `user`.
  int (*begin)(struct evnet_reactor *reactor, void *user, void **out_state) EVNET_ZERO;

  // Looks up the addresses of a name. It must not block. It may answer before it returns.
  //
  //   id         for evnet_lookup_answer.
  //   host       valid during the call. The name is not empty and not a number, but otherwise
  //              unchecked; a peer may have chosen it.
  //   out_query  may receive a pointer that `cancel` gets; NULL before.
  //
  // Returns: 0; or a negative status if the lookup cannot begin, which the caller of evnet_dial or
  //          evnet_resolve gets. Then no answer may be given.
  int (*find_addresses)(void *state, struct evnet_reactor *reactor, struct evnet_lookup_id id,
                        const struct evnet_host *host, void **out_query) EVNET_ZERO;

  // Looks up the name of an IP address, likewise, for evnet_lookup_answer_name.
  // NULL: getnameinfo(3) on threads.
  int (*find_name)(void *state, struct evnet_reactor *reactor, struct evnet_lookup_id id,
                   const struct evnet_address *address, void **out_query) EVNET_ZERO;

  // A lookup is not wanted any more: it was cancelled, has timed out, or the reactor ends. Called
  // at most once for a lookup, and never after its answer.
  // NULL: the resolver continues, and its answer is dropped.
  void (*cancel)(void *state, void *query) EVNET_ZERO;

  // The reactor ends, after it has cancelled all lookups. `begin` is not called again.
  // NULL: nothing is called.
  void (*end)(void *state) EVNET_ZERO;

  void *user EVNET_ZERO;  // passed to begin
};

// evnet_lookup_answer answers a lookup that find_addresses began. The caller of the lookup gets the
// answer in a later turn.
//
//   id         any; one that is late finds nothing.
//   status     0 if the name has addresses; otherwise a negative status: EVNET_STATUS_ADDRESS if it
//              is unknown, EVNET_STATUS_LOOKUP if no name server has answered, or -errno.
//   addresses  borrowed for the call, in the order in which to try them. evnet sets their
//              transport, and their port unless it is given. It leaves out addresses of another
//              family, and those after EVNET_RESOLVER_ADDRESSES_MAX. Without any, the lookup fails
//              with EVNET_STATUS_ADDRESS.
//   count      of addresses. Both are ignored if status is negative.
//
// Returns: 0.
// Errors:  -ESTALE if the lookup has ended or has an answer.
// Thread:  the reactor's. Another thread posts a function that answers (evnet_reactor_post).
EVNET_API int evnet_lookup_answer(struct evnet_reactor *reactor, struct evnet_lookup_id id,
                                  int status, const struct evnet_address *addresses, size_t count);

// evnet_lookup_answer_name answers a lookup that find_name began.
//
//   name  borrowed for the call. The lookup fails with EVNET_STATUS_ADDRESS unless
//         evnet_host_name_is_plain. Ignored if status is negative.
//
// Returns, errors and thread: as evnet_lookup_answer.
EVNET_API int evnet_lookup_answer_name(struct evnet_reactor *reactor, struct evnet_lookup_id id,
                                       int status, const char *name);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_RESOLVE_H_
