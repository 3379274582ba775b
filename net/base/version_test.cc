#include "net/base/version.h"

#include <string>

#include "gtest/gtest.h"

namespace {

TEST(Version, IsTheHeadersVersionInAProgramThatIsLinkedWithItsOwnLibrary) {
  EXPECT_STREQ(evnet_version(), EVNET_VERSION);
}

TEST(Version, HasTheThreeNumbersInItsText) {
  EXPECT_EQ(EVNET_VERSION, std::to_string(EVNET_VERSION_MAJOR) + "." +
                               std::to_string(EVNET_VERSION_MINOR) + "." +
                               std::to_string(EVNET_VERSION_PATCH));
}

TEST(Version, CanBeComparedByThePreprocessor) {
#if EVNET_VERSION_NUMBER < 100
  ADD_FAILURE() << "below 0.1.0";
#endif
  EXPECT_EQ(EVNET_VERSION_NUMBER,
            EVNET_VERSION_MAJOR * 10000 + EVNET_VERSION_MINOR * 100 + EVNET_VERSION_PATCH);
}

}  // namespace
