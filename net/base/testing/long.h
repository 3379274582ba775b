// Reliability tests have a short form, which every `bazel test` runs, and a long form, which runs
// nightly. evnet_nightly_test selects the long form by setting EVNET_TEST_LONG.
#ifndef EVNET_NET_BASE_TESTING_LONG_H_
#define EVNET_NET_BASE_TESTING_LONG_H_

#include <stdlib.h>

namespace evnet_testing {

inline bool IsLong() { return getenv("EVNET_TEST_LONG") != nullptr; }

// Returns the first value in the long form, the second in the short form.
template <typename T>
T LongOr(T in_long, T in_short) {
  return IsLong() ? in_long : in_short;
}

}  // namespace evnet_testing

#endif  // EVNET_NET_BASE_TESTING_LONG_H_
