// Tests of the progress of long runs: the text of its line, and that a short run writes none.
#include "net/base/testing/progress.h"

#include <fcntl.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace evnet_testing {
namespace {

TEST(ProgressText, SaysHowMuchHowFastAndHowLong) {
  EXPECT_EQ(ProgressText("churn", "cycles", 12000, 20000, 30),
            "churn: 12000 of 20000 cycles (60 %), 400/s, 20 s left");
  EXPECT_EQ(ProgressText("a", "b", 5, 1000, 2), "a: 5 of 1000 b (0 %), 2.5/s, 6 min 38 s left");
  EXPECT_EQ(ProgressText("a", "b", 1, 10, 600), "a: 1 of 10 b (10 %), 0.1/min, 1 h 30 min left");
  EXPECT_EQ(ProgressText("a", "b", 10, 10, 60), "a: 10 of 10 b (100 %), 10.0/min, 0 s left");
}

TEST(ProgressText, DividesByNothingAtTheBeginningAndByNoTotal) {
  EXPECT_EQ(ProgressText("a", "b", 0, 10, 0), "a: 0 of 10 b (0 %)");
  EXPECT_EQ(ProgressText("a", "b", 0, 10, 5), "a: 0 of 10 b (0 %)");
  EXPECT_EQ(ProgressText("a", "b", 0, 0, 5), "a: 0 of 0 b (100 %)");
}

std::string Contents(FILE *file) {
  rewind(file);
  std::string text(1000, '\0');
  text.resize(fread(&text[0], 1, text.size(), file));
  return text;
}

TEST(Progress, OfAShortRunWritesNothingToAFile) {
  FILE *file = tmpfile();
  ASSERT_NE(file, nullptr);
  {
    Progress progress("test", 1000, "steps", file);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++) {
      threads.emplace_back([&] {
        for (int step = 0; step < 250; step++) progress.Add(1);
      });
    }
    for (std::thread &thread : threads) thread.join();
  }
  EXPECT_EQ(Contents(file), "");
  (void)fclose(file);
}

TEST(Progress, ATerminalHasOneLineWhichIsClearedAtTheEnd) {
  const int master = posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0)
    GTEST_SKIP() << "no pseudo terminal here";
  FILE *terminal = fopen(ptsname(master), "w");
  if (terminal == nullptr) GTEST_SKIP() << "no pseudo terminal here";
  {
    Progress progress("test", 1, "steps", terminal);
    const auto began = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - began < std::chrono::milliseconds(250))
      std::this_thread::yield();
    progress.Add(1);
  }
  (void)fflush(terminal);
  char text[200] = "";
  EXPECT_GT(read(master, text, sizeof text - 1), 0);
  const std::string line = text;
  EXPECT_EQ(line.find("\r\x1b[Ktest: 1 of 1 steps (100 %), "), 0u) << line;
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.rfind("\r\x1b[K"), line.size() - 4) << line;
  (void)fclose(terminal);
  (void)close(master);
}

}  // namespace
}  // namespace evnet_testing
