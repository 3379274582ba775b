#include "net/base/hash.h"

#include <errno.h>

#include <algorithm>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace {

int entropy_error;  // errno of each getentropy(3); 0: no error

}  // namespace

extern "C" {

int __real_getentropy(void *, size_t);
int __wrap_getentropy(void *out, size_t size);

int __wrap_getentropy(void *out, size_t size) {
  if (entropy_error == 0) return __real_getentropy(out, size);
  errno = entropy_error;
  return -1;
}

}  // extern "C"

namespace {

// The vectors are from the authors' reference implementation: vectors_sip64 of
// https://github.com/veorq/SipHash. The key is the bytes 0 to 15; the message of n bytes is 0 to
// n - 1.
TEST(Hash, IsThatOfTheReferenceVectors) {
  const evnet_hash_key key = {{0x0706050403020100u, 0x0f0e0d0c0b0a0908u}};
  const struct {
    size_t size;
    uint64_t hash;
  } vectors[] = {
      {0, 0x726fdb47dd0e0e31u}, {1, 0x74f839c593dc67fdu}, {2, 0x0d6c8009d9a94f5au},
      {3, 0x85676696d7fb7e2du}, {8, 0x93f5f5799a932462u}, {15, 0xa129ca6149be45e5u},
  };
  std::vector<uint8_t> message(16);
  for (size_t i = 0; i < message.size(); i++) message[i] = static_cast<uint8_t>(i);
  for (const auto &vector : vectors) {
    EXPECT_EQ(evnet_hash(&key, message.data(), vector.size), vector.hash) << vector.size;
  }
}

TEST(Hash, ReadsNothingBehindTheData) {
  const evnet_hash_key key = {{1, 2}};
  for (size_t size = 0; size < 32; size++) {
    const std::vector<char> exact(size, 'x');  // a sanitizer detects reads past its end
    const std::string longer(40, 'x');
    EXPECT_EQ(evnet_hash(&key, exact.data(), size), evnet_hash(&key, longer.data(), size));
  }
}

TEST(Hash, KeysDifferAndMakeOtherHashes) {
  evnet_hash_key a = {};
  evnet_hash_key b = {};
  ASSERT_EQ(evnet_hash_key_make(&a), 0);
  ASSERT_EQ(evnet_hash_key_make(&b), 0);
  EXPECT_FALSE(std::equal(a.words, a.words + 2, b.words));
  EXPECT_NE(evnet_hash(&a, "abc", 3), evnet_hash(&b, "abc", 3));
  const evnet_hash_key half = {{a.words[0], b.words[1]}};
  EXPECT_NE(evnet_hash(&a, "abc", 3), evnet_hash(&half, "abc", 3)) << "both words count";
}

TEST(Hash, AKeyThatTheKernelRefusesIsAnError) {
  evnet_hash_key key = {};
  entropy_error = ENOSYS;
  EXPECT_EQ(evnet_hash_key_make(&key), -ENOSYS);
  entropy_error = 0;
  EXPECT_EQ(evnet_hash_key_make(&key), 0);
}

}  // namespace
