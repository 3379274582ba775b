#include "net/poller/testing/file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "gtest/gtest.h"

namespace evnet_testing {

TestFile::TestFile(const std::string &bytes) : file_(tmpfile()) {
  EXPECT_NE(file_, nullptr) << strerror(errno);
  descriptor_ = file_ != nullptr ? fileno(file_) : -1;
  Write(0, bytes);
}

TestFile::~TestFile() {
  if (file_ != nullptr) (void)fclose(file_);
}

void TestFile::Write(int64_t offset, const std::string &bytes) const {
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t now = pwrite(descriptor_, bytes.data() + done, bytes.size() - done,
                               static_cast<off_t>(offset) + static_cast<off_t>(done));
    ASSERT_GT(now, 0) << strerror(errno);
    done += static_cast<size_t>(now);
  }
}

void TestFile::Truncate(int64_t size) const {
  ASSERT_EQ(ftruncate(descriptor_, static_cast<off_t>(size)), 0) << strerror(errno);
}

}  // namespace evnet_testing
