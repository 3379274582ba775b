// Text from outside, made safe for one line of a log or a terminal.
#ifndef EVNET_NET_BASE_TEXT_H_
#define EVNET_NET_BASE_TEXT_H_

#include <stddef.h>

#include "address.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

// Enough for evnet_text_escape to show a name, a path or an address; it cuts a longer one.
enum { EVNET_TEXT_BYTES = 128 };

// evnet_text_escape copies text in a form that a line of a log can show. The copy cannot end the
// line, move the cursor, affect other output of a terminal, or end a quotation by ' or ".
//
// Printable ASCII and printable UTF-8 (RFC 3629) are unchanged. A line feed becomes \n, a carriage
// return \r, a tab \t; a backslash and both quotation marks get a backslash before them. All other
// bytes become \x and two hexadecimal digits: control characters (U+0000 to U+001F, U+007F to
// U+009F), characters that reorder, break or hide text (bidirectional formatting, zero width, line
// and paragraph separators), private and unassigned special ranges, and bytes that are not UTF-8. A
// copy that does not fit ends with "..." after the last whole character that fits. No more of the
// text is read than fits.
//
//   text  ends with a 0 byte; NULL is copied as "(null)".
//   out   size bytes, size above 0; not text. The copy ends with a 0 byte.
//
// Returns: out, so that the call can be an argument of a format.
// Thread:  any.
EVNET_API const char *evnet_text_escape(const char *text, char *out, size_t size);

// evnet_text_of_address is evnet_address_format with the escapes of evnet_text_escape, because a
// Unix peer chooses its path.
//
//   out  size bytes; EVNET_TEXT_BYTES, or fewer if the text may be cut.
//
// Returns: out.
// Thread:  any.
EVNET_API const char *evnet_text_of_address(const struct evnet_address *address, char *out,
                                            size_t size);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_BASE_TEXT_H_
