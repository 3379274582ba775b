// Parses addresses and compares the result with a grammar of this target, formats addresses, and
// aborts on any difference.
//
// Input: a byte, then the text. Bit 0 of the byte: the rest is not text but a struct evnet_address,
// which is only formatted. The other bits are the size of the message buffer, in units of four
// bytes. address_seeds.py writes inputs by name.
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/base/address.h"
#include "net/base/host.h"

enum { TEXT_BYTES = 1024, HOST_BYTES_MAX = 255 };

#define CHECK(expression) ((expression) ? (void)0 : check_failed(#expression, __LINE__))

static void check_failed(const char *expression, int line) {
  fprintf(stderr, "address.c:%d: not true: %s\n", line, expression);
  abort();
}

// The grammar of net/base/address.h, written independently of net/base/address.c.

enum verdict { REFUSED, NUMERIC, NAME };

struct model {
  enum evnet_transport transport;
  int family;  // of the scheme: 4, 6, or 0 for both
  uint8_t bytes[16];
  size_t size;  // of bytes: 4 or 16
  uint32_t zone;
  uint16_t port;
  bool dual_stack;
  const char *path;
};

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Parses the text up to `end`, which must be decimal digits. Returns false for any other text, and
// for numbers above `most`.
static bool number(const char *text, const char *end, uint64_t most, uint64_t *out) {
  *out = 0;
  for (const char *p = text; p < end; p++) {
    if (!is_digit(*p)) return false;
    *out = *out * 10 + (uint64_t)(*p - '0');
    if (*out > most) return false;
  }
  return end > text;
}

static bool quad(const char *text, const char *end, uint8_t out[4]) {
  for (int i = 0; i < 4; i++) {
    const char *stop = text;
    while (stop < end && *stop != '.') stop++;
    uint64_t value;
    if (!number(text, stop, 255, &value)) return false;
    // RFC 6943 section 3.1.1: a leading zero may mean octal, so it is rejected.
    if (*text == '0' && stop - text > 1) return false;
    if ((stop == end) != (i == 3)) return false;
    out[i] = (uint8_t)value;
    text = stop + 1;
  }
  return true;
}

static int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// Parses groups that are separated by colons; the last one may be a quad if quad_allowed is set.
// Returns the number of bytes; -1 if the text is invalid.
static int groups(const char *text, const char *end, bool quad_allowed, uint8_t *out) {
  int count = 0;
  if (text == end) return 0;
  for (;;) {
    const char *stop = text;
    while (stop < end && *stop != ':') stop++;
    if (stop == end && quad_allowed && count <= 12 && quad(text, end, out + count))
      return count + 4;
    if (stop == text || stop - text > 4 || count > 14) return -1;
    int value = 0;
    for (const char *p = text; p < stop; p++) {
      if (hex_digit(*p) < 0) return -1;
      value = value * 16 + hex_digit(*p);
    }
    out[count++] = (uint8_t)(value >> 8);
    out[count++] = (uint8_t)value;
    if (stop == end) return count;
    text = stop + 1;
  }
}

// RFC 4291 section 2.2.
static bool ip6(const char *text, const char *end, uint8_t out[16]) {
  uint8_t front[16] = {0};
  uint8_t back[16] = {0};
  const char *gap = text;
  while (gap + 1 < end && (gap[0] != ':' || gap[1] != ':')) gap++;
  if (gap + 1 >= end) {
    if (groups(text, end, true, front) != 16) return false;
    memcpy(out, front, 16);
    return true;
  }
  const int before = groups(text, gap, false, front);
  const int after = groups(gap + 2, end, true, back);
  if (before < 0 || after < 0 || before + after > 14) return false;
  memcpy(out, front, 16);
  memset(out + before, 0, (size_t)(16 - before));
  memcpy(out + 16 - after, back, (size_t)after);
  return true;
}

static bool is_zero(const uint8_t *bytes, size_t size) {
  for (size_t i = 0; i < size; i++) {
    if (bytes[i] != 0) return false;
  }
  return true;
}

static enum verdict read_ip4(const uint8_t host[4], struct model *out) {
  out->size = 4;
  memcpy(out->bytes, host, 4);
  return out->family == 6 ? REFUSED : NUMERIC;
}

