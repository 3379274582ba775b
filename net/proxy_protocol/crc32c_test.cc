#include "net/proxy_protocol/crc32c.h"

#include <string>

#include "gtest/gtest.h"

namespace {

uint32_t Crc(const std::string &bytes) { return evnet_crc32c(0, bytes.data(), bytes.size()); }

// RFC 3720 appendix B.4.
TEST(Crc32c, OfTheRfcsExamplesIsTheRfcs) {
  std::string ascending, descending;
  for (int i = 0; i < 32; i++) {
    ascending += static_cast<char>(i);
    descending += static_cast<char>(31 - i);
  }
  EXPECT_EQ(Crc(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(Crc(std::string(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(Crc(ascending), 0x46dd794eu);
  EXPECT_EQ(Crc(descending), 0x113fdb5cu);
}

TEST(Crc32c, OfPartsIsThatOfTheWhole) {
  const std::string bytes = "123456789";
  EXPECT_EQ(Crc(""), 0u);
  EXPECT_EQ(Crc(bytes), 0xe3069283u);
  for (size_t cut = 0; cut <= bytes.size(); cut++) {
    const uint32_t first = evnet_crc32c(0, bytes.data(), cut);
    EXPECT_EQ(evnet_crc32c(first, bytes.data() + cut, bytes.size() - cut), Crc(bytes)) << cut;
  }
}

}  // namespace
