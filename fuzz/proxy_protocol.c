// Parses a header of the PROXY protocol and aborts if:
// - a prefix of a header is not "more needed", or a prefix gives another result than the whole;
// - bytes after the header change the result;
// - the parsed header, written and parsed again, has other addresses or fields.
//
// Input: the bytes of a connection. proxy_protocol_seeds.py writes inputs by name.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/proxy_protocol/proxy_protocol.h"

#define CHECK(expression) ((expression) ? (void)0 : check_failed(#expression, __LINE__))

static void check_failed(const char *expression, int line) {
  fprintf(stderr, "proxy_protocol.c:%d: not true: %s\n", line, expression);
  abort();
}

// Parses a copy of exactly `size` bytes, so that AddressSanitizer sees a read beyond them. The fields
// of *out are then in `data`.
static ssize_t parse(const uint8_t *data, size_t size, struct evnet_proxy_header *out) {
  uint8_t *copy = malloc(size > 0 ? size : 1);
  if (copy == NULL) return 0;
  if (size > 0) memcpy(copy, data, size);
  const ssize_t result = evnet_proxy_parse(copy, size, out);
  if (result > 0 && out->fields.size > 0) {
    CHECK(out->fields.data >= copy && out->fields.data + out->fields.size == copy + result);
    out->fields.data = data + (out->fields.data - copy);
  }
  free(copy);
  return result;
}

static void check_prefixes(const uint8_t *data, size_t size, ssize_t whole) {
  struct evnet_proxy_header header;
  for (size_t prefix = 0; prefix < size; prefix++) {
    const ssize_t result = parse(data, prefix, &header);
    if (whole > 0 && prefix >= (size_t)whole) {
      CHECK(result == whole);
    } else if (whole >= 0) {
      CHECK(result == 0);
    } else {
      CHECK(result == 0 || result == whole);
    }
  }
}

// Takes the next field that evnet_proxy_write copies.
static bool next_copied(struct evnet_bytes *fields, uint8_t *type, struct evnet_bytes *value) {
  while (evnet_proxy_next_field(fields, type, value)) {
    if (*type != EVNET_PROXY_NOOP && *type != EVNET_PROXY_CRC32C) return true;
  }
  return false;
}

static void check_same_fields(struct evnet_bytes a, struct evnet_bytes b) {
  uint8_t types[2];
  struct evnet_bytes values[2];
  for (;;) {
    const bool more = next_copied(&a, &types[0], &values[0]);
    CHECK(next_copied(&b, &types[1], &values[1]) == more);
    if (!more) return;
    CHECK(types[0] == types[1] && values[0].size == values[1].size);
    CHECK(values[0].size == 0 || memcmp(values[0].data, values[1].data, values[0].size) == 0);
  }
}

static bool is_same(const struct evnet_address *a, const struct evnet_address *b) {
  return a->size == b->size && a->transport == b->transport &&
         memcmp(&a->socket, &b->socket, sizeof a->socket) == 0;
}

static void check_round_trip(const struct evnet_proxy_header *header, bool crc32c) {
  uint8_t bytes[EVNET_PROXY_HEADER_BYTES_MAX];
  struct evnet_proxy_header again;
  const ssize_t size = evnet_proxy_write(header, crc32c, bytes, sizeof bytes);
  if (size == -EMSGSIZE && crc32c) return;  // the checksum did not fit
  CHECK(size > 0);
  CHECK(parse(bytes, (size_t)size, &again) == size);
  CHECK(again.version == header->version && again.is_local == header->is_local);
  CHECK(is_same(&again.source, &header->source));
  CHECK(is_same(&again.destination, &header->destination));
  check_same_fields(header->fields, again.fields);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct evnet_proxy_header header = {.version = 77};
  const ssize_t whole = parse(data, size, &header);
  CHECK(whole <= (ssize_t)size && whole <= EVNET_PROXY_HEADER_BYTES_MAX);
  CHECK((whole > 0) == (header.version != 77));
  check_prefixes(data, size < 600 ? size : 600, whole);
  if (whole > 0) {
    check_round_trip(&header, false);
    check_round_trip(&header, true);
  }
  return 0;
}
