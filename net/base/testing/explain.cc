#include "net/base/testing/explain.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <sstream>
#include <vector>

#include "gtest/gtest.h"
#include "net/base/status.h"

namespace evnet_testing {
namespace {

constexpr size_t kLineHead = 300;
constexpr size_t kLineTail = 80;
constexpr size_t kLinesMax = 120;
constexpr char kValue[] = "    Which is: ";

// Never destroyed: a test may fail while the program ends.
std::mutex &WitnessesMutex() {
  static std::mutex *const mutex = new std::mutex;
  return *mutex;
}

std::vector<const Witness *> &Witnesses() {
  static auto *const witnesses = new std::vector<const Witness *>;
  return *witnesses;
}

// The name of the number at `line[at]`, which has a minus sign; empty for any other number. -1 is
// rather the result of a system call than EPERM.
std::string NameOfNumber(const std::string &line, size_t at, size_t *out_end) {
  size_t end = at + 1;
  while (end < line.size() && isdigit(static_cast<unsigned char>(line[end]))) end++;
  *out_end = end;
  if (end == at + 1 || end > at + 6) return "";
  const char before = at > 0 ? line[at - 1] : ' ';
  const char after = end < line.size() ? line[end] : ' ';
  if (isalnum(static_cast<unsigned char>(before)) || before == '(' || before == ')' ||
      before == '-' || before == '_' || before == '.') {
    return "";
  }
  if (isalnum(static_cast<unsigned char>(after)) || after == '.' || after == '_') return "";
  const int value = atoi(line.substr(at, end - at).c_str());
  const std::string name = value < -1 ? evnet_status_name(value) : "UNKNOWN";
  return name == "UNKNOWN" ? "" : name;
}

// Adds the names of statuses outside of string literals.
std::string WithNames(const std::string &line) {
  std::string named;
  bool in_string = false;
  for (size_t i = 0; i < line.size();) {
    if (line[i] == '"' && (i == 0 || line[i - 1] != '\\')) in_string = !in_string;
    size_t end = i + 1;
    std::string name;
    if (!in_string && line[i] == '-') name = NameOfNumber(line, i, &end);
    named.append(line, i, end - i);
    if (!name.empty()) named += " (" + name + ")";
    i = end;
  }
  return named;
}

std::string Cut(const std::string &line) {
  if (line.size() <= kLineMax) return line;
  return line.substr(0, kLineHead) + " [... " +
         std::to_string(line.size() - kLineHead - kLineTail) + " characters ...] " +
         line.substr(line.size() - kLineTail);
}

// The bytes of a string as GoogleTest prints it. `"\x1" "2"` is how it separates an escape from a
// digit that follows.
std::string Unescape(const std::string &printed) {
  std::string bytes;
  bool in_string = false;
  for (size_t i = 0; i < printed.size(); i++) {
    if (printed[i] == '"') {
      in_string = !in_string;
    } else if (in_string && printed[i] == '\\' && i + 1 < printed.size()) {
      const char escape = printed[++i];
      const char *const known = "abtnvfr";
      const char *const found = strchr(known, escape);
      if (escape == 'x') {
        char *end = nullptr;
        bytes += static_cast<char>(strtoul(printed.c_str() + i + 1, &end, 16));
        i = static_cast<size_t>(end - printed.c_str()) - 1;
      } else if (escape == '0') {
        bytes += '\0';
      } else {
        bytes += found != nullptr ? static_cast<char>('\a' + (found - known)) : escape;
      }
    } else if (in_string) {
      bytes += printed[i];
    }
  }
  return bytes;
}

std::string Difference(const std::string &first, const std::string &second) {
  const std::string a = Unescape(first);
  const std::string b = Unescape(second);
  const auto apart = std::mismatch(
      a.begin(), a.begin() + static_cast<ptrdiff_t>(std::min(a.size(), b.size())), b.begin());
  return "They have " + std::to_string(a.size()) + " and " + std::to_string(b.size()) +
         " bytes, and differ from byte " + std::to_string(apart.first - a.begin()) + " on.";
}

void PrintWitnesses(std::ostream *out) {
  const std::lock_guard<std::mutex> lock(WitnessesMutex());
  for (const Witness *witness : Witnesses()) witness->Explain(out);
}

// GoogleTest's own printer, with other messages.
class Printer : public ::testing::TestEventListener {
 public:
  explicit Printer(::testing::TestEventListener *inner) : inner_(inner) {}

