// Addresses: text such as "tcp://127.0.0.1:9000", the kernel's socket addresses, and conversions.
//
//   [SCHEME://]HOST:PORT
//   SCHEME  tcp, tcp4, tcp6, udp, udp4, udp6, in lower case; without it, tcp.
//   HOST    an IPv4 address, an IPv6 address in brackets (with %zone, an interface's name or
//           number, for link-local ones), a name, or nothing for all addresses of the machine: both
//           families for tcp and udp, one for tcp4, tcp6, udp4, udp6. [::ffff:1.2.3.4] is the IPv4
//           address 1.2.3.4.
//   PORT    0 to 65535 in decimal; with 0 the kernel chooses.
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

struct evnet_host;

// The transport of an address.
enum evnet_transport {
  EVNET_TRANSPORT_TCP,
  EVNET_TRANSPORT_UDP,
  EVNET_TRANSPORT_UNIX,  // a Unix stream socket
};

// A socket address with its transport. All zero means no address (family AF_UNSPEC).
struct evnet_address {
  // The socket address; socket.any.sa_family selects the member.
  union {
    struct sockaddr any;
    struct sockaddr_in ip4;
    struct sockaddr_in6 ip6;
    struct sockaddr_un local;
  } socket;
  socklen_t size;  // of the member in use, as for bind(2); also delimits an abstract name
  enum evnet_transport transport;  // tcp, udp or unix
  bool dual_stack;                 // an IPv6 wildcard that accepts IPv4 too (IPV6_V6ONLY off)
};

// Enough for every address as text, even with a name of 255 bytes, including the 0 byte.
enum { EVNET_ADDRESS_TEXT_BYTES = 272 };

// Enough for the messages below.
enum { EVNET_ADDRESS_MESSAGE_BYTES = 256 };

// evnet_address_parse reads an address whose host is numeric or empty. It never blocks and makes no
// lookup.
//
//   text          the address, ending with a 0 byte.
//   out           the address; unchanged on error.
//   message       receives a line that names the text (escaped by evnet_text_escape, and a long one
//                 cut to about 100 bytes) and the error, ending with a 0 byte. Unchanged on
//                 success. May be NULL.
//   message_size  bytes at message. EVNET_ADDRESS_MESSAGE_BYTES is enough; a smaller size cuts it.
//
// Returns: 0.
// Errors:  EVNET_STATUS_ADDRESS if the text is malformed, or has a name.
// Thread:  any.
EVNET_API EVNET_WARN_UNUSED int evnet_address_parse(const char *text, struct evnet_address *out,
                                                    char *message, size_t message_size);

// evnet_address_read is evnet_address_parse that also accepts a name, without looking it up.
//
// Returns: 0; 1 if the host is a name: only out->transport is set.
// Errors:  EVNET_STATUS_ADDRESS if the text is malformed.
// Thread:  any.
EVNET_API EVNET_WARN_UNUSED int evnet_address_read(const char *text, struct evnet_address *out,
                                                   char *message, size_t message_size);

// evnet_address_read_host is evnet_address_read that also returns the name, for evnet_host_resolve
// (host.h).
//
//   out_host  receives a name with the family, port and transport of the text; unchanged otherwise.
//
// Returns and errors: as evnet_address_read.
// Thread:  any.
EVNET_API EVNET_WARN_UNUSED int evnet_address_read_host(const char *text, struct evnet_address *out,
                                                        struct evnet_host *out_host, char *message,
                                                        size_t message_size);

// evnet_address_resolve is evnet_address_parse that also accepts a name. It looks the name up by
// getaddrinfo(3) and returns the first result. It may block for seconds: do not call it on a
// reactor.
//
// Returns: 0.
// Errors:  as evnet_address_resolve_all.
// Thread:  any but a reactor's.
EVNET_API EVNET_WARN_UNUSED int evnet_address_resolve(const char *text, struct evnet_address *out,
                                                      char *message, size_t message_size);

// evnet_address_resolve_all is evnet_address_resolve that returns all addresses of a name, in the
// order in which to try them (RFC 6724).
//
//   out        count_max addresses. Those after the returned number are unchanged.
//   count_max  above 0. Further addresses of the name are left out.
//
// Returns: the number of addresses, from 1 to count_max.
// Errors:  EVNET_STATUS_ADDRESS if the text is malformed, or the name is unknown.
//          EVNET_STATUS_LOOKUP if no name server answers, or it fails.
//          -EMFILE, -ENFILE, -ENOMEM if the lookup fails for lack of a descriptor or memory.
//          Each with a message.
// Thread:  any but a reactor's.
EVNET_API EVNET_WARN_UNUSED int evnet_address_resolve_all(const char *text,
                                                          struct evnet_address *out, int count_max,
                                                          char *message, size_t message_size);

// evnet_address_format writes an address as text that evnet_address_parse can read back, except
// for: no address, which is "none"; a Unix socket without a name, "unix://"; and an abstract name
// with a 0 byte in it, which is cut there.
//
//   text  size bytes, may be NULL if size is 0. The result is cut to fit and ends with a 0 byte.
//
// Returns: the length of the whole text, as snprintf(3).
// Thread:  any.
EVNET_API size_t evnet_address_format(const struct evnet_address *address, char *text, size_t size);

// evnet_address_from_socket reads a socket address of the kernel or of another library, as
// getaddrinfo(3), getpeername(2) or c-ares return it. An IPv4-mapped IPv6 address becomes an IPv4
// address.
//
//   socket     size bytes; need not be aligned for more than a struct sockaddr.
//   size       as of the call that returned it. Further bytes of an IP address are ignored.
//   transport  EVNET_TRANSPORT_UNIX if and only if the family is AF_UNIX.
//   out        the address; unchanged on error. dual_stack is false.
//
// Returns: 0. The reverse needs no function: out->socket.any and out->size are what bind(2) takes.
// Errors:  -EINVAL if size does not fit the family, or transport does not.
//          -EAFNOSUPPORT if the family is neither AF_INET, AF_INET6 nor AF_UNIX.
// Thread:  any.
EVNET_API EVNET_WARN_UNUSED int evnet_address_from_socket(const struct sockaddr *socket,
                                                          socklen_t size,
                                                          enum evnet_transport transport,
                                                          struct evnet_address *out);

// evnet_address_port returns the port in host byte order; 0 if the address has none.
//
// Thread:  any.
EVNET_API uint16_t evnet_address_port(const struct evnet_address *address);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_BASE_ADDRESS_H_
