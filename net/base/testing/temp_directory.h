// A directory for one test. Its path is short enough for a Unix socket's address; a path below
// TEST_TMPDIR may not be. The destructor removes the directory and its files.
#ifndef EVNET_NET_BASE_TESTING_TEMP_DIRECTORY_H_
#define EVNET_NET_BASE_TESTING_TEMP_DIRECTORY_H_

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include <set>
#include <string>

#include "gtest/gtest.h"

namespace evnet_testing {

class TempDirectory {
 public:
  TempDirectory() { EXPECT_NE(mkdtemp(path_), nullptr); }
  TempDirectory(const TempDirectory &) = delete;
  TempDirectory &operator=(const TempDirectory &) = delete;
  ~TempDirectory() {
    for (const std::string &name : Names()) (void)unlink(File(name).c_str());
    (void)rmdir(path_);
  }

  std::string path() const { return path_; }
  std::string File(const std::string &name) const { return path() + "/" + name; }

  // The names of the files in it.
  std::set<std::string> Names() const {
    std::set<std::string> names;
    DIR *directory = opendir(path_);
    EXPECT_NE(directory, nullptr);
    if (directory == nullptr) return names;
    while (const dirent *entry = readdir(directory)) {
      const std::string name = entry->d_name;
      if (name != "." && name != "..") names.insert(name);
    }
    (void)closedir(directory);
    return names;
  }

 private:
  char path_[32] = "/tmp/evnet-XXXXXX";
};

}  // namespace evnet_testing

#endif  // EVNET_NET_BASE_TESTING_TEMP_DIRECTORY_H_
