#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "net/proxy_protocol/crc32c.h"
#include "net/proxy_protocol/proxy_protocol.h"
#include "net/proxy_protocol/wire.h"

// Version 1: "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n" (section 2.1).

// The rest of the line that is being parsed.
struct line {
  const char *next;
  const char *end;
};

// Takes a word, which ends at the next space or at the end of the line. Exactly one space separates
// words. Returns false if the word is empty or has more than word_size - 1 bytes.
static bool take_word(struct line *line, char *word, size_t word_size) {
  size_t size = 0;
  while (line->next < line->end && *line->next != ' ' && size + 1 < word_size)
    word[size++] = *line->next++;
  word[size] = '\0';
  if (size == 0 || (line->next < line->end && *line->next != ' ')) return false;
  if (line->next < line->end) line->next++;
  return true;
}

// The specification has decimal ports without leading zeros.
static bool parse_port(const char *word, in_port_t *out) {
  uint32_t port = 0;
  if (word[0] == '0' && word[1] != '\0') return false;
  for (const char *c = word; *c != '\0'; c++) {
    if (*c < '0' || *c > '9') return false;
    port = port * 10 + (uint32_t)(*c - '0');
  }
  if (port > UINT16_MAX) return false;
  *out = htons((uint16_t)port);
  return true;
}

static struct evnet_address ip4(enum evnet_transport transport) {
  struct evnet_address address = {.size = sizeof address.socket.ip4, .transport = transport};
  address.socket.ip4.sin_family = AF_INET;
  return address;
}

static struct evnet_address ip6(enum evnet_transport transport) {
  struct evnet_address address = {.size = sizeof address.socket.ip6, .transport = transport};
  address.socket.ip6.sin6_family = AF_INET6;
  return address;
}

static bool parse_line_address(const char *host, const char *port, int family,
                               struct evnet_address *out) {
  if (family == AF_INET) {
    *out = ip4(EVNET_TRANSPORT_TCP);
    return inet_pton(AF_INET, host, &out->socket.ip4.sin_addr) == 1 &&
           parse_port(port, &out->socket.ip4.sin_port);
  }
  *out = ip6(EVNET_TRANSPORT_TCP);
  return inet_pton(AF_INET6, host, &out->socket.ip6.sin6_addr) == 1 &&
         parse_port(port, &out->socket.ip6.sin6_port);
}

// Parses the line without its CRLF.
static bool parse_line(struct line line, struct evnet_proxy_header *out) {
  char word[8];
  char hosts[2][INET6_ADDRSTRLEN];
  char ports[2][sizeof "65535"];
  if (!take_word(&line, word, sizeof word) || strcmp(word, "PROXY") != 0) return false;
  if (!take_word(&line, word, sizeof word)) return false;
  if (strcmp(word, "UNKNOWN") == 0) {
    out->is_local = true;  // the rest of the line is ignored
    return true;
  }
  int family = AF_UNSPEC;
  if (strcmp(word, "TCP4") == 0) family = AF_INET;
  if (strcmp(word, "TCP6") == 0) family = AF_INET6;
  if (family == AF_UNSPEC) return false;
  for (int i = 0; i < 2; i++) {
    if (!take_word(&line, hosts[i], sizeof hosts[i])) return false;
  }
  // A space after the last word would be taken, so the line must end with a digit.
  if (line.end[-1] == ' ') return false;
  for (int i = 0; i < 2; i++) {
    if (!take_word(&line, ports[i], sizeof ports[i])) return false;
  }
  return line.next == line.end && parse_line_address(hosts[0], ports[0], family, &out->source) &&
         parse_line_address(hosts[1], ports[1], family, &out->destination);
}

