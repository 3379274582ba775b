// Reads addresses from text. Parsing splits the text first and then reads the host as a number. Only
// evnet_address_resolve looks a name up.
#include "net/base/address.h"

#include <stdio.h>
#include <string.h>

#include "net/base/host.h"
#include "net/base/internal/numeric.h"
#include "net/base/internal/report.h"
#include "net/base/text.h"

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
  char host[EVNET_HOST_BYTES];
  bool bracketed;
  uint16_t port;
};

static int parse_port(const struct report *report, const char *text, uint16_t *out) {
  if (*text == '\0') return report_refuse(report, "the port is missing");
  uint32_t port;
  if (!numeric_read_decimal(text, UINT16_MAX, &port)) {
    char shown[24];
    return report_refuse(report, "the port '%s' is not a number from 0 to 65535",
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
      return report_refuse(report, "'%.*s' must be '%s'", cut, prefix, prefix);
  }
  if (strstr(*rest, "://") != NULL) {
    return report_refuse(report,
                         "the scheme must be one of tcp, tcp4, tcp6, udp, udp4, udp6, unix");
  }
  *out = &schemes[0];
  return 0;
}

// Explains the error in a text with several colons and no brackets. `last` is the last colon.
static int refuse_colons(const struct report *report, const char *text, const char *last) {
  if (numeric_is_ip6(text, last) || numeric_is_ip6(text, last + strlen(last)))
    return report_refuse(report, "an IPv6 address must be in brackets");
  char host[61];
  const size_t size = (size_t)(last - text);
  (void)snprintf(host, sizeof host, "%.*s", (int)(size < sizeof host ? size : sizeof host - 1),
                 text);
  char shown[64];
  return report_refuse(report, "the host '%s' has one ':' too many",
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
    if (host_end == NULL) return report_refuse(report, "the bracket is not closed");
    colon = host_end + 1;
    if (*colon != ':') return report_refuse(report, "the port is missing");
  } else {
    colon = host_end = strrchr(host, ':');
    if (host_end == NULL) return report_refuse(report, "the port is missing");
    if (strchr(host, ':') != host_end) return refuse_colons(report, text, host_end);
  }
  const size_t host_size = (size_t)(host_end - host);
  if (host_size >= EVNET_HOST_BYTES) {
    return report_refuse(report, "the host is longer than %d bytes", EVNET_HOST_BYTES - 1);
  }
  memcpy(out->host, host, host_size);
  out->host[host_size] = '\0';
  return parse_port(report, colon + 1, &out->port);
}

static int parse_unix(const struct report *report, const char *path, struct evnet_address *out) {
  size_t size = strlen(path);
  if (size == 0) return report_refuse(report, "the path is missing");
  bool abstract = path[0] == '@';
  if (abstract && size == 1) return report_refuse(report, "the abstract name is missing");
  // A path is followed by a 0 byte. An abstract name is not; the size of the address ends it
  // (unix(7)).
  size_t size_max = sizeof out->socket.local.sun_path - (abstract ? 0 : 1);
  if (size > size_max) {
    return report_refuse(report, "the path has %zu bytes, at most %zu fit", size, size_max);
  }
  *out = (struct evnet_address){.transport = EVNET_TRANSPORT_UNIX};
  out->socket.local.sun_family = AF_UNIX;
  memcpy(out->socket.local.sun_path, path, size);
  if (abstract) out->socket.local.sun_path[0] = '\0';
  out->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (abstract ? 0 : 1));
  return 0;
}

static int check_family(const struct report *report, const struct parts *parts,
                        const struct evnet_address *address) {
  const int family = address->socket.any.sa_family;
  if (parts->scheme->family == AF_UNSPEC || parts->scheme->family == family) return 0;
  return report_refuse(report, "an IPv%d address with %s", family == AF_INET ? 4 : 6,
                       parts->scheme->prefix);
}

static void set_wildcard(const struct parts *parts, struct evnet_address *out) {
  if (parts->scheme->family == AF_INET) {
    numeric_set_ip4(out, (struct in_addr){.s_addr = htonl(INADDR_ANY)}, parts->port);
  } else {
    numeric_set_ip6(out, &in6addr_any, 0, parts->port);
    out->dual_stack = parts->scheme->family == AF_UNSPEC;
  }
}

// Parses a host that is numeric or empty. Returns 1 if the host is a name.
static int parse_host(const struct report *report, const struct parts *parts,
                      struct evnet_address *out) {
  if (!parts->bracketed && parts->host[0] == '\0') {
    set_wildcard(parts, out);
    return 0;
  }
  if (parts->bracketed) {
    const int status = numeric_read_ip6(report, parts->host, parts->port, out);
    if (status < 0) return status;
    // As Go does: "[::]" listens on both families, unless the scheme is tcp6 or udp6.
    out->dual_stack = parts->scheme->family == AF_UNSPEC && out->socket.any.sa_family == AF_INET6 &&
                      IN6_IS_ADDR_UNSPECIFIED(&out->socket.ip6.sin6_addr);
  } else if (!numeric_read_ip4(parts->host, parts->port, out)) {
    return numeric_check_name(report, parts->host);
  }
  return check_family(report, parts, out);
}

// Parses an address. Returns 0 for a numeric address or a path, and 1 for a name, which sets the
// host only.
static int parse(const struct report *report, struct evnet_address *out, struct evnet_host *host) {
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
  memcpy(host->name, parts.host, sizeof host->name);
  host->family = parts.scheme->family;
  host->port = parts.port;
  host->transport = parts.scheme->transport;
  return 1;
}

static struct report report_about(const char *text, char *message, size_t message_size) {
  return (struct report){.kind = "address",
                         .text = text,
                         .text_bytes = REPORT_ADDRESS_BYTES,
                         .message = message,
                         .message_size = message_size};
}

int evnet_address_parse(const char *text, struct evnet_address *out, char *message,
                        size_t message_size) {
  const struct report report = report_about(text, message, message_size);
  struct evnet_host host;
  const int status = parse(&report, out, &host);
  if (status <= 0) return status;
  char shown[64];
  return report_refuse(&report, "'%s' is not an IP address",
                       evnet_text_escape(host.name, shown, sizeof shown));
}

int evnet_address_read_host(const char *text, struct evnet_address *out,
                            struct evnet_host *out_host, char *message, size_t message_size) {
  const struct report report = report_about(text, message, message_size);
  struct evnet_host host;
  const int status = parse(&report, out, &host);
  if (status <= 0) return status;
  *out = (struct evnet_address){.transport = host.transport};
  *out_host = host;
  return 1;
}

int evnet_address_read(const char *text, struct evnet_address *out, char *message,
                       size_t message_size) {
  struct evnet_host host;
  return evnet_address_read_host(text, out, &host, message, message_size);
}

int evnet_address_resolve_all(const char *text, struct evnet_address *out, int count_max,
                              char *message, size_t message_size) {
  const struct report report = report_about(text, message, message_size);
  struct evnet_host host;
  const int status = parse(&report, out, &host);
  if (status <= 0) return status == 0 ? 1 : status;
  char why[EVNET_ADDRESS_MESSAGE_BYTES];
  const int count = evnet_host_resolve(&host, out, count_max, why, sizeof why);
  if (count < 0) (void)report_refuse(&report, "%s", why);
  return count;
}

int evnet_address_resolve(const char *text, struct evnet_address *out, char *message,
                          size_t message_size) {
  const int count = evnet_address_resolve_all(text, out, 1, message, message_size);
  return count > 0 ? 0 : count;
}
