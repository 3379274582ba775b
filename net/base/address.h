// Addresses: "tcp://127.0.0.1:9000" as text, a socket address as the kernel takes it, and back.
//
//   [SCHEME://]HOST:PORT
//   SCHEME  tcp, tcp4, tcp6, udp, udp4, udp6, in small letters; none means tcp.
//   HOST    an IPv4 address, an IPv6 address in brackets (with %zone, an interface's name or
//           number, for link-local ones), a name, or nothing for all addresses of the machine: both
//           families for tcp and udp, one for tcp4, tcp6, udp4, udp6. [::ffff:1.2.3.4] is the IPv4
//           address 1.2.3.4.
//   PORT    0 to 65535 in decimal; 0 lets the kernel choose.
//
//   unix://PATH, unix://@ABSTRACT-NAME
#ifndef EVNET_NET_BASE_ADDRESS_H_
#define EVNET_NET_BASE_ADDRESS_H_

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum evnet_transport {
  EVNET_TRANSPORT_TCP,
  EVNET_TRANSPORT_UDP,
  EVNET_TRANSPORT_UNIX,  // a Unix stream socket
};

// One socket address with its transport. All zero is no address (family AF_UNSPEC).
struct evnet_address {
  union {
    struct sockaddr any;
    struct sockaddr_in ip4;
    struct sockaddr_in6 ip6;
    struct sockaddr_un local;
  } socket;
  socklen_t size;  // of the member in use, as bind(2) takes it; it ends an abstract name
  enum evnet_transport transport;
  bool dual_stack;  // an IPv6 wildcard that takes IPv4 too (IPV6_V6ONLY off)
};

// Long enough for every address as text, also with a name of 255 bytes, its 0 byte included.
enum { EVNET_ADDRESS_TEXT_BYTES = 272 };
// Long enough for the messages below.
enum { EVNET_ADDRESS_MESSAGE_BYTES = 256 };

// evnet_address_parse reads an address whose host is numeric or empty. It never blocks and looks
// nothing up.
//
//   text          the address, ended by a 0 byte.
//   out           the address; untouched on error.
//   message       receives a line that names the text (escaped by evnet_text_escape, and a long one
//                 cut to about 100 bytes) and what is wrong with it, ended by a 0 byte; NULL for
//                 none. Untouched on success.
//   message_size  bytes at message; EVNET_ADDRESS_MESSAGE_BYTES hold every message, less cut it.
//
// Returns: 0.
// Errors:  EVNET_STATUS_ADDRESS.
// Thread:  any.
EVNET_API EVNET_WARN_UNUSED int evnet_address_parse(const char *text, struct evnet_address *out,
                                                    char *message, size_t message_size);

// evnet_address_read is evnet_address_parse that also takes a name, and leaves it to be looked up.
//
// Returns: 0; 1 for an address with a name, of which `out` has the transport alone.
EVNET_API EVNET_WARN_UNUSED int evnet_address_read(const char *text, struct evnet_address *out,
                                                   char *message, size_t message_size);

// evnet_address_resolve is evnet_address_parse that also takes names and looks them up with
// getaddrinfo(3), first result: it may block for seconds, so never call it on a reactor. Errors as
// evnet_address_resolve_all.
EVNET_API EVNET_WARN_UNUSED int evnet_address_resolve(const char *text, struct evnet_address *out,
                                                      char *message, size_t message_size);

// evnet_address_resolve_all is evnet_address_resolve that gives all addresses of a name, in the
// order in which to try them (RFC 6724).
//
//   out        count_max addresses, count_max > 0; what is behind the count returned is untouched.
//
// Returns: their number, from 1 to count_max: a name's further addresses are left out.
// Errors:  EVNET_STATUS_ADDRESS; -EMFILE, -ENFILE, -ENOMEM if the lookup could not be made for want
//          of a descriptor or memory, with a message likewise.
EVNET_API EVNET_WARN_UNUSED int evnet_address_resolve_all(const char *text,
                                                          struct evnet_address *out, int count_max,
                                                          char *message, size_t message_size);

// evnet_address_format writes an address as text that evnet_address_parse reads back. What has no
// such text: no address at all is "none", a Unix socket without a name "unix://", and an abstract
// name with a 0 byte in it is cut there.
//
//   text  size bytes, NULL when 0; the result is cut to fit and ends with a 0 byte.
//
// Returns: the length of the whole text, as snprintf does.
// Thread:  any.
EVNET_API size_t evnet_address_format(const struct evnet_address *address, char *text, size_t size);

// evnet_address_port gives the port in host order, 0 for what has none.
EVNET_API uint16_t evnet_address_port(const struct evnet_address *address);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_BASE_ADDRESS_H_
