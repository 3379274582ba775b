#include "net/base/hash.h"

#include "net/base/internal/entropy.h"

int evnet_hash_key_make(struct evnet_hash_key *out_key) {
  return evnet_entropy(out_key, sizeof *out_key);
}

static uint64_t rotate(uint64_t word, int bits) { return word << bits | word >> (64 - bits); }

static void rounds(uint64_t v[4], int count) {
  for (int i = 0; i < count; i++) {
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
  }
}

// Loads up to 8 bytes in little-endian order.
static uint64_t little_endian(const uint8_t *data, size_t size) {
  uint64_t word = 0;
  for (size_t i = 0; i < size; i++) word |= (uint64_t)data[i] << (8 * i);
  return word;
}

static void take(uint64_t v[4], uint64_t word) {
  v[3] ^= word;
  rounds(v, 2);
  v[0] ^= word;
}

uint64_t evnet_hash(const struct evnet_hash_key *key, const void *data, size_t size) {
  const uint8_t *bytes = data;
  uint64_t v[4] = {
      key->words[0] ^ 0x736f6d6570736575u,
      key->words[1] ^ 0x646f72616e646f6du,
      key->words[0] ^ 0x6c7967656e657261u,
      key->words[1] ^ 0x7465646279746573u,
  };
  size_t rest = size;
  for (; rest >= 8; rest -= 8, bytes += 8) take(v, little_endian(bytes, 8));
  take(v, little_endian(bytes, rest) | (uint64_t)size << 56);
  v[2] ^= 0xff;
  rounds(v, 4);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}
