#include "net/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <wchar.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace {

struct Line {
  evnet_log_level level;
  std::string message;
};

void Collect(evnet_log_level level, const char *message, void *user) {
  static_cast<std::vector<Line> *>(user)->push_back({level, message});
  errno = EIO;
}

// Replaces stderr by a pipe. Finish restores stderr and returns the bytes that were written.
class StderrPipe {
 public:
  StderrPipe() {
    fflush(stderr);
    saved_ = dup(STDERR_FILENO);
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    read_end_ = ends[0];
    EXPECT_EQ(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    close(ends[1]);
  }
  ~StderrPipe() { Finish(); }
  StderrPipe(const StderrPipe &) = delete;
  StderrPipe &operator=(const StderrPipe &) = delete;

  std::string Finish() {
    std::string out;
    if (saved_ < 0) return out;
    dup2(saved_, STDERR_FILENO);  // closes the last write end, so the reads below end
    close(saved_);
    saved_ = -1;
    char buffer[4096];
    for (ssize_t got; (got = read(read_end_, buffer, sizeof buffer)) > 0;) {
      out.append(buffer, static_cast<size_t>(got));
    }
    close(read_end_);
    return out;
  }

 private:
  int saved_;
  int read_end_;
};

TEST(Log, WithoutALoggerOrAFunctionNothingHappens) {
  evnet_log(nullptr, EVNET_LOG_ERROR, "%d", 1);
  const evnet_logger silent = {};
  evnet_log(&silent, EVNET_LOG_ERROR, "%d", 1);
}

TEST(Log, PassesOnWhatTheLevelAsksFor) {
  const evnet_log_level levels[] = {EVNET_LOG_ERROR, EVNET_LOG_WARNING, EVNET_LOG_INFO,
                                    EVNET_LOG_DEBUG};
  for (size_t most = 0; most < 4; most++) {
    std::vector<Line> lines;
    const evnet_logger logger = {Collect, &lines, levels[most]};
    for (const evnet_log_level level : levels) evnet_log(&logger, level, "line");
    ASSERT_EQ(lines.size(), most + 1);
    for (size_t i = 0; i <= most; i++) EXPECT_EQ(lines[i].level, levels[i]);
  }
}

TEST(Log, LevelZeroPassesWarnings) {
  std::vector<Line> lines;
  evnet_logger logger = {};
  logger.log = Collect;
  logger.user = &lines;
  evnet_log(&logger, EVNET_LOG_ERROR, "error");
  evnet_log(&logger, EVNET_LOG_WARNING, "warning");
  evnet_log(&logger, EVNET_LOG_INFO, "info");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].message, "error");
  EXPECT_EQ(lines[1].message, "warning");
}

TEST(Log, FormatsTheLine) {
  std::vector<Line> lines;
  const evnet_logger logger = {Collect, &lines, EVNET_LOG_DEBUG};
  evnet_log(&logger, EVNET_LOG_INFO, "%s has %d of %zu%%", "a", -1, size_t{2});
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].message, "a has -1 of 2%");
}

TEST(Log, CutsALineToItsBound) {
  std::vector<Line> lines;
  const evnet_logger logger = {Collect, &lines, EVNET_LOG_DEBUG};
  for (const size_t size : {EVNET_LOG_BYTES_MAX - 2, EVNET_LOG_BYTES_MAX - 1,
                            EVNET_LOG_BYTES_MAX + 0, EVNET_LOG_BYTES_MAX * 3}) {
    lines.clear();
    evnet_log(&logger, EVNET_LOG_INFO, "%s", std::string(size, 'x').c_str());
    ASSERT_EQ(lines.size(), 1u);
    const size_t expected = size < EVNET_LOG_BYTES_MAX - 1 ? size : EVNET_LOG_BYTES_MAX - 1;
    EXPECT_EQ(lines[0].message, std::string(expected, 'x'));
  }
}

TEST(Log, PassesOnNothingThatCannotBeFormatted) {
  std::vector<Line> lines;
  const evnet_logger logger = {Collect, &lines, EVNET_LOG_DEBUG};
  evnet_log(&logger, EVNET_LOG_INFO, "%lc", static_cast<wint_t>(0x20AC));  // fails in the C locale
  EXPECT_EQ(lines.size(), 0u);
}

// A caller may log between a failed call and its use of errno.
TEST(Log, KeepsErrno) {
  std::vector<Line> lines;
  const evnet_logger logger = {Collect, &lines, EVNET_LOG_DEBUG};
  errno = EMFILE;
  evnet_log(&logger, EVNET_LOG_INFO, "line");
  EXPECT_EQ(errno, EMFILE);
}

TEST(Log, AControlCharacterThatIsLeftEndsNoLine) {
  std::vector<Line> lines;
  const evnet_logger logger = {Collect, &lines, EVNET_LOG_DEBUG};
  evnet_log(&logger, EVNET_LOG_INFO, "%s", "a\nb\x1b[31m\x7f\xc3\x9f");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].message, "a?b?[31m?\xc3\x9f");
}

