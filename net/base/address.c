// Converts addresses to text and back. Parsing splits the text first and then reads the host as a
// number. Only evnet_address_resolve looks a name up.
#include "net/base/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net/base/text.h"

enum { HOST_BYTES = 256 };  // a name has at most 255 octets (RFC 1035 section 2.3.4)

_Static_assert(sizeof "tcp6://[]:65535" + HOST_BYTES - 1 <= EVNET_ADDRESS_TEXT_BYTES, "a name's");

struct scheme {
  const char *prefix;
  enum evnet_transport transport;
  int family;  // AF_UNSPEC: both
};

static const struct scheme schemes[] = {
    {"tcp://", EVNET_TRANSPORT_TCP, AF_UNSPEC}, {"tcp4://", EVNET_TRANSPORT_TCP, AF_INET},
    {"tcp6://", EVNET_TRANSPORT_TCP, AF_INET6}, {"udp://", EVNET_TRANSPORT_UDP, AF_UNSPEC},
    {"udp4://", EVNET_TRANSPORT_UDP, AF_INET},  {"udp6://", EVNET_TRANSPORT_UDP, AF_INET6},
    {"unix://", EVNET_TRANSPORT_UNIX, AF_UNIX},
};

// A text split into its parts. The host is not checked yet.
struct parts {
  const struct scheme *scheme;
  char host[HOST_BYTES];
  bool bracketed;
  uint16_t port;
};

// The error message about `text`, and its buffer.
struct report {
  const char *text;
  char *message;
  size_t message_size;
};

static int refuse(const struct report *report, const char *format, ...) EVNET_PRINTF(2, 3);

static int refuse(const struct report *report, const char *format, ...) {
  if (report->message == NULL || report->message_size == 0) return EVNET_STATUS_ADDRESS;
  char shown[104];
  // snprintf cannot fail here or in evnet_address_format: no wide characters, few bytes.
  const int used = snprintf(report->message, report->message_size,
                            "address '%s': ", evnet_text_escape(report->text, shown, sizeof shown));
  if ((size_t)used >= report->message_size) return EVNET_STATUS_ADDRESS;
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(report->message + used, report->message_size - (size_t)used, format, arguments);
  va_end(arguments);
  return EVNET_STATUS_ADDRESS;
}

// Parses decimal digits only; strtoul(3) would also accept spaces and signs. Returns false for any
// other text, and for numbers above `max`, which is at most UINT32_MAX.
static bool parse_decimal(const char *text, uint32_t max, uint32_t *out) {
  uint64_t number = 0;
  for (const char *p = text; *p != '\0'; p++) {
    if (*p < '0' || *p > '9') return false;
    number = number * 10 + (uint64_t)(*p - '0');
    if (number > max) return false;
  }
  *out = (uint32_t)number;
  return *text != '\0';
}

static int parse_port(const struct report *report, const char *text, uint16_t *out) {
  if (*text == '\0') return refuse(report, "the port is missing");
  uint32_t port;
  if (!parse_decimal(text, UINT16_MAX, &port)) {
    char shown[24];
    return refuse(report, "the port '%s' is not a number from 0 to 65535",
                  evnet_text_escape(text, shown, sizeof shown));
  }
  *out = (uint16_t)port;
  return 0;
}

// Parses the scheme and moves *rest past it.
static int split_scheme(const struct report *report, const char **rest, const struct scheme **out) {
  for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
    const size_t prefix_size = strlen(schemes[i].prefix);
    if (strncmp(*rest, schemes[i].prefix, prefix_size) == 0) {
      *rest += prefix_size;
      *out = &schemes[i];
      return 0;
    }
  }
  for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
    const char *prefix = schemes[i].prefix;
    const int cut = (int)strlen(prefix) - 1;  // "tcp:/"
    if (strncmp(*rest, prefix, (size_t)cut) == 0)
      return refuse(report, "'%.*s' must be '%s'", cut, prefix, prefix);
  }
  if (strstr(*rest, "://") != NULL) {
    return refuse(report, "the scheme must be one of tcp, tcp4, tcp6, udp, udp4, udp6, unix");
  }
  *out = &schemes[0];
  return 0;
}

// Returns whether the text up to `end` is an IPv6 address, possibly with a zone.
static bool is_ip6(const char *text, const char *end) {
  char host[INET6_ADDRSTRLEN];
  const char *percent = memchr(text, '%', (size_t)(end - text));
  const size_t size = (size_t)((percent != NULL ? percent : end) - text);
  if (size >= sizeof host) return false;
  memcpy(host, text, size);
  host[size] = '\0';
  struct in6_addr address;
  return inet_pton(AF_INET6, host, &address) == 1;
}

