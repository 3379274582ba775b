#include "net/base/internal/numeric.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>

#include "net/base/host.h"
#include "net/base/text.h"

bool numeric_read_decimal(const char *text, uint32_t max, uint32_t *out) {
  uint64_t number = 0;
  for (const char *p = text; *p != '\0'; p++) {
    if (*p < '0' || *p > '9') return false;
    number = number * 10 + (uint64_t)(*p - '0');
    if (number > max) return false;
  }
  *out = (uint32_t)number;
  return *text != '\0';
}

bool numeric_is_ip6(const char *text, const char *end) {
  char host[INET6_ADDRSTRLEN];
  const char *percent = memchr(text, '%', (size_t)(end - text));
  const size_t size = (size_t)((percent != NULL ? percent : end) - text);
  if (size >= sizeof host) return false;
  memcpy(host, text, size);
  host[size] = '\0';
  struct in6_addr address;
  return inet_pton(AF_INET6, host, &address) == 1;
}

void numeric_set_ip4(struct evnet_address *address, struct in_addr host, uint16_t port) {
  address->socket.ip4.sin_family = AF_INET;
  address->socket.ip4.sin_port = htons(port);
  address->socket.ip4.sin_addr = host;
  address->size = sizeof address->socket.ip4;
}

void numeric_set_ip6(struct evnet_address *address, const struct in6_addr *host, uint32_t zone,
                     uint16_t port) {
  if (IN6_IS_ADDR_V4MAPPED(host)) {
    // As Go does. Linux 6.18 fails to bind a mapped address with EINVAL if IPV6_V6ONLY is set.
    struct in_addr mapped;
    memcpy(&mapped, &host->s6_addr[12], sizeof mapped);
    numeric_set_ip4(address, mapped, port);
    return;
  }
  address->socket.ip6.sin6_family = AF_INET6;
  address->socket.ip6.sin6_port = htons(port);
  address->socket.ip6.sin6_addr = *host;
  address->socket.ip6.sin6_scope_id = zone;
  address->size = sizeof address->socket.ip6;
}

bool numeric_read_ip4(const char *text, uint16_t port, struct evnet_address *out) {
  struct in_addr host;
  if (inet_pton(AF_INET, text, &host) != 1) return false;
  numeric_set_ip4(out, host, port);
  return true;
}

int numeric_check_name(const struct report *report, const char *host) {
  if (strchr(host, '.') == NULL || host[strspn(host, "0123456789.")] != '\0') return 1;
  char shown[64];
  return report_refuse(report, "'%s' is not an IP address",
                       evnet_text_escape(host, shown, sizeof shown));
}

// A zone is the name or the number of an interface; 0 means no zone.
static int read_zone(const struct report *report, const char *text, uint32_t *out) {
  if (!numeric_read_decimal(text, UINT32_MAX, out)) *out = if_nametoindex(text);
  char shown[44];
  return *out != 0 ? 0
                   : report_refuse(report, "there is no interface '%s'",
                                   evnet_text_escape(text, shown, sizeof shown));
}

int numeric_read_ip6(const struct report *report, const char *text, uint16_t port,
                     struct evnet_address *out) {
  char digits[EVNET_HOST_BYTES];
  const size_t size = strnlen(text, sizeof digits - 1);
  memcpy(digits, text, size);
  digits[size] = '\0';
  uint32_t zone = 0;
  char *percent = strchr(digits, '%');
  if (percent != NULL) {
    *percent = '\0';
    const int status = read_zone(report, percent + 1, &zone);
    if (status < 0) return status;
  }
  struct in6_addr host;
  if (inet_pton(AF_INET6, digits, &host) != 1) {
    char shown[64];
    return report_refuse(report, "'%s' is not an IPv6 address",
                         evnet_text_escape(digits, shown, sizeof shown));
  }
  numeric_set_ip6(out, &host, zone, port);
  return 0;
}
