// The text that a failed test prints beyond GoogleTest's own lines. Linked into each
// evnet_cc_test:
//   - a negative number that is a status is followed by its name: "-4098 (EVNET_REASON_LOCAL)";
//   - a line of more than kLineMax characters is cut in its middle, and two long strings that
//     differ are followed by their sizes and the offset of the first different byte;
//   - each Witness alive at the first failure of the test adds what it knows.
#ifndef EVNET_NET_BASE_TESTING_EXPLAIN_H_
#define EVNET_NET_BASE_TESTING_EXPLAIN_H_

#include <stddef.h>

#include <functional>
#include <ostream>
#include <string>
#include <thread>

namespace evnet_testing {

constexpr size_t kLineMax = 600;

// An object of the test that can describe its state at a failure: a harness, a server. It is a
// member, and the last one, of what it describes.
//
// `explain` must not fail the test, and takes no lock under which a test may fail, because
// GoogleTest holds a lock during the call.
class Witness {
 public:
  enum class Thread {
    kOwn,  // explain is called only for failures on the thread that made the witness
    kAny,  // explain may be called on any thread
  };

  Witness(Thread thread, std::function<void(std::ostream *)> explain);
  Witness(const Witness &) = delete;
  Witness &operator=(const Witness &) = delete;
  ~Witness();

  void Explain(std::ostream *out) const;

 private:
  const Thread thread_;
  const std::thread::id own_;
  const std::function<void(std::ostream *)> explain_;
};

// The text that is printed for a message of GoogleTest; for the test of this file.
std::string Explained(const std::string &message);

}  // namespace evnet_testing

#endif  // EVNET_NET_BASE_TESTING_EXPLAIN_H_
