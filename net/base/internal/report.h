// The line that explains why a text is refused.
#ifndef EVNET_NET_BASE_INTERNAL_REPORT_H_
#define EVNET_NET_BASE_INTERNAL_REPORT_H_

#include <stddef.h>

#include "net/base/internal/names.h"
#include "net/base/status.h"

enum {
  REPORT_ADDRESS_BYTES = 104,
  REPORT_HOST_BYTES = 64,  // a line about an address may contain one about its host
};

// The refused text, and the caller's buffer for the line.
struct report {
  const char *kind;  // "address" or "host"
  const char *text;
  size_t text_bytes;  // at which the text is cut, at most REPORT_ADDRESS_BYTES
  char *message;      // may be NULL
  size_t message_size;
};

// report_refuse writes "KIND 'TEXT': " and the formatted reason, cut to fit.
//
// Returns: EVNET_STATUS_ADDRESS.
int report_refuse(const struct report *report, const char *format, ...) EVNET_PRINTF(2, 3);

#endif  // EVNET_NET_BASE_INTERNAL_REPORT_H_