static enum verdict read_bracketed(const char *host, const char *end, struct model *out) {
  const char *percent = memchr(host, '%', (size_t)(end - host));
  if (percent != NULL) {
    char zone[TEXT_BYTES];
    const size_t size = (size_t)(end - percent - 1);
    memcpy(zone, percent + 1, size);
    zone[size] = '\0';
    uint64_t value;
    out->zone =
        number(zone, zone + size, UINT32_MAX, &value) ? (uint32_t)value : if_nametoindex(zone);
    if (out->zone == 0) return REFUSED;
    end = percent;
  }
  uint8_t bytes[16];
  if (!ip6(host, end, bytes)) return REFUSED;
  if (is_zero(bytes, 10) && bytes[10] == 255 && bytes[11] == 255) {
    out->zone = 0;
    return read_ip4(bytes + 12, out);
  }
  out->size = 16;
  memcpy(out->bytes, bytes, 16);
  out->dual_stack = out->family == 0 && is_zero(bytes, 16);
  return out->family == 4 ? REFUSED : NUMERIC;
}

static enum verdict read_host(const char *text, struct model *out) {
  const char *end = text + strlen(text);
  const char *host = text;
  const char *host_end;
  if (*text == '[') {
    host = text + 1;
    host_end = strchr(host, ']');
    if (host_end == NULL || host_end[1] != ':') return REFUSED;
    end = host_end + 1;
  } else {
    host_end = strchr(text, ':');
    if (host_end == NULL || strchr(host_end + 1, ':') != NULL) return REFUSED;
    end = host_end;
  }
  uint64_t port;
  if (!number(end + 1, end + strlen(end), 65535, &port)) return REFUSED;
  if (host_end - host > HOST_BYTES_MAX) return REFUSED;
  out->port = (uint16_t)port;
  if (*text == '[') return read_bracketed(host, host_end, out);
  if (host == host_end) {
    out->size = out->family == 4 ? 4 : 16;
    out->dual_stack = out->family == 0;
    return NUMERIC;
  }
  uint8_t bytes[4];
  if (quad(host, host_end, bytes)) return read_ip4(bytes, out);
  // A malformed IPv4 address is not a name.
  const size_t size = (size_t)(host_end - host);
  const bool is_numeric = memchr(host, '.', size) != NULL && strspn(host, "0123456789.") >= size;
  return is_numeric ? REFUSED : NAME;
}

static enum verdict model_read(const char *text, struct model *out) {
  static const char *const names[] = {"tcp", "tcp4", "tcp6", "udp", "udp4", "udp6", "unix"};
  static const int families[] = {0, 4, 6};
  *out = (struct model){.transport = EVNET_TRANSPORT_TCP};
  const char *rest = strstr(text, "://");
  if (rest == NULL) return read_host(text, out);
  size_t i = 0;
  while (i < 7 && (strlen(names[i]) != (size_t)(rest - text) ||
                   memcmp(names[i], text, (size_t)(rest - text)) != 0))
    i++;
  if (i == 7) return REFUSED;
  rest += 3;
  if (i < 6) {
    out->transport = i < 3 ? EVNET_TRANSPORT_TCP : EVNET_TRANSPORT_UDP;
    out->family = families[i % 3];
    return read_host(rest, out);
  }
  out->transport = EVNET_TRANSPORT_UNIX;
  out->path = rest;
  const size_t most = sizeof(((struct sockaddr_un *)0)->sun_path) - (*rest == '@' ? 0 : 1);
  const size_t least = *rest == '@' ? 2 : 1;
  return strlen(rest) >= least && strlen(rest) <= most ? NUMERIC : REFUSED;
}

// Checks that the parsed address is the model's.
static void compare(const struct evnet_address *address, const struct model *model) {
  CHECK(address->transport == model->transport);
  CHECK(address->dual_stack == model->dual_stack);
  CHECK(evnet_address_port(address) == model->port);
  if (model->transport == EVNET_TRANSPORT_UNIX) {
    const struct sockaddr_un *local = &address->socket.local;
    const bool abstract = model->path[0] == '@';
    const size_t size = strlen(model->path);
    CHECK(local->sun_family == AF_UNIX);
    CHECK(address->size == offsetof(struct sockaddr_un, sun_path) + size + (abstract ? 0 : 1));
    CHECK(local->sun_path[0] == (abstract ? '\0' : model->path[0]));
    CHECK(memcmp(local->sun_path + 1, model->path + 1, size - 1) == 0);
  } else if (model->size == 4) {
    CHECK(address->socket.any.sa_family == AF_INET);
    CHECK(address->size == sizeof address->socket.ip4);
    CHECK(memcmp(&address->socket.ip4.sin_addr, model->bytes, 4) == 0);
  } else {
    CHECK(address->socket.any.sa_family == AF_INET6);
    CHECK(address->size == sizeof address->socket.ip6);
    CHECK(memcmp(&address->socket.ip6.sin6_addr, model->bytes, 16) == 0);
    CHECK(address->socket.ip6.sin6_scope_id == model->zone);
  }
}

