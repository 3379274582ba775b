// The two forms of a test of reliability: a short one for every `bazel test`, and a long one for
// the night, which evnet_nightly_test asks for by EVNET_TEST_LONG.
#ifndef EVNET_NET_BASE_TESTING_LONG_H_
#define EVNET_NET_BASE_TESTING_LONG_H_

#include <stdlib.h>

namespace evnet_testing {

inline bool IsLong() { return getenv("EVNET_TEST_LONG") != nullptr; }

// The first in the long form, the second in the short one.
template <typename T>
T LongOr(T in_long, T in_short) {
  return IsLong() ? in_long : in_short;
}

}  // namespace evnet_testing

#endif  // EVNET_NET_BASE_TESTING_LONG_H_