// Explains the error in a text with several colons and no brackets. `last` is the last colon.
static int refuse_colons(const struct report *report, const char *text, const char *last) {
  if (is_ip6(text, last) || is_ip6(text, last + strlen(last)))
    return refuse(report, "an IPv6 address must be in brackets");
  char host[61];
  const size_t size = (size_t)(last - text);
  (void)snprintf(host, sizeof host, "%.*s", (int)(size < sizeof host ? size : sizeof host - 1),
                 text);
  char shown[64];
  return refuse(report, "the host '%s' has one ':' too many",
                evnet_text_escape(host, shown, sizeof shown));
}

// Splits HOST:PORT or [HOST]:PORT.
static int split_host(const struct report *report, const char *text, struct parts *out) {
  const char *host = text;
  const char *host_end;
  const char *colon;
  out->bracketed = *text == '[';
  if (out->bracketed) {
    host++;
    host_end = strchr(host, ']');
    if (host_end == NULL) return refuse(report, "the bracket is not closed");
    colon = host_end + 1;
    if (*colon != ':') return refuse(report, "the port is missing");
  } else {
    colon = host_end = strrchr(host, ':');
    if (host_end == NULL) return refuse(report, "the port is missing");
    if (strchr(host, ':') != host_end) return refuse_colons(report, text, host_end);
  }
  const size_t host_size = (size_t)(host_end - host);
  if (host_size >= HOST_BYTES) {
    return refuse(report, "the host is longer than %d bytes", HOST_BYTES - 1);
  }
  memcpy(out->host, host, host_size);
  out->host[host_size] = '\0';
  return parse_port(report, colon + 1, &out->port);
}

static int parse_unix(const struct report *report, const char *path, struct evnet_address *out) {
  size_t size = strlen(path);
  if (size == 0) return refuse(report, "the path is missing");
  bool abstract = path[0] == '@';
  if (abstract && size == 1) return refuse(report, "the abstract name is missing");
  // A path is followed by a 0 byte. An abstract name is not; the size of the address ends it
  // (unix(7)).
  size_t size_max = sizeof out->socket.local.sun_path - (abstract ? 0 : 1);
  if (size > size_max) {
    return refuse(report, "the path has %zu bytes, at most %zu fit", size, size_max);
  }
  *out = (struct evnet_address){.transport = EVNET_TRANSPORT_UNIX};
  out->socket.local.sun_family = AF_UNIX;
  memcpy(out->socket.local.sun_path, path, size);
  if (abstract) out->socket.local.sun_path[0] = '\0';
  out->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (abstract ? 0 : 1));
  return 0;
}

static void set_ip4(struct evnet_address *address, struct in_addr host, uint16_t port) {
  address->socket.ip4.sin_family = AF_INET;
  address->socket.ip4.sin_port = htons(port);
  address->socket.ip4.sin_addr = host;
  address->size = sizeof address->socket.ip4;
}

static void set_ip6(struct evnet_address *address, const struct in6_addr *host, uint32_t zone,
                    uint16_t port) {
  address->socket.ip6.sin6_family = AF_INET6;
  address->socket.ip6.sin6_port = htons(port);
  address->socket.ip6.sin6_addr = *host;
  address->socket.ip6.sin6_scope_id = zone;
  address->size = sizeof address->socket.ip6;
}

static int parse_ip4(const struct report *report, const struct parts *parts, struct in_addr host,
                     struct evnet_address *out) {
  if (parts->scheme->family == AF_INET6) {
    return refuse(report, "an IPv4 address with %s", parts->scheme->prefix);
  }
  set_ip4(out, host, parts->port);
  return 0;
}

// RFC 4007 section 11.2: a zone is the name or the number of an interface; 0 means no zone.
static int parse_zone(const struct report *report, const char *text, uint32_t *out) {
  if (!parse_decimal(text, UINT32_MAX, out)) *out = if_nametoindex(text);
  char shown[44];
  return *out != 0 ? 0
                   : refuse(report, "there is no interface '%s'",
                            evnet_text_escape(text, shown, sizeof shown));
}

