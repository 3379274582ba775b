// Text from outside, made fit for one line of a log or a terminal.
#ifndef EVNET_NET_BASE_TEXT_H_
#define EVNET_NET_BASE_TEXT_H_

#include <stddef.h>

#include "address.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

// Enough for evnet_text_escape to show a name, a path or an address; a longer one is cut.
enum { EVNET_TEXT_BYTES = 128 };

// evnet_text_escape copies text so that a line of a log can show it: nothing in the copy ends the
// line, moves the cursor, changes what a terminal shows elsewhere, or ends a quotation by ' or ".
//
//   text  ended by a 0 byte; NULL is copied as "(null)".
//   out   size bytes, size > 0; not text. The copy ends with a 0 byte.
//
// Printable ASCII and printable UTF-8 (RFC 3629) stay as they are. A line feed becomes \n, a
// carriage return \r, a tab \t; a backslash and both quotation marks get a backslash in front of
// them. Each byte of everything else becomes \x and two hexadecimal digits: control characters
// (U+0000 to U+001F, U+007F to U+009F), characters that reorder, break or hide text (bidirectional
// formatting, zero width, line and paragraph separators), private and unassigned special ranges,
// and bytes that are not UTF-8. A copy that does not fit ends with "..." behind the last character
// that fits whole. Of text only as many bytes are read as fit.
//
// Returns: out, so that the call can be an argument of a format.
// Thread:  any.
EVNET_API const char *evnet_text_escape(const char *text, char *out, size_t size);

// evnet_text_of_address is evnet_address_format for a log: a Unix peer chooses its path. size is
// EVNET_TEXT_BYTES, or less if the text may be cut.
EVNET_API const char *evnet_text_of_address(const struct evnet_address *address, char *out,
                                            size_t size);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_BASE_TEXT_H_
