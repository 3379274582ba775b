// A resolver over c-ares (https://c-ares.org): lookups by DNS and /etc/hosts without a thread, as
// many at a time as lookups_max allows.
//
//   struct evnet_cares *cares;
//   int status = evnet_cares_create(NULL, &cares);
//   const struct evnet_options options = {.resolve = evnet_cares_resolver(cares)};
//   status = evnet_serve(&handler, user, addresses, count, &options);
//   evnet_cares_destroy(cares);
//
// Each reactor has a channel of c-ares and its sockets, so several servers and reactors may share
// one resolver. c-ares reads /etc/resolv.conf when a reactor begins its first lookup. A truncated
// answer is repeated over TCP.
//
// c-ares 1.18 sends all queries of a reactor to a name server from one port. Use a name server on
// the same machine or in a network that you trust.
#ifndef EVNET_ADAPTERS_CARES_CARES_H_
#define EVNET_ADAPTERS_CARES_CARES_H_

#include <stddef.h>
#include <stdint.h>

#include "../../net/base/status.h"
#include "../../net/reactor/resolve.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_cares;

// The options of the resolver. A field of 0 selects the default; a structure of zeros is valid.
struct evnet_cares_options {
  // The name servers, copied: "127.0.0.1:5353,[::1]:53".
  // Default: NULL, those of /etc/resolv.conf.
  const char *servers EVNET_ZERO;

  // Milliseconds until an unanswered query is sent again. Later tries wait longer.
  // Default: c-ares's, 5000 in version 1.18.
  int timeout_ms EVNET_ZERO;

  // How often a query is sent to each name server.
  // Default: c-ares's, 4 in version 1.18.
  int tries EVNET_ZERO;

  // Largest number of lookups of one reactor that c-ares is working on. Cancelled ones count until
  // it has an answer or gives up. Further ones fail with -EAGAIN.
  // Default: 16384.
  size_t lookups_max EVNET_ZERO;
};

// evnet_cares_create makes a resolver.
//
//   options  borrowed for the call; NULL: all defaults.
//
// Returns: 0.
// Errors:  EVNET_STATUS_OPTION if an option is negative, or c-ares does not accept `servers`.
//          -ENOMEM if memory runs out.
//          -EIO if c-ares cannot read its configuration.
// Thread:  any.
EVNET_WARN_UNUSED int evnet_cares_create(const struct evnet_cares_options *options,
                                         struct evnet_cares **out_cares);

// evnet_cares_resolver returns the resolver for the option `resolve`, valid until
// evnet_cares_destroy.
//
// Thread:  any.
const struct evnet_resolver *evnet_cares_resolver(const struct evnet_cares *cares);

// evnet_cares_destroy frees a resolver that no server and no reactor uses any more. NULL is
// accepted.
//
// Thread:  any.
void evnet_cares_destroy(struct evnet_cares *cares);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_ADAPTERS_CARES_CARES_H_