static ssize_t parse_v1(const char *data, size_t size, struct evnet_proxy_header *out) {
  static const char start[] = "PROXY ";
  size_t start_size = sizeof start - 1;
  if (memcmp(data, start, size < start_size ? size : start_size) != 0) return -EPROTO;
  size_t searched = size < EVNET_PROXY_V1_BYTES_MAX ? size : EVNET_PROXY_V1_BYTES_MAX;
  const char *end = memchr(data, '\n', searched);
  if (end == NULL) return searched < EVNET_PROXY_V1_BYTES_MAX ? 0 : -EPROTO;
  if (end[-1] != '\r') return -EPROTO;
  struct evnet_proxy_header header = {.version = 1};
  // A 0 byte would end a word early.
  if (memchr(data, '\0', (size_t)(end - data)) != NULL) return -EPROTO;
  if (!parse_line((struct line){data, end - 1}, &header)) return -EPROTO;
  *out = header;
  return end + 1 - data;
}

// Version 2

// Parses the path at a fixed position. Its size is not transmitted: it ends before the trailing 0
// bytes. An abstract name (Linux) begins with a 0 byte. Systems with a shorter sun_path cut it.
static void parse_path(const uint8_t *path, struct evnet_address *out) {
  size_t size = WIRE_UNIX_PATH_BYTES;
  while (size > 0 && path[size - 1] == 0) size--;
  *out = (struct evnet_address){.transport = EVNET_TRANSPORT_UNIX};
  struct sockaddr_un *local = &out->socket.local;
  if (size > sizeof local->sun_path) size = sizeof local->sun_path;
  local->sun_family = AF_UNIX;
  memcpy(local->sun_path, path, size);
  // The terminating 0 byte counts, if there is room for one.
  if (size > 0 && path[0] != 0 && size < sizeof local->sun_path) size++;
  out->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
}

// Returns the bytes that the addresses of a family need; -1 if the family is invalid.
static int address_bytes(uint8_t family) {
  switch (family) {
    case WIRE_UNSPECIFIED:
      return 0;
    case WIRE_TCP4:
    case WIRE_UDP4:
      return WIRE_IP4_BYTES;
    case WIRE_TCP6:
    case WIRE_UDP6:
      return WIRE_IP6_BYTES;
    case WIRE_UNIX_STREAM:
    case WIRE_UNIX_DATAGRAM:
      return WIRE_UNIX_BYTES;
    default:
      return -1;
  }
}

static void parse_addresses(const uint8_t *bytes, uint8_t family, struct evnet_proxy_header *out) {
  enum evnet_transport transport =
      family == WIRE_UDP4 || family == WIRE_UDP6 ? EVNET_TRANSPORT_UDP : EVNET_TRANSPORT_TCP;
  switch (address_bytes(family)) {
    case WIRE_IP4_BYTES:
      out->source = ip4(transport);
      out->destination = ip4(transport);
      memcpy(&out->source.socket.ip4.sin_addr, bytes, 4);
      memcpy(&out->destination.socket.ip4.sin_addr, bytes + 4, 4);
      memcpy(&out->source.socket.ip4.sin_port, bytes + 8, 2);
      memcpy(&out->destination.socket.ip4.sin_port, bytes + 10, 2);
      break;
    case WIRE_IP6_BYTES:
      out->source = ip6(transport);
      out->destination = ip6(transport);
      memcpy(&out->source.socket.ip6.sin6_addr, bytes, 16);
      memcpy(&out->destination.socket.ip6.sin6_addr, bytes + 16, 16);
      memcpy(&out->source.socket.ip6.sin6_port, bytes + 32, 2);
      memcpy(&out->destination.socket.ip6.sin6_port, bytes + 34, 2);
      break;
    case WIRE_UNIX_BYTES:
      parse_path(bytes, &out->source);
      parse_path(bytes + WIRE_UNIX_PATH_BYTES, &out->destination);
      break;
    default:
      out->is_local = true;
      break;
  }
}

