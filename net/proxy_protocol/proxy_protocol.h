// The PROXY protocol, versions 1 and 2: a header at the beginning of a connection, in which a proxy
// states the addresses of the client's connection. haproxy, nginx, stunnel and most load balancers
// send and accept it.
//
// This file parses and writes the header. It does no input or output and keeps no state. Section
// numbers below refer to haproxy's doc/proxy-protocol.txt of 2020-03-05.
//
// A header is only as trustworthy as its sender: accept it from known proxies only.
#ifndef EVNET_NET_PROXY_PROTOCOL_PROXY_PROTOCOL_H_
#define EVNET_NET_PROXY_PROTOCOL_PROXY_PROTOCOL_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../base/address.h"
#include "../base/bytes.h"
#include "../base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  // The longest header of version 1, including its CRLF (section 2.1).
  EVNET_PROXY_V1_BYTES_MAX = 107,

  // The longest header that evnet_proxy_parse accepts. Version 2 allows 65,551 bytes; the addresses
  // and the types of fields that exist need less than this.
  EVNET_PROXY_HEADER_BYTES_MAX = 4096,
};

// Types of a version 2 header's fields (section 2.2).
enum evnet_proxy_type {
  EVNET_PROXY_ALPN = 0x01,       // the application protocol, as in RFC 7301
  EVNET_PROXY_AUTHORITY = 0x02,  // the host name that the client asked for, such as TLS's SNI
  EVNET_PROXY_CRC32C = 0x03,     // a checksum of the header
  EVNET_PROXY_NOOP = 0x04,       // padding
  EVNET_PROXY_UNIQUE_ID = 0x05,  // up to 128 bytes that name the connection
  EVNET_PROXY_SSL = 0x20,        // the client's TLS connection
  EVNET_PROXY_NETNS = 0x30,      // the name of a network namespace
};

// The content of a header.
struct evnet_proxy_header {
  int version;  // 1 or 2

  // The addresses are not those of a client: a health check by the proxy itself (LOCAL), or a
  // connection whose addresses the proxy cannot express (UNKNOWN, AF_UNSPEC). The receiver uses the
  // addresses of the socket.
  bool is_local;

  struct evnet_address source;       // the client's; no address (AF_UNSPEC) if is_local
  struct evnet_address destination;  // the one that the client connected to; likewise

  // The fields of a version 2 header, to be read by evnet_proxy_next_field. They are in the parsed
  // bytes, so they are valid as long as these.
  struct evnet_bytes fields;
};

// evnet_proxy_parse parses the header at the beginning of a connection.
//
//   data        size bytes, all that have arrived; borrowed for the call, see `fields`.
//   out_header  the content; unchanged unless the return is positive.
//
// Returns: the size of the header: the connection's own bytes follow it.
//          0 if the bytes are the beginning of a header, and more are needed.
// Errors:  -EPROTO if the bytes are not a header: the signature, version, command, family, an
//          address, a length or the checksum is invalid. Close the connection (section 2).
//          -EMSGSIZE if a header of version 2 is longer than EVNET_PROXY_HEADER_BYTES_MAX.
// Thread:  any.
EVNET_API EVNET_WARN_UNUSED ssize_t evnet_proxy_parse(const void *data, size_t size,
                                                      struct evnet_proxy_header *out_header);

// evnet_proxy_next_field takes the first field off the fields of a header.
//
//   fields     initially header.fields; on return, the fields after the one that was read.
//   out_type   an enum evnet_proxy_type, or an unknown type.
//   out_value  the value, inside the parsed bytes.
//
// Returns: true; false if there are no more.
// Thread:  any.
EVNET_API bool evnet_proxy_next_field(struct evnet_bytes *fields, uint8_t *out_type,
                                      struct evnet_bytes *out_value);

// evnet_proxy_write writes a header.
//
// If is_local is set, or the addresses differ in family or transport, or version 1 cannot express
// them (UDP, Unix), it writes a header without addresses: UNKNOWN; in version 2, LOCAL if is_local is
// set and there are no fields, or AF_UNSPEC. A receiver discards the fields of LOCAL (section 2.2).
//
//   header  version, is_local, source and destination. With version 2, fields are copied as they
//           are, without their NOOP fields and checksum; with version 1 they are ignored.
//   crc32c  with version 2, adds a checksum.
//   out     size bytes.
//
// Returns: the size of the header.
// Errors:  -EINVAL if the version is neither 1 nor 2, or the fields are malformed.
//          -EMSGSIZE if the header would exceed `size` or EVNET_PROXY_HEADER_BYTES_MAX.
// Thread:  any.
EVNET_API EVNET_WARN_UNUSED ssize_t evnet_proxy_write(const struct evnet_proxy_header *header,
                                                      bool crc32c, void *out, size_t size);

// evnet_proxy_append_field appends a field to fields that are being built, for evnet_proxy_write.
//
//   buffer      capacity bytes, of which *size are in use.
//   type        of the field; not EVNET_PROXY_CRC32C.
//   value       copied.
//
// Returns: 0.
// Errors:  -EMSGSIZE if the buffer is too small, or the value is longer than 65,535 bytes.
// Thread:  any.
EVNET_API EVNET_WARN_UNUSED int evnet_proxy_append_field(uint8_t *buffer, size_t capacity,
                                                         size_t *size, uint8_t type,
                                                         struct evnet_bytes value);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_PROXY_PROTOCOL_PROXY_PROTOCOL_H_