  void OnTestPartResult(const ::testing::TestPartResult &result) override {
    if (!result.failed()) return inner_->OnTestPartResult(result);
    std::ostringstream text;
    text << Explained(result.message());
    if (!explained_) PrintWitnesses(&text);
    explained_ = true;
    inner_->OnTestPartResult(::testing::TestPartResult(result.type(), result.file_name(),
                                                       result.line_number(), text.str().c_str()));
  }
  void OnTestStart(const ::testing::TestInfo &info) override {
    explained_ = false;
    inner_->OnTestStart(info);
  }

  void OnTestProgramStart(const ::testing::UnitTest &test) override {
    inner_->OnTestProgramStart(test);
  }
  void OnTestIterationStart(const ::testing::UnitTest &test, int iteration) override {
    inner_->OnTestIterationStart(test, iteration);
  }
  void OnEnvironmentsSetUpStart(const ::testing::UnitTest &test) override {
    inner_->OnEnvironmentsSetUpStart(test);
  }
  void OnEnvironmentsSetUpEnd(const ::testing::UnitTest &test) override {
    inner_->OnEnvironmentsSetUpEnd(test);
  }
  void OnTestCaseStart(const ::testing::TestCase &suite) override {
    inner_->OnTestCaseStart(suite);
  }
  void OnTestEnd(const ::testing::TestInfo &info) override { inner_->OnTestEnd(info); }
  void OnTestCaseEnd(const ::testing::TestCase &suite) override { inner_->OnTestCaseEnd(suite); }
  void OnEnvironmentsTearDownStart(const ::testing::UnitTest &test) override {
    inner_->OnEnvironmentsTearDownStart(test);
  }
  void OnEnvironmentsTearDownEnd(const ::testing::UnitTest &test) override {
    inner_->OnEnvironmentsTearDownEnd(test);
  }
  void OnTestIterationEnd(const ::testing::UnitTest &test, int iteration) override {
    inner_->OnTestIterationEnd(test, iteration);
  }
  void OnTestProgramEnd(const ::testing::UnitTest &test) override {
    inner_->OnTestProgramEnd(test);
  }

 private:
  const std::unique_ptr<::testing::TestEventListener> inner_;
  bool explained_ = false;  // under GoogleTest's lock, but for OnTestStart, where one thread runs
};

// Its SetUp comes after the command line was parsed, which may choose another printer.
class Install : public ::testing::Environment {
 public:
  void SetUp() override {
    ::testing::TestEventListeners &all = ::testing::UnitTest::GetInstance()->listeners();
    if (all.default_result_printer() == nullptr) return;
    all.Append(new Printer(all.Release(all.default_result_printer())));
  }
};

::testing::Environment *const install = ::testing::AddGlobalTestEnvironment(new Install);

}  // namespace

Witness::Witness(Thread thread, std::function<void(std::ostream *)> explain)
    : thread_(thread), own_(std::this_thread::get_id()), explain_(std::move(explain)) {
  const std::lock_guard<std::mutex> lock(WitnessesMutex());
  Witnesses().push_back(this);
}

Witness::~Witness() {
  const std::lock_guard<std::mutex> lock(WitnessesMutex());
  auto &all = Witnesses();
  all.erase(std::find(all.begin(), all.end(), this));
}

void Witness::Explain(std::ostream *out) const {
  if (thread_ == Thread::kAny || own_ == std::this_thread::get_id()) explain_(out);
}

std::string Explained(const std::string &message) {
  std::istringstream lines(message);
  std::string text;
  std::string line;
  std::string long_value;  // the one before
  size_t count = 0;
  while (std::getline(lines, line)) {
    if (++count == kLinesMax) {
      text += "[... more lines ...]\n";
      break;
    }
    text += Cut(WithNames(line)) + "\n";
    if (line.compare(0, sizeof kValue - 1, kValue) != 0 || line.size() < kLineHead / 2) continue;
    if (!long_value.empty()) {
      text += Difference(long_value, line) + "\n";
      break;  // GoogleTest's own diff, by lines, says less
    }
    long_value = line;
  }
  return text;
}

}  // namespace evnet_testing
