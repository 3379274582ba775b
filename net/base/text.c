#include "net/base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
  PIECE_BYTES_MAX = 4,  // a character of four bytes, or one byte as \xNN
};

// Returns whether a code point is invisible or changes how other text is displayed (Unicode 15:
// Bidi_Control, zero width, separators, the tags of plane 14), or is not a character.
static bool is_hidden(uint32_t point) {
  static const struct {
    uint32_t first;
    uint32_t last;
  } ranges[] = {
      {0x0000, 0x001f}, {0x007f, 0x009f}, {0x00ad, 0x00ad}, {0x061c, 0x061c},   {0x180e, 0x180e},
      {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f}, {0xe000, 0xf8ff},   {0xfdd0, 0xfdef},
      {0xfeff, 0xfeff}, {0xfff0, 0xfffb}, {0xfffe, 0xffff}, {0xe0000, 0xe0fff}, {0xf0000, 0x1fffff},
  };
  for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
    if (ranges[i].first <= point && point <= ranges[i].last) return true;
  }
  return false;
}

// Returns the size of the first UTF-8 character; 0 if it is invalid or must not be shown. Does not
// read past a 0 byte.
static size_t shown_bytes(const uint8_t *text) {
  if (text[0] < 0x80) return is_hidden(text[0]) ? 0 : 1;
  if (text[0] < 0xc2 || text[0] > 0xf4) return 0;  // RFC 3629 section 4
  const size_t size = text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
  uint32_t point = text[0] & (0xffu >> (size + 1));
  for (size_t i = 1; i < size; i++) {
    if ((text[i] & 0xc0) != 0x80) return 0;
    point = point << 6 | (text[i] & 0x3fu);
  }
  const uint32_t least = size == 2 ? 0x80 : size == 3 ? 0x800 : 0x10000;
  const bool is_surrogate = point >= 0xd800 && point <= 0xdfff;
  return point < least || is_surrogate || is_hidden(point) ? 0 : size;
}

static size_t escape_byte(uint8_t byte, char *out) {
  static const char digits[] = "0123456789abcdef";
  out[0] = '\\';
  switch (byte) {
    case '\n':
      out[1] = 'n';
      return 2;
    case '\r':
      out[1] = 'r';
      return 2;
    case '\t':
      out[1] = 't';
      return 2;
    case '\\':
    case '\'':
    case '"':
      out[1] = (char)byte;
      return 2;
    default:
      out[1] = 'x';
      out[2] = digits[byte >> 4];
      out[3] = digits[byte & 15];
      return 4;
  }
}

// Writes the visible form of the first character to `out` and returns its size. *out_taken is the
// size of the character in `text`.
static size_t show(const uint8_t *text, char out[PIECE_BYTES_MAX], size_t *out_taken) {
  const size_t size = shown_bytes(text);
  *out_taken = size > 0 ? size : 1;
  if (size == 0 || text[0] == '\\' || text[0] == '\'' || text[0] == '"')
    return escape_byte(text[0], out);
  memcpy(out, text, size);
  return size;
}

const char *evnet_text_escape(const char *text, char *out, size_t size) {
  static const char cut[] = "...";
  const size_t room = size - 1;
  const uint8_t *next = (const uint8_t *)(text != NULL ? text : "(null)");
  size_t used = 0;
  size_t whole = 0;  // the largest size after which `cut` still fits
  while (*next != '\0') {
    char piece[PIECE_BYTES_MAX];
    size_t taken;
    const size_t bytes = show(next, piece, &taken);
    if (bytes > room - used) {
      const size_t mark = room - whole < sizeof cut - 1 ? room - whole : sizeof cut - 1;
      memcpy(out + whole, cut, mark);
      used = whole + mark;
      break;
    }
    memcpy(out + used, piece, bytes);
    used += bytes;
    next += taken;
    if (used + sizeof cut - 1 <= room) whole = used;
  }
  out[used] = '\0';
  return out;
}

const char *evnet_text_of_address(const struct evnet_address *address, char *out, size_t size) {
  char text[2 * sizeof address->socket.local];
  evnet_address_format(address, text, sizeof text);
  return evnet_text_escape(text, out, size);
}
