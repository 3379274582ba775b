// The last events of a connection and the last calls for it, for the message of a failed test.
#ifndef EVNET_NET_REACTOR_TESTING_STEPS_H_
#define EVNET_NET_REACTOR_TESTING_STEPS_H_

#include <stddef.h>
#include <stdint.h>

#include <ostream>
#include <vector>

namespace evnet_testing {

// One line of the message. Formatted only when it is printed.
struct Step {
  enum class Kind {
    kPlain,   // what
    kBytes,   // what, value bytes
    kStatus,  // what: value, by its name
    kCall,    // what(asked) = value
    kVoid,    // what()
  };

  uint64_t turn = 0;
  Kind kind = Kind::kPlain;
  const char *what = "";
  int64_t value = 0;
  int64_t asked = 0;
};

class Steps {
 public:
  static constexpr size_t kMax = 32;

  void Add(const Step &step);
  uint64_t count() const { return count_; }
  uint64_t last_turn() const { return count_ > 0 ? last_[(count_ - 1) % kMax].turn : 0; }
  // The steps from number `from` on that are still kept.
  void Print(std::ostream *out, uint64_t from = 0) const;

 private:
  std::vector<Step> last_;  // a ring
  uint64_t count_ = 0;
};

}  // namespace evnet_testing

#endif  // EVNET_NET_REACTOR_TESTING_STEPS_H_