static int parse_ip6(const struct report *report, const struct parts *parts,
                     struct evnet_address *out) {
  char digits[HOST_BYTES];
  memcpy(digits, parts->host, sizeof digits);
  uint32_t zone = 0;
  char *percent = strchr(digits, '%');
  if (percent != NULL) {
    *percent = '\0';
    int status = parse_zone(report, percent + 1, &zone);
    if (status < 0) return status;
  }
  struct in6_addr host;
  if (inet_pton(AF_INET6, digits, &host) != 1) {
    char shown[64];
    return refuse(report, "'%s' is not an IPv6 address",
                  evnet_text_escape(digits, shown, sizeof shown));
  }
  if (IN6_IS_ADDR_V4MAPPED(&host)) {
    // As Go does. Linux 6.18 fails to bind a mapped address with EINVAL if IPV6_V6ONLY is set.
    struct in_addr mapped;
    memcpy(&mapped, &host.s6_addr[12], sizeof mapped);
    return parse_ip4(report, parts, mapped, out);
  }
  if (parts->scheme->family == AF_INET) {
    return refuse(report, "an IPv6 address with %s", parts->scheme->prefix);
  }
  set_ip6(out, &host, zone, parts->port);
  // As Go does: "[::]" listens on both families, unless the scheme is tcp6 or udp6.
  out->dual_stack = parts->scheme->family == AF_UNSPEC && IN6_IS_ADDR_UNSPECIFIED(&host);
  return 0;
}

static void set_wildcard(const struct parts *parts, struct evnet_address *out) {
  if (parts->scheme->family == AF_INET) {
    set_ip4(out, (struct in_addr){.s_addr = htonl(INADDR_ANY)}, parts->port);
  } else {
    set_ip6(out, &in6addr_any, 0, parts->port);
    out->dual_stack = parts->scheme->family == AF_UNSPEC;
  }
}

// Converts one result of getaddrinfo. A name has addresses of these two families only (RFC 3493
// section 6.1). An IPv4-mapped address becomes an IPv4 address, as in parse_ip6. Returns false if
// the scheme requires the other family.
static bool set_found(const struct addrinfo *found, const struct parts *parts,
                      struct evnet_address *out) {
  *out = (struct evnet_address){.transport = parts->scheme->transport};
  if (found->ai_family == AF_INET) {
    struct sockaddr_in ip4;
    memcpy(&ip4, found->ai_addr, sizeof ip4);
    set_ip4(out, ip4.sin_addr, parts->port);
  } else {
    struct sockaddr_in6 ip6;
    memcpy(&ip6, found->ai_addr, sizeof ip6);
    if (IN6_IS_ADDR_V4MAPPED(&ip6.sin6_addr)) {
      if (parts->scheme->family == AF_INET6) return false;
      struct in_addr mapped;
      memcpy(&mapped, &ip6.sin6_addr.s6_addr[12], sizeof mapped);
      set_ip4(out, mapped, parts->port);
    } else {
      set_ip6(out, &ip6.sin6_addr, ip6.sin6_scope_id, parts->port);
    }
  }
  return true;
}

