#include "net/base/testing/explain.h"

#include <errno.h>

#include <sstream>
#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "net/base/testing/place.h"
#include "net/base/testing/status.h"

namespace evnet_testing {
namespace {

// Returns the text of a failed EXPECT_EQ of the two.
template <typename A, typename B>
std::string Unequal(const A &a, const B &b) {
  return Explained(::testing::internal::EqHelper::Compare("a", "b", a, b).message());
}

bool Has(const std::string &text, const std::string &part) {
  return text.find(part) != std::string::npos;
}

TEST(Explain, NumbersThatAreStatusesGetTheirNames) {
  const std::string text = Unequal(-4098, -ENOENT);
  EXPECT_TRUE(Has(text, "Which is: -4098 (EVNET_REASON_LOCAL)")) << text;
  EXPECT_TRUE(Has(text, "Which is: -2 (ENOENT)")) << text;
  EXPECT_EQ(Explained("actual: -110 vs 0"), "actual: -110 (ETIMEDOUT) vs 0\n");
  EXPECT_EQ(Explained("{ -4097, 0 }"), "{ -4097 (EVNET_REASON_PEER), 0 }\n");
}

TEST(Explain, OtherNumbersStayAsTheyAre) {
  for (const char *same : {"-1", "4098", "x-110", "-110.5", "-99999", "2026-11-30", "\"-110\"",
                           "ETIMEDOUT (-110)", "-", "--110", "-4000"}) {
    EXPECT_EQ(Explained(same), std::string(same) + "\n");
  }
}

TEST(Explain, AStatusPrintsItsName) {
  std::ostringstream text;
  text << Status(-ECONNRESET) << ", " << Status(EVNET_REASON_PEER) << ", " << Status(5);
  EXPECT_EQ(text.str(), "ECONNRESET (-104), EVNET_REASON_PEER (-4097), 5");
  EXPECT_EQ(::testing::PrintToString(EVNET_REASON_LOCAL), "EVNET_REASON_LOCAL (-4098)");
  EXPECT_EQ(::testing::PrintToString(EVNET_STATUS_OPTION), "EVNET_STATUS_OPTION (-4202)");
  EXPECT_EQ(Status(EVNET_REASON_PEER), EVNET_REASON_PEER);
}

TEST(Explain, LongStringsAreCutAndTheirFirstDifferenceIsNamed) {
  std::string sent;
  for (int i = 0; i < 5000; i++) sent += static_cast<char>(i * 7);
  std::string got = sent;
  got.erase(1234, 100);
  const std::string text = Unequal(got, sent);
  EXPECT_LT(text.size(), 4 * kLineMax);
  EXPECT_TRUE(Has(text, "They have 4900 and 5000 bytes, and differ from byte 1234 on.")) << text;
}

TEST(Explain, ShortStringsArePrintedWhole) {
  const std::string text = Unequal(std::string("abc"), std::string("abd"));
  EXPECT_TRUE(Has(text, "\"abc\"") && Has(text, "\"abd\"")) << text;
  EXPECT_FALSE(Has(text, "differ from")) << text;
}

TEST(Explain, AWitnessOfAThreadIsSilentOnOthers) {
  const auto explain = [](std::ostream *out) { *out << "x"; };
  const Witness own(Witness::Thread::kOwn, explain);
  const Witness any(Witness::Thread::kAny, explain);
  std::ostringstream here;
  own.Explain(&here);
  EXPECT_EQ(here.str(), "x");
  std::ostringstream there;
  std::thread([&] {
    own.Explain(&there);
    any.Explain(&there);
  }).join();
  EXPECT_EQ(there.str(), "x");
}

Place Helper(int, Place place = Place::Here()) { return place; }

TEST(Explain, APlaceIsTheLineOfTheCall) {
  const Place place = Helper(1);
  EXPECT_EQ(place.line, __LINE__ - 1);
  EXPECT_TRUE(Has(place.file, "explain_test.cc"));
}

}  // namespace
}  // namespace evnet_testing
