// An unnamed temporary file. It is removed with the object.
#ifndef EVNET_NET_POLLER_TESTING_FILE_H_
#define EVNET_NET_POLLER_TESTING_FILE_H_

#include <stdint.h>
#include <stdio.h>

#include <string>

namespace evnet_testing {

class TestFile {
 public:
  explicit TestFile(const std::string &bytes = "");
  ~TestFile();
  TestFile(const TestFile &) = delete;
  TestFile &operator=(const TestFile &) = delete;

  int descriptor() const { return descriptor_; }
  void Write(int64_t offset, const std::string &bytes) const;
  void Truncate(int64_t size) const;

 private:
  FILE *file_;
  int descriptor_;
};

}  // namespace evnet_testing

#endif  // EVNET_NET_POLLER_TESTING_FILE_H_