// Finds out whether a failed lookup lacked memory or descriptors: getaddrinfo also reports a name
// as not known if it could not open /etc/hosts or a socket. Returns -ENOMEM, -EMFILE or -ENFILE; 0
// if there was no shortage.
static int find_shortage(int error, int system_error) {
  if (error == EAI_MEMORY) return -ENOMEM;
  if (error == EAI_SYSTEM && (system_error == EMFILE || system_error == ENFILE))
    return -system_error;
  const int descriptor = open("/", O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return errno == EMFILE || errno == ENFILE ? -errno : 0;
  (void)close(descriptor);
  return 0;
}

static int resolve_name(const struct report *report, const struct parts *parts,
                        struct evnet_address *out, int count_max) {
  const struct addrinfo hints = {.ai_family = parts->scheme->family, .ai_socktype = SOCK_STREAM};
  struct addrinfo *all = NULL;
  int error = getaddrinfo(parts->host, NULL, &hints, &all);
  if (error != 0) {
    const int shortage = find_shortage(error, errno);
    char shown[64];
    (void)refuse(report, "host '%s': %s", evnet_text_escape(parts->host, shown, sizeof shown),
                 shortage < 0 ? evnet_status_message(shortage) : gai_strerror(error));
    return shortage < 0 ? shortage : EVNET_STATUS_ADDRESS;
  }
  int count = 0;
  for (const struct addrinfo *found = all; found != NULL && count < count_max;
       found = found->ai_next) {
    if (set_found(found, parts, &out[count])) count++;
  }
  freeaddrinfo(all);
  return count > 0 ? count : refuse(report, "the host has no address of the scheme's family");
}

// Parses a host that is numeric or empty. Returns 1 if the host is a name.
static int parse_host(const struct report *report, const struct parts *parts,
                      struct evnet_address *out) {
  if (parts->bracketed) return parse_ip6(report, parts, out);
  if (parts->host[0] == '\0') {
    set_wildcard(parts, out);
    return 0;
  }
  struct in_addr host;
  return inet_pton(AF_INET, parts->host, &host) == 1 ? parse_ip4(report, parts, host, out) : 1;
}

enum { LEAVE_NAMES = -1 };

// Parses an address, and looks a name up if count_max is above 0. With 0, a name is an error; with
// LEAVE_NAMES, a name returns 1. A numeric address is always accepted and returns 0.
static int parse(const struct report *report, struct evnet_address *out, int count_max) {
  struct parts parts = {0};
  const char *rest = report->text;
  int status = split_scheme(report, &rest, &parts.scheme);
  if (status < 0) return status;
  if (parts.scheme->transport == EVNET_TRANSPORT_UNIX) return parse_unix(report, rest, out);
  status = split_host(report, rest, &parts);
  if (status < 0) return status;
  struct evnet_address address = {.transport = parts.scheme->transport};
  status = parse_host(report, &parts, &address);
  if (status == 0) *out = address;
  if (status <= 0) return status;
  if (count_max > 0) return resolve_name(report, &parts, out, count_max);
  if (count_max == LEAVE_NAMES) {
    *out = address;
    return 1;
  }
  char shown[64];
  return refuse(report, "'%s' is not an IP address",
                evnet_text_escape(parts.host, shown, sizeof shown));
}

int evnet_address_parse(const char *text, struct evnet_address *out, char *message,
                        size_t message_size) {
  const struct report report = {.text = text, .message = message, .message_size = message_size};
  return parse(&report, out, 0);
}

int evnet_address_read(const char *text, struct evnet_address *out, char *message,
                       size_t message_size) {
  const struct report report = {.text = text, .message = message, .message_size = message_size};
  return parse(&report, out, LEAVE_NAMES);
}

int evnet_address_resolve_all(const char *text, struct evnet_address *out, int count_max,
                              char *message, size_t message_size) {
  const struct report report = {.text = text, .message = message, .message_size = message_size};
  int count = parse(&report, out, count_max);
  return count == 0 ? 1 : count;
}

int evnet_address_resolve(const char *text, struct evnet_address *out, char *message,
                          size_t message_size) {
  int count = evnet_address_resolve_all(text, out, 1, message, message_size);
  return count > 0 ? 0 : count;
}

static const char *scheme_name(const struct evnet_address *address) {
  return address->transport == EVNET_TRANSPORT_UDP ? "udp" : "tcp";
}

static int format_unix(const struct evnet_address *address, char *text, size_t size) {
  const size_t start = offsetof(struct sockaddr_un, sun_path);
  const int path_size = address->size > start ? (int)(address->size - start) : 0;
  const char *path = address->socket.local.sun_path;
  if (path_size > 0 && path[0] == '\0') {
    return snprintf(text, size, "unix://@%.*s", path_size - 1, path + 1);
  }
  return snprintf(text, size, "unix://%.*s", path_size, path);
}

static int format_ip6(const struct evnet_address *address, char *text, size_t size) {
  const struct sockaddr_in6 *ip6 = &address->socket.ip6;
  char host[INET6_ADDRSTRLEN] = "";
  (void)inet_ntop(AF_INET6, &ip6->sin6_addr, host, sizeof host);
  char zone[16] = "";
  if (ip6->sin6_scope_id != 0) (void)snprintf(zone, sizeof zone, "%%%u", ip6->sin6_scope_id);
  const bool one_family = IN6_IS_ADDR_UNSPECIFIED(&ip6->sin6_addr) && !address->dual_stack;
  return snprintf(text, size, "%s%s://[%s%s]:%u", scheme_name(address), one_family ? "6" : "", host,
                  zone, evnet_address_port(address));
}

static int format_ip4(const struct evnet_address *address, char *text, size_t size) {
  char host[INET_ADDRSTRLEN] = "";
  (void)inet_ntop(AF_INET, &address->socket.ip4.sin_addr, host, sizeof host);
  return snprintf(text, size, "%s://%s:%u", scheme_name(address), host,
                  evnet_address_port(address));
}

size_t evnet_address_format(const struct evnet_address *address, char *text, size_t size) {
  switch (address->socket.any.sa_family) {
    case AF_UNIX:
      return (size_t)format_unix(address, text, size);
    case AF_INET:
      return (size_t)format_ip4(address, text, size);
    case AF_INET6:
      return (size_t)format_ip6(address, text, size);
    default:
      return (size_t)snprintf(text, size, "none");
  }
}

uint16_t evnet_address_port(const struct evnet_address *address) {
  switch (address->socket.any.sa_family) {
    case AF_INET:
      return ntohs(address->socket.ip4.sin_port);
    case AF_INET6:
      return ntohs(address->socket.ip6.sin6_port);
    default:
      return 0;
  }
}
