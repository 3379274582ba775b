// Hosts: a name or a number without a scheme and a port, and the system's lookups in both
// directions.
#ifndef EVNET_NET_BASE_HOST_H_
#define EVNET_NET_BASE_HOST_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

// Enough for a name of 255 octets (RFC 1035 section 2.3.4) and a 0 byte.
enum { EVNET_HOST_BYTES = 256 };

// A name to look up, and the kind of address that is wanted.
struct evnet_host {
  char name[EVNET_HOST_BYTES];     // not empty and not a number; otherwise unchecked
  int family;                      // AF_INET, AF_INET6, or AF_UNSPEC for both
  uint16_t port;                   // of the addresses; may be 0
  enum evnet_transport transport;  // of the addresses: EVNET_TRANSPORT_TCP or _UDP
};

// evnet_host_read reads a host: a name, an IPv4 address, or an IPv6 address without brackets,
// possibly with a %zone. It never blocks and makes no lookup.
//
//   text  the host, ending with a 0 byte.
//   host  its family, port and transport are the caller's; receives the name.
//   out   receives the address of a number; unchanged if the host is a name.
//   message, message_size  as for evnet_address_parse.
//
// Returns: 0 for a number; 1 for a name.
// Errors:  EVNET_STATUS_ADDRESS if the text is empty, too long, malformed or of another family.
// Thread:  any.
EVNET_API EVNET_WARN_UNUSED int evnet_host_read(const char *text, struct evnet_host *host,
                                                struct evnet_address *out, char *message,
                                                size_t message_size);

// evnet_host_accept turns an address that was found for a host into an address to connect to: it
// sets the transport, and the port unless `found` has one. An IPv4-mapped address becomes an IPv4
// address.
//
//   out  may be `found`; unchanged if the function returns false.
//
// Returns: whether `found` is an IP address of the host's family.
// Thread:  any.
EVNET_API bool evnet_host_accept(const struct evnet_host *host, const struct evnet_address *found,
                                 struct evnet_address *out);

// evnet_host_resolve looks a name up by getaddrinfo(3). It may block for seconds.
//
//   out        count_max addresses, in the order in which to try them (RFC 6724).
//   count_max  above 0. Further addresses of the name are left out.
//   message, message_size  as for evnet_address_parse.
//
// Returns: the number of addresses, from 1 to count_max.
// Errors:  EVNET_STATUS_ADDRESS if the name is unknown, or the name server did not answer.
//          -EMFILE, -ENFILE, -ENOMEM if the lookup fails for lack of a descriptor or memory.
// Thread:  any but a reactor's.
EVNET_API EVNET_WARN_UNUSED int evnet_host_resolve(const struct evnet_host *host,
                                                   struct evnet_address *out, int count_max,
                                                   char *message, size_t message_size);

// evnet_host_find_name looks up the name of an IP address by getnameinfo(3). It may block for
// seconds. The owner of the address chooses the name, see evnet_host_name_is_plain.
//
//   name  receives the name, ending with a 0 byte; unchanged on error.
//   message, message_size  as for evnet_address_parse.
//
// Returns: 0.
// Errors:  EVNET_STATUS_ADDRESS if the address has no plain name, or the name server did not answer.
//          -EMFILE, -ENFILE, -ENOMEM if the lookup fails for lack of a descriptor or memory.
// Thread:  any but a reactor's.
EVNET_API EVNET_WARN_UNUSED int evnet_host_find_name(const struct evnet_address *address,
                                                     char name[EVNET_HOST_BYTES], char *message,
                                                     size_t message_size);

// evnet_host_name_is_plain returns whether a name has 1 to 255 bytes, all of them letters, digits,
// '.', '-' or '_'. A name server may return any bytes (RFC 2181 section 11).
//
// Thread:  any.
EVNET_API bool evnet_host_name_is_plain(const char *name);

// evnet_host_format writes a host as the text of an address: "tcp4://example.com:80".
//
//   text  size bytes, may be NULL if size is 0. The result is cut to fit and ends with a 0 byte.
//         EVNET_ADDRESS_TEXT_BYTES is enough.
//
// Returns: the length of the whole text, as snprintf(3).
// Thread:  any.
EVNET_API size_t evnet_host_format(const struct evnet_host *host, char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_BASE_HOST_H_
