#include "net/server/testing/wait.h"

#include <dirent.h>
#include <poll.h>

#include <algorithm>
#include <thread>

#include "gtest/gtest.h"
#include "net/server/testing/spin.h"

namespace evnet_testing {

bool WaitUntil(const std::function<bool()> &condition, Place place) {
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) {
      if (condition()) return true;
      ADD_FAILURE_AT(place.file, place.line)
          << "The condition that the test waits for here is false after " << kDeadline.count()
          << " s";
      return false;
    }
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

Journal::Journal() : witness_(Witness::Thread::kAny, [this](std::ostream *out) { Explain(out); }) {}

void Journal::Explain(std::ostream *out) const {
  constexpr size_t kLast = 24;
  const std::vector<std::string> lines = Lines();
  const size_t first = lines.size() > kLast ? lines.size() - kLast : 0;
  *out << "The journal, " << lines.size() << " lines" << (first > 0 ? ", the last of them:" : ":")
       << "\n";
  for (size_t i = first; i < lines.size(); i++) *out << "  " << lines[i].substr(0, 200) << "\n";
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

bool Journal::WaitFor(const std::string &line, size_t count, Place place) const {
  if (WaitUntil([&] { return Count(line) >= count; }, place)) return true;
  ADD_FAILURE_AT(place.file, place.line)
      << "The journal has the line '" << line << "' " << Count(line) << " times, not " << count;
  return false;
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