// Formats an address, with a buffer of sufficient size and of every smaller size.
static void format(const struct evnet_address *address, char text[TEXT_BYTES]) {
  const size_t size = evnet_address_format(address, text, TEXT_BYTES);
  CHECK(size < TEXT_BYTES && strlen(text) <= size);
  for (size_t room = 1; room <= size && room < 8; room++) {
    char cut[8];
    CHECK(evnet_address_format(address, cut, room) == size);
    CHECK(strlen(cut) < room && strncmp(cut, text, strlen(cut)) == 0);
  }
  CHECK(evnet_address_format(address, NULL, 0) == size);
}

static void read_back(const struct evnet_address *address) {
  char text[TEXT_BYTES];
  struct evnet_address again;
  format(address, text);
  CHECK(evnet_address_parse(text, &again, NULL, 0) == 0);
  CHECK(memcmp(&again.socket, &address->socket, address->size) == 0);
  CHECK(again.size == address->size && again.transport == address->transport);
  CHECK(again.dual_stack == address->dual_stack);
}

// Checks that the name is the part of the text before the port, and reads a formatted host back.
static void check_host(const char *text, const struct evnet_address *address,
                       const struct evnet_host *host, const struct model *model) {
  CHECK(address->transport == model->transport && host->transport == model->transport);
  CHECK(host->port == model->port);
  CHECK(host->family == (model->family == 0 ? AF_UNSPEC : model->family == 4 ? AF_INET : AF_INET6));
  const size_t size = strlen(host->name);
  const char *colon = strrchr(text, ':');
  CHECK(size > 0 && colon - text >= (ptrdiff_t)size);
  CHECK(memcmp(colon - size, host->name, size) == 0);
  char formatted[EVNET_ADDRESS_TEXT_BYTES];
  CHECK(evnet_host_format(host, formatted, sizeof formatted) < sizeof formatted);
  struct evnet_address unused;
  struct evnet_host again;
  CHECK(evnet_address_read_host(formatted, &unused, &again, NULL, 0) == 1);
  CHECK(strcmp(again.name, host->name) == 0 && again.family == host->family);
  CHECK(again.port == host->port && again.transport == host->transport);
}

static void check_text(const char *text, size_t message_size) {
  static const struct evnet_address untouched = {.size = 77};
  struct model model;
  const enum verdict verdict = model_read(text, &model);
  struct evnet_address address = untouched;
  char message[EVNET_ADDRESS_MESSAGE_BYTES] = "untouched";

  const int parsed = evnet_address_parse(text, &address, message, message_size);
  CHECK(parsed == (verdict == NUMERIC ? 0 : EVNET_STATUS_ADDRESS));
  if (verdict == NUMERIC) {
    CHECK(strcmp(message, "untouched") == 0);
    compare(&address, &model);
    read_back(&address);
  } else {
    CHECK(memcmp(&address, &untouched, sizeof address) == 0);
    CHECK(message_size < 10 || strncmp(message, "address '", 9) == 0);
    CHECK(message_size == 0 || strlen(message) < message_size);
  }

  struct evnet_host host = {.port = 0};
  const int read = evnet_address_read_host(text, &address, &host, NULL, 0);
  CHECK(read == (verdict == NUMERIC ? 0 : verdict == NAME ? 1 : EVNET_STATUS_ADDRESS));
  if (verdict == NAME) check_host(text, &address, &host, &model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char text[TEXT_BYTES] = "";
  if (size < 1) return 0;
  const size_t message_size = (size_t)(data[0] >> 1) * 4;
  const bool is_text = (data[0] & 1) == 0;
  data++;
  size--;
  if (is_text) {
    memcpy(text, data, size < TEXT_BYTES ? size : TEXT_BYTES - 1);
    check_text(text, message_size < EVNET_ADDRESS_MESSAGE_BYTES ? message_size
                                                                : EVNET_ADDRESS_MESSAGE_BYTES);
  } else {
    struct evnet_address address = {0};
    memcpy(&address.socket, data, size < sizeof address.socket ? size : sizeof address.socket);
    // The kernel never returns a size beyond the union.
    address.size =
        (socklen_t)(size < sizeof address.socket.local ? size : sizeof address.socket.local);
    address.transport = message_size & 4 ? EVNET_TRANSPORT_UDP : EVNET_TRANSPORT_TCP;
    address.dual_stack = message_size & 8;
    format(&address, text);
  }
  return 0;
}
