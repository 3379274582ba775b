// CRC-32C (Castagnoli), as RFC 3720 appendix B.4 defines it for iSCSI.
#ifndef EVNET_NET_PROXY_PROTOCOL_CRC32C_H_
#define EVNET_NET_PROXY_PROTOCOL_CRC32C_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// evnet_crc32c continues a checksum.
//
//   crc   the checksum of the bytes before; 0 at first.
//   data  size bytes.
//
// Returns: the checksum of all bytes so far.
uint32_t evnet_crc32c(uint32_t crc, const void *data, size_t size);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_PROXY_PROTOCOL_CRC32C_H_
