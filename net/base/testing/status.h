// A status or a reason that a failed comparison prints by its name.
#ifndef EVNET_NET_BASE_TESTING_STATUS_H_
#define EVNET_NET_BASE_TESTING_STATUS_H_

#include <ostream>

#include "net/base/status.h"

namespace evnet_testing {

// Behaves as an int, and prints as "EVNET_REASON_PEER (-4097)".
class Status {
 public:
  Status() = default;
  Status(int value) : value_(value) {}     // NOLINT(google-explicit-constructor)
  operator int() const { return value_; }  // NOLINT(google-explicit-constructor)

 private:
  int value_ = 0;
};

inline std::ostream &operator<<(std::ostream &out, const Status &status) {
  const int value = status;
  if (value >= 0) return out << value;
  return out << evnet_status_name(value) << " (" << value << ")";
}

}  // namespace evnet_testing

// Beside the enumerations, where GoogleTest looks for them.
inline void PrintTo(enum evnet_reason reason, std::ostream *out) {
  *out << evnet_testing::Status(reason);
}
inline void PrintTo(enum evnet_status status, std::ostream *out) {
  *out << evnet_testing::Status(status);
}

#endif  // EVNET_NET_BASE_TESTING_STATUS_H_
