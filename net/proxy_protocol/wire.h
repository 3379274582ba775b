// The layout of a header, for parse.c and write.c.
#ifndef EVNET_NET_PROXY_PROTOCOL_WIRE_H_
#define EVNET_NET_PROXY_PROTOCOL_WIRE_H_

#include <stddef.h>
#include <stdint.h>

enum {
  // Version 2 (section 2.2): a signature, the version and command, the family and transport, the
  // number of bytes that follow.
  WIRE_SIGNATURE_BYTES = 12,
  WIRE_PREFIX_BYTES = 16,

  WIRE_VERSION_2_LOCAL = 0x20,
  WIRE_VERSION_2_PROXY = 0x21,

  WIRE_UNSPECIFIED = 0x00,
  WIRE_TCP4 = 0x11,
  WIRE_UDP4 = 0x12,
  WIRE_TCP6 = 0x21,
  WIRE_UDP6 = 0x22,
  WIRE_UNIX_STREAM = 0x31,
  WIRE_UNIX_DATAGRAM = 0x32,

  // Both addresses and, except for Unix, both ports.
  WIRE_IP4_BYTES = 12,
  WIRE_IP6_BYTES = 36,
  WIRE_UNIX_PATH_BYTES = 108,
  WIRE_UNIX_BYTES = 2 * WIRE_UNIX_PATH_BYTES,

  WIRE_FIELD_PREFIX_BYTES = 3,  // type, size
  WIRE_CRC32C_BYTES = 4,
};

static const uint8_t wire_signature[WIRE_SIGNATURE_BYTES] = {'\r', '\n', '\r', '\n', 0,   '\r',
                                                             '\n', 'Q',  'U',  'I',  'T', '\n'};

static inline size_t wire_get16(const uint8_t *bytes) { return (size_t)bytes[0] << 8 | bytes[1]; }

static inline void wire_put16(uint8_t *out, size_t value) {
  out[0] = (uint8_t)(value >> 8);
  out[1] = (uint8_t)value;
}

#endif  // EVNET_NET_PROXY_PROTOCOL_WIRE_H_
