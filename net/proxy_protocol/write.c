#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "net/proxy_protocol/crc32c.h"
#include "net/proxy_protocol/proxy_protocol.h"
#include "net/proxy_protocol/wire.h"

static ssize_t write_v1(const struct evnet_proxy_header *header, char *out, size_t size) {
  char line[128] =
      "PROXY UNKNOWN\r\n";  // gcc assumes the largest hosts and ports that fit their types
  const struct evnet_address *source = &header->source;
  const struct evnet_address *destination = &header->destination;
  int family = source->socket.any.sa_family;
  bool has_addresses = !header->is_local && destination->socket.any.sa_family == family &&
                       source->transport == EVNET_TRANSPORT_TCP &&
                       destination->transport == EVNET_TRANSPORT_TCP &&
                       (family == AF_INET || family == AF_INET6);
  if (has_addresses) {
    char hosts[2][INET6_ADDRSTRLEN];
    const struct evnet_address *addresses[2] = {source, destination};
    for (int i = 0; i < 2; i++) {
      const void *host = family == AF_INET ? (const void *)&addresses[i]->socket.ip4.sin_addr
                                           : (const void *)&addresses[i]->socket.ip6.sin6_addr;
      if (inet_ntop(family, host, hosts[i], sizeof hosts[i]) == NULL) return -EINVAL;
    }
    (void)snprintf(line, sizeof line, "PROXY TCP%d %s %s %u %u\r\n", family == AF_INET ? 4 : 6,
                   hosts[0], hosts[1], (unsigned)evnet_address_port(source),
                   (unsigned)evnet_address_port(destination));
  }
  size_t line_size = strlen(line);
  if (line_size > size) return -EMSGSIZE;
  memcpy(out, line, line_size);
  return (ssize_t)line_size;
}

// Returns the code for the family and transport that both addresses have; WIRE_UNSPECIFIED if they
// differ or have none.
static uint8_t wire_family(const struct evnet_proxy_header *header) {
  const struct evnet_address *source = &header->source;
  if (header->is_local || source->transport != header->destination.transport ||
      source->socket.any.sa_family != header->destination.socket.any.sa_family)
    return WIRE_UNSPECIFIED;
  bool is_udp = source->transport == EVNET_TRANSPORT_UDP;
  switch (source->socket.any.sa_family) {
    case AF_INET:
      return is_udp ? WIRE_UDP4 : WIRE_TCP4;
    case AF_INET6:
      return is_udp ? WIRE_UDP6 : WIRE_TCP6;
    case AF_UNIX:
      return WIRE_UNIX_STREAM;
    default:
      return WIRE_UNSPECIFIED;
  }
}

// Writes a path into WIRE_UNIX_PATH_BYTES zeros.
static void write_path(const struct evnet_address *address, uint8_t *out) {
  size_t prefix = offsetof(struct sockaddr_un, sun_path);
  size_t size = address->size > prefix ? address->size - prefix : 0;
  if (size > sizeof address->socket.local.sun_path) size = sizeof address->socket.local.sun_path;
  if (size > WIRE_UNIX_PATH_BYTES) size = WIRE_UNIX_PATH_BYTES;
  memcpy(out, address->socket.local.sun_path, size);
}

// Writes the addresses and returns their size. `out` is zero and large enough.
static size_t write_addresses(const struct evnet_proxy_header *header, uint8_t family,
                              uint8_t *out) {
  const struct evnet_address *source = &header->source;
  const struct evnet_address *destination = &header->destination;
  switch (family) {
    case WIRE_TCP4:
    case WIRE_UDP4:
      memcpy(out, &source->socket.ip4.sin_addr, 4);
      memcpy(out + 4, &destination->socket.ip4.sin_addr, 4);
      memcpy(out + 8, &source->socket.ip4.sin_port, 2);
      memcpy(out + 10, &destination->socket.ip4.sin_port, 2);
      return WIRE_IP4_BYTES;
    case WIRE_TCP6:
    case WIRE_UDP6:
      memcpy(out, &source->socket.ip6.sin6_addr, 16);
      memcpy(out + 16, &destination->socket.ip6.sin6_addr, 16);
      memcpy(out + 32, &source->socket.ip6.sin6_port, 2);
      memcpy(out + 34, &destination->socket.ip6.sin6_port, 2);
      return WIRE_IP6_BYTES;
    case WIRE_UNIX_STREAM:
      write_path(source, out);
      write_path(destination, out + WIRE_UNIX_PATH_BYTES);
      return WIRE_UNIX_BYTES;
    default:
      return 0;
  }
}

int evnet_proxy_append_field(uint8_t *buffer, size_t capacity, size_t *size, uint8_t type,
                             struct evnet_bytes value) {
  if (value.size > UINT16_MAX || capacity - *size < WIRE_FIELD_PREFIX_BYTES ||
      capacity - *size - WIRE_FIELD_PREFIX_BYTES < value.size)
    return -EMSGSIZE;
  uint8_t *field = buffer + *size;
  field[0] = type;
  wire_put16(field + 1, value.size);
  if (value.size > 0) memcpy(field + WIRE_FIELD_PREFIX_BYTES, value.data, value.size);
  *size += WIRE_FIELD_PREFIX_BYTES + value.size;
  return 0;
}

static int write_fields(struct evnet_bytes fields, uint8_t *out, size_t capacity, size_t *size) {
  uint8_t type;
  struct evnet_bytes value;
  while (evnet_proxy_next_field(&fields, &type, &value)) {
    if (type == EVNET_PROXY_CRC32C || type == EVNET_PROXY_NOOP) continue;
    int status = evnet_proxy_append_field(out, capacity, size, type, value);
    if (status < 0) return status;
  }
  return fields.size == 0 ? 0 : -EINVAL;
}

static ssize_t write_v2(const struct evnet_proxy_header *header, bool crc32c, uint8_t *out,
                        size_t size) {
  uint8_t bytes[EVNET_PROXY_HEADER_BYTES_MAX] = {0};
  size_t capacity = size < sizeof bytes ? size : sizeof bytes;
  memcpy(bytes, wire_signature, WIRE_SIGNATURE_BYTES);
  // A receiver discards the fields of LOCAL.
  bool is_local = header->is_local && header->fields.size == 0;
  bytes[12] = is_local ? WIRE_VERSION_2_LOCAL : WIRE_VERSION_2_PROXY;
  bytes[13] = wire_family(header);
  size_t total = WIRE_PREFIX_BYTES;
  total += write_addresses(header, bytes[13], bytes + total);
  if (total > capacity) return -EMSGSIZE;
  int status = write_fields(header->fields, bytes, capacity, &total);
  if (status < 0) return status;
  if (crc32c) {
    static const uint8_t zeros[WIRE_CRC32C_BYTES];
    status = evnet_proxy_append_field(bytes, capacity, &total, EVNET_PROXY_CRC32C,
                                      (struct evnet_bytes){zeros, sizeof zeros});
    if (status < 0) return status;
  }
  wire_put16(bytes + 14, total - WIRE_PREFIX_BYTES);
  if (crc32c) {
    uint32_t crc = evnet_crc32c(0, bytes, total);
    wire_put16(bytes + total - 4, crc >> 16);
    wire_put16(bytes + total - 2, crc & 0xffff);
  }
  memcpy(out, bytes, total);
  return (ssize_t)total;
}

ssize_t evnet_proxy_write(const struct evnet_proxy_header *header, bool crc32c, void *out,
                          size_t size) {
  switch (header->version) {
    case 1:
      return write_v1(header, out, size);
    case 2:
      return write_v2(header, crc32c, out, size);
    default:
      return -EINVAL;
  }
}
