#include "net/base/host.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net/base/internal/numeric.h"
#include "net/base/internal/report.h"
#include "net/base/text.h"

_Static_assert(sizeof "tcp6://[]:65535" + EVNET_HOST_BYTES - 1 <= EVNET_ADDRESS_TEXT_BYTES,
               "a name's");

static struct report report_about(const char *kind, const char *text, char *message,
                                  size_t message_size) {
  return (struct report){.kind = kind,
                         .text = text,
                         .text_bytes = REPORT_HOST_BYTES,
                         .message = message,
                         .message_size = message_size};
}

// Reading and writing

static int check_family(const struct report *report, const struct evnet_host *host,
                        const struct evnet_address *address) {
  const int family = address->socket.any.sa_family;
  if (host->family == AF_UNSPEC || host->family == family) return 0;
  return report_refuse(report, "an IPv%d address, but an IPv%d address is required",
                       family == AF_INET ? 4 : 6, host->family == AF_INET ? 4 : 6);
}

int evnet_host_read(const char *text, struct evnet_host *host, struct evnet_address *out,
                    char *message, size_t message_size) {
  const struct report report = report_about("host", text, message, message_size);
  const size_t size = strnlen(text, EVNET_HOST_BYTES);
  if (size == 0) return report_refuse(&report, "the host is missing");
  if (size == EVNET_HOST_BYTES)
    return report_refuse(&report, "the host is longer than %d bytes", EVNET_HOST_BYTES - 1);
  if (text[0] == '[') return report_refuse(&report, "an IPv6 address must be without brackets");
  struct evnet_address address = {.transport = host->transport};
  if (!numeric_read_ip4(text, host->port, &address)) {
    int status;
    if (strchr(text, ':') == NULL) {
      status = numeric_check_name(&report, text);
      if (status == 1) memcpy(host->name, text, size + 1);
      return status;
    }
    status = numeric_read_ip6(&report, text, host->port, &address);
    if (status < 0) return status;
  }
  const int status = check_family(&report, host, &address);
  if (status == 0) *out = address;
  return status;
}

size_t evnet_host_format(const struct evnet_host *host, char *text, size_t size) {
  const char *transport = host->transport == EVNET_TRANSPORT_UDP ? "udp" : "tcp";
  const char *family = host->family == AF_INET ? "4" : host->family == AF_INET6 ? "6" : "";
  return (size_t)snprintf(text, size, "%s%s://%s:%u", transport, family, host->name, host->port);
}

bool evnet_host_name_is_plain(const char *name) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
  const size_t size = strnlen(name, EVNET_HOST_BYTES);
  return size > 0 && size < EVNET_HOST_BYTES && strspn(name, plain) == size;
}

bool evnet_host_accept(const struct evnet_host *host, const struct evnet_address *found,
                       struct evnet_address *out) {
  const uint16_t own_port = evnet_address_port(found);
  const uint16_t port = own_port != 0 ? own_port : host->port;
  struct evnet_address address = {.transport = host->transport};
  if (found->socket.any.sa_family == AF_INET) {
    numeric_set_ip4(&address, found->socket.ip4.sin_addr, port);
  } else if (found->socket.any.sa_family == AF_INET6) {
    const struct sockaddr_in6 *ip6 = &found->socket.ip6;
    numeric_set_ip6(&address, &ip6->sin6_addr, ip6->sin6_scope_id, port);
  } else {
    return false;
  }
  if (host->family != AF_UNSPEC && host->family != address.socket.any.sa_family) return false;
  *out = address;
  return true;
}

// Lookups

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

// Returns whether a failed lookup says nothing about the name (RFC 3493 section 6.1).
static bool is_temporary(int error) {
  return error == EAI_AGAIN || error == EAI_FAIL || error == EAI_SYSTEM;
}

// Reports a failed lookup. `error` is the return value of getaddrinfo or getnameinfo.
static int fail(const struct report *report, int error, int system_error) {
  const int shortage = find_shortage(error, system_error);
  (void)report_refuse(report, "%s",
                      shortage < 0 ? evnet_status_message(shortage) : gai_strerror(error));
  if (shortage < 0) return shortage;
  return is_temporary(error) ? EVNET_STATUS_LOOKUP : EVNET_STATUS_ADDRESS;
}

int evnet_host_resolve(const struct evnet_host *host, struct evnet_address *out, int count_max,
                       char *message, size_t message_size) {
  const struct report report = report_about("host", host->name, message, message_size);
  const struct addrinfo hints = {.ai_family = host->family, .ai_socktype = SOCK_STREAM};
  struct addrinfo *all = NULL;
  const int error = getaddrinfo(host->name, NULL, &hints, &all);
  if (error != 0) return fail(&report, error, errno);
  int count = 0;
  for (const struct addrinfo *found = all; found != NULL && count < count_max;
       found = found->ai_next) {
    struct evnet_address address;
    if (evnet_address_from_socket(found->ai_addr, found->ai_addrlen, EVNET_TRANSPORT_TCP,
                                  &address) == 0 &&
        evnet_host_accept(host, &address, &out[count]))
      count++;
  }
  freeaddrinfo(all);
  if (count > 0) return count;
  return report_refuse(&report, "the host has no IPv%d address", host->family == AF_INET ? 4 : 6);
}

int evnet_host_find_name(const struct evnet_address *address, char name[EVNET_HOST_BYTES],
                         char *message, size_t message_size) {
  char text[EVNET_ADDRESS_TEXT_BYTES];
  (void)evnet_address_format(address, text, sizeof text);
  const struct report report = report_about("address", text, message, message_size);
  char found[NI_MAXHOST];
  const int error =
      getnameinfo(&address->socket.any, address->size, found, sizeof found, NULL, 0, NI_NAMEREQD);
  if (error != 0) return fail(&report, error, errno);
  if (!evnet_host_name_is_plain(found)) return report_refuse(&report, "the name is malformed");
  memcpy(name, found, strlen(found) + 1);
  return 0;
}
