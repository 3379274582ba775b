#include "net/base/assert.h"

#include "gtest/gtest.h"

namespace {

int Count(int *calls) { return ++*calls; }

TEST(Assert, ATrueExpressionIsEvaluatedOnceAndGoesOn) {
  int calls = 0;
  EVNET_ASSERT(Count(&calls) == 1);
  EXPECT_EQ(calls, 1);
  EVNET_ASSERT(&calls);  // a pointer is a valid condition
}

TEST(AssertDeathTest, AFalseExpressionNamesItsPlaceAndAborts) {
  EXPECT_DEATH(EVNET_ASSERT(1 + 1 == 3),
               "evnet: .*assert_test.cc:[0-9]+: assertion failed: 1 \\+ 1 == 3");
}

TEST(AssertDeathTest, ADcheckVanishesUnderNdebug) {
  int calls = 0;
#ifdef NDEBUG
  EVNET_DCHECK(Count(&calls) == 2);
  EXPECT_EQ(calls, 0);
#else
  EVNET_DCHECK(Count(&calls) == 1);
  EXPECT_EQ(calls, 1);
  EXPECT_DEATH(EVNET_DCHECK(1 + 1 == 3), "assertion failed");
#endif
}

}  // namespace
