// Hosts that are numbers: IPv4 and IPv6 addresses as text.
#ifndef EVNET_NET_BASE_INTERNAL_NUMERIC_H_
#define EVNET_NET_BASE_INTERNAL_NUMERIC_H_

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/base/address.h"
#include "net/base/internal/names.h"
#include "net/base/internal/report.h"

// numeric_read_decimal reads decimal digits only; strtoul(3) would also accept spaces and signs.
//
//   max  at most UINT32_MAX.
//
// Returns: false for any other text, and for numbers above `max`.
bool numeric_read_decimal(const char *text, uint32_t max, uint32_t *out);

// numeric_is_ip6 returns whether the text up to `end` is an IPv6 address, possibly with a zone.
bool numeric_is_ip6(const char *text, const char *end);

// numeric_set_ip4 and numeric_set_ip6 set the socket address and its size. An IPv4-mapped address
// becomes an IPv4 address.
void numeric_set_ip4(struct evnet_address *address, struct in_addr host, uint16_t port);
void numeric_set_ip6(struct evnet_address *address, const struct in6_addr *host, uint32_t zone,
                     uint16_t port);

// numeric_read_ip4 reads an IPv4 address, and sets the socket address if it returns true.
bool numeric_read_ip4(const char *text, uint16_t port, struct evnet_address *out);

// numeric_check_name checks a host that is not an IP address. One of digits and dots is a malformed IPv4
// address, not a name: no top-level domain is all digits (RFC 3696 section 2).
//
// Returns: 1 if the host may be a name.
// Errors:  EVNET_STATUS_ADDRESS, with a message.
int numeric_check_name(const struct report *report, const char *host);

// numeric_read_ip6 reads an IPv6 address without brackets, possibly with a zone (RFC 4007 section
// 11.2), and sets the socket address. An IPv4-mapped address becomes an IPv4 address.
//
// Returns: 0.
// Errors:  EVNET_STATUS_ADDRESS, with a message.
int numeric_read_ip6(const struct report *report, const char *text, uint16_t port,
                     struct evnet_address *out);

#endif  // EVNET_NET_BASE_INTERNAL_NUMERIC_H_
