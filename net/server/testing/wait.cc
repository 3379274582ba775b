#include "net/server/testing/wait.h"

#include <dirent.h>
#include <poll.h>

#include <algorithm>
#include <thread>

#include "net/server/testing/spin.h"

namespace evnet_testing {

bool WaitUntil(const std::function<bool()> &condition) {
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return condition();
    poll(nullptr, 0, 1);
  }
  return true;
}

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

static size_t CountEntries(const char *path) {
  DIR *directory = opendir(path);
  if (directory == nullptr) return 0;
  size_t count = 0;
  while (const dirent *entry = readdir(directory)) {
    if (entry->d_name[0] != '.') count++;
  }
  closedir(directory);
  return count;
}

// Does not count the descriptor that reads the directory.
size_t OpenDescriptors() { return CountEntries("/proc/self/fd") - 1; }

size_t Threads() {
  // A sanitizer starts its own thread when the program starts its first thread.
  static const bool started = (std::thread([] {}).join(), true);
  (void)started;
  return CountEntries("/proc/self/task") - WatchThreads();
}

void Journal::Add(std::string line) {
  std::lock_guard<std::mutex> lock(mutex_);
  lines_.push_back(std::move(line));
}

size_t Journal::Count(const std::string &line) const {
  std::lock_guard<std::mutex> lock(mutex_);
  return static_cast<size_t>(std::count(lines_.begin(), lines_.end(), line));
}

std::vector<std::string> Journal::Lines() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return lines_;
}

bool Journal::WaitFor(const std::string &line, size_t count) const {
  return WaitUntil([&] { return Count(line) >= count; });
}

std::string Pattern(size_t bytes, uint32_t seed) {
  std::string pattern(bytes, '\0');
  uint32_t state = seed * 2654435761u + 1;
  for (size_t i = 0; i < bytes; i++) {
    state = state * 1664525u + 1013904223u;
    pattern[i] = static_cast<char>(state >> 24);
  }
  return pattern;
}

}  // namespace evnet_testing