bool evnet_proxy_next_field(struct evnet_bytes *fields, uint8_t *out_type,
                            struct evnet_bytes *out_value) {
  if (fields->size < WIRE_FIELD_PREFIX_BYTES) return false;
  size_t size = wire_get16(fields->data + 1);
  if (size > fields->size - WIRE_FIELD_PREFIX_BYTES) return false;
  *out_type = fields->data[0];
  *out_value = (struct evnet_bytes){fields->data + WIRE_FIELD_PREFIX_BYTES, size};
  fields->data += WIRE_FIELD_PREFIX_BYTES + size;
  fields->size -= WIRE_FIELD_PREFIX_BYTES + size;
  return true;
}

// The checksum is that of the header with the checksum's value replaced by zeros.
static bool checksum_matches(const uint8_t *data, size_t size, const uint8_t *value) {
  static const uint8_t zeros[WIRE_CRC32C_BYTES];
  uint32_t crc = evnet_crc32c(0, data, (size_t)(value - data));
  crc = evnet_crc32c(crc, zeros, sizeof zeros);
  const uint8_t *rest = value + WIRE_CRC32C_BYTES;
  crc = evnet_crc32c(crc, rest, (size_t)(data + size - rest));
  uint32_t stated = (uint32_t)wire_get16(value) << 16 | (uint32_t)wire_get16(value + 2);
  return crc == stated;
}

// Section 2.2: a checksum, if present, must be verified. Fields must fill the header exactly.
static bool fields_are_valid(const uint8_t *data, size_t size, struct evnet_bytes fields) {
  uint8_t type;
  struct evnet_bytes value;
  bool has_checksum = false;
  while (evnet_proxy_next_field(&fields, &type, &value)) {
    if (type == EVNET_PROXY_UNIQUE_ID && value.size > 128) return false;
    if (type != EVNET_PROXY_CRC32C) continue;
    if (has_checksum || value.size != WIRE_CRC32C_BYTES) return false;
    if (!checksum_matches(data, size, value.data)) return false;
    has_checksum = true;
  }
  return fields.size == 0;
}

static ssize_t parse_v2(const uint8_t *data, size_t size, struct evnet_proxy_header *out) {
  size_t compared = size < WIRE_SIGNATURE_BYTES ? size : WIRE_SIGNATURE_BYTES;
  if (memcmp(data, wire_signature, compared) != 0) return -EPROTO;
  // Each byte is checked as soon as it is there.
  bool is_local = false;
  if (size > 12) {
    is_local = data[12] == WIRE_VERSION_2_LOCAL;
    if (!is_local && data[12] != WIRE_VERSION_2_PROXY) return -EPROTO;
  }
  // LOCAL: the receiver discards the family and what follows (section 2.2).
  if (size > 13 && !is_local && address_bytes(data[13]) < 0) return -EPROTO;
  if (size < WIRE_PREFIX_BYTES) return 0;
  size_t rest = wire_get16(data + 14);
  if (!is_local && rest < (size_t)address_bytes(data[13])) return -EPROTO;
  size_t total = WIRE_PREFIX_BYTES + rest;
  if (total > EVNET_PROXY_HEADER_BYTES_MAX) return -EMSGSIZE;
  if (size < total) return 0;

  struct evnet_proxy_header header = {.version = 2, .is_local = is_local};
  if (!is_local) {
    size_t addresses = (size_t)address_bytes(data[13]);
    header.fields = (struct evnet_bytes){data + WIRE_PREFIX_BYTES + addresses, rest - addresses};
    if (!fields_are_valid(data, total, header.fields)) return -EPROTO;
    parse_addresses(data + WIRE_PREFIX_BYTES, data[13], &header);
  }
  *out = header;
  return (ssize_t)total;
}

ssize_t evnet_proxy_parse(const void *data, size_t size, struct evnet_proxy_header *out_header) {
  if (size == 0) return 0;
  const uint8_t *bytes = data;
  return bytes[0] == wire_signature[0] ? parse_v2(data, size, out_header)
                                       : parse_v1(data, size, out_header);
}