TEST(Log, WantsWhatItWouldPassOn) {
  EXPECT_FALSE(evnet_log_wants(nullptr, EVNET_LOG_ERROR));
  evnet_logger logger = {};
  EXPECT_FALSE(evnet_log_wants(&logger, EVNET_LOG_ERROR));
  logger.log = Collect;
  EXPECT_TRUE(evnet_log_wants(&logger, EVNET_LOG_WARNING));
  EXPECT_FALSE(evnet_log_wants(&logger, EVNET_LOG_INFO));
  logger.level = EVNET_LOG_DEBUG;
  EXPECT_TRUE(evnet_log_wants(&logger, EVNET_LOG_DEBUG));
}

TEST(LogLimit, OfThreadsThatComeTogetherOneHasTheLine) {
  evnet_log_limit limit = {};
  std::atomic<uint64_t> lines{0};
  std::atomic<uint64_t> told{0};
  std::vector<std::thread> threads;
  constexpr uint64_t kEach = 10000;
  for (int i = 0; i < 4; i++) {
    threads.emplace_back([&] {
      for (uint64_t j = 0; j < kEach; j++) {
        const uint64_t count = evnet_log_limit_pass(&limit, 5);
        if (count > 0) lines++;
        told += count;
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_EQ(lines, 1u);
  told += evnet_log_limit_pass(&limit, 5 + EVNET_LOG_LIMIT_MS);
  EXPECT_EQ(told, 4 * kEach + 1);
}

TEST(LogLimit, PassesTheFirstAndThenOneInAnIntervalWithTheirNumber) {
  evnet_log_limit limit = {};
  EXPECT_EQ(evnet_log_limit_pass(&limit, 0), 1u);
  EXPECT_EQ(evnet_log_limit_pass(&limit, 0), 0u);
  EXPECT_EQ(evnet_log_limit_pass(&limit, EVNET_LOG_LIMIT_MS - 1), 0u);
  EXPECT_EQ(evnet_log_limit_pass(&limit, EVNET_LOG_LIMIT_MS), 3u);
  EXPECT_EQ(evnet_log_limit_pass(&limit, EVNET_LOG_LIMIT_MS), 0u);
  EXPECT_EQ(evnet_log_limit_pass(&limit, 10 * EVNET_LOG_LIMIT_MS), 2u);
  EXPECT_EQ(evnet_log_limit_pass(&limit, 20 * EVNET_LOG_LIMIT_MS), 1u);
}

TEST(LogStderr, WritesTheLevelAndTheMessageAsOneLine) {
  StderrPipe capture;
  evnet_log_stderr(EVNET_LOG_ERROR, "first", nullptr);
  evnet_log_stderr(EVNET_LOG_WARNING, "%s second", nullptr);
  evnet_log_stderr(EVNET_LOG_INFO, "", nullptr);
  evnet_log_stderr(EVNET_LOG_DEBUG, "fourth", nullptr);
  EXPECT_EQ(capture.Finish(),
            "evnet: error: first\n"
            "evnet: warning: %s second\n"
            "evnet: info: \n"
            "evnet: debug: fourth\n");
}

TEST(LogStderr, NamesNoLevelThatIsUnknown) {
  StderrPipe capture;
  evnet_log_stderr(static_cast<evnet_log_level>(17), "line", nullptr);
  EXPECT_EQ(capture.Finish(), "evnet: ?: line\n");
}

TEST(LogStderr, TheLongestLineOfEvnetLogIsWhole) {
  StderrPipe capture;
  const evnet_logger logger = {evnet_log_stderr, nullptr, EVNET_LOG_WARNING};
  const std::string longest(EVNET_LOG_BYTES_MAX - 1, 'x');
  evnet_log(&logger, EVNET_LOG_WARNING, "%s", longest.c_str());
  EXPECT_EQ(capture.Finish(), "evnet: warning: " + longest + "\n");
}

// The line feed was cut off too, so the next line was joined to this one.
TEST(LogStderr, ALineThatIsCutStillEndsWithALineFeed) {
  StderrPipe capture;
  evnet_log_stderr(EVNET_LOG_ERROR, std::string(5000, 'x').c_str(), nullptr);
  evnet_log_stderr(EVNET_LOG_ERROR, "next", nullptr);
  const std::string out = capture.Finish();
  const size_t end = out.find('\n');
  ASSERT_NE(end, std::string::npos);
  EXPECT_EQ(out.substr(0, end), "evnet: error: " + std::string(end - 14, 'x'));
  EXPECT_GE(end, size_t{EVNET_LOG_BYTES_MAX});
  EXPECT_EQ(out.substr(end), "\nevnet: error: next\n");
}

TEST(LogStderr, AFailingWriteIsIgnored) {
  const int saved = dup(STDERR_FILENO);
  const int null = open("/dev/null", O_RDONLY);  // write(2) returns EBADF
  ASSERT_EQ(dup2(null, STDERR_FILENO), STDERR_FILENO);
  evnet_log_stderr(EVNET_LOG_ERROR, "line", nullptr);
  dup2(saved, STDERR_FILENO);
  close(saved);
  close(null);
}

}  // namespace
