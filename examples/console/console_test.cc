// Tests of the console example: an operator controls connections of all reactors from a thread.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "examples/testing/process.h"
#include "gtest/gtest.h"
#include "net/base/testing/listener.h"
#include "net/server/testing/client.h"
#include "net/server/testing/wait.h"

namespace evnet_testing {
namespace {

class Console : public ::testing::TestWithParam<std::string> {
 protected:
  Console() {
    const int own = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    EXPECT_EQ(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    process_ = std::make_unique<Process>(
        std::vector<std::string>{GetParam(), "--reactors=2", "tcp://127.0.0.1:0"});
    if (own >= 0) {
      EXPECT_EQ(dup2(own, STDIN_FILENO), STDIN_FILENO);
      (void)close(own);
    }
    (void)close(ends[0]);
    input_ = ends[1];
    port_ = PortOf(process_->Line());
  }
  ~Console() override { CloseInput(); }

  void Say(const std::string &line) {
    EXPECT_EQ(write(input_, (line + "\n").data(), line.size() + 1),
              static_cast<ssize_t>(line.size() + 1));
  }
  void CloseInput() {
    if (input_ >= 0) (void)close(input_);
    input_ = -1;
  }
  // The next line of the program begins with this.
  void Expect(const std::string &start) {
    const std::string line = process_->Line();
    EXPECT_EQ(line.substr(0, start.size()), start) << line;
  }

  std::unique_ptr<Process> process_;
  uint16_t port_;

 private:
  int input_ = -1;
};

TEST_P(Console, EachLineWaitsForTheOperatorAndLosesNothing) {
  Client one(port_);
  Expect("open 1 tcp://127.0.0.1:");
  Client two(port_);
  Expect("open 2 tcp://127.0.0.1:");
  one.SendAll("first\nsecond\nthi");
  Expect("line 1 first");
  two.SendAll("other\x1b\n");
  Expect("line 2 other\\x1b");
  one.SendAll("rd\n");
  Say("next 1");
  Expect("line 1 second");
  Say("next 1");
  Expect("line 1 third");
  Say("say 2 hello there");
  EXPECT_EQ(two.Receive(12), "hello there\n");
  Say("kick 2");
  Expect("closed 2 aborted here");
  two.ReceiveToEnd();
  EXPECT_EQ(two.end(), Client::End::kReset);
  one.Close();
  Say("next 1");  // a paused connection does not see the end of the stream
  Expect("closed 1 ");
  CloseInput();
  EXPECT_EQ(process_->ExitCode(), 0);
}

TEST_P(Console, DialsAndRunsCommands) {
  PlainListener listener;
  Say("dial 127.0.0.1 " + std::to_string(listener.port()));
  Expect("open 1 " + listener.text());
  const int peer = listener.Accept();
  ASSERT_EQ(send(peer, "from outside\n", 13, 0), 13);
  Expect("line 1 from outside");
  (void)close(peer);
  Say("run read line; echo got $line; echo end");
  Expect("open 2 unix://");
  Say("say 2 words");
  Expect("line 2 got words");
  Say("next 2");
  Expect("line 2 end");
  Say("next 2");
  Expect("closed 2 ");
  process_->Signal(SIGTERM);
  EXPECT_EQ(process_->ExitCode(), 0);
}

TEST_P(Console, WrongCommandsHaveNoEffect) {
  for (const char *line : {"what", "next", "next 1", "kick 0", "kick 101", "say 1", "dial x",
                           "dial 127.0.0.1 0", "dial 127.0.0.1 x"}) {
    Say(line);
    EXPECT_EQ(process_->ErrLine().substr(0, 9), "console: ") << line;
  }
  Client client(port_);
  Expect("open 1 ");
  client.SendAll(std::string(1001, 'x'));
  client.ReceiveToEnd();
  client.Close();
  Expect("closed 1 ");
  process_->Signal(SIGTERM);
  EXPECT_EQ(process_->ExitCode(), 0);
}

INSTANTIATE_TEST_SUITE_P(Over, Console, ::testing::Values("--backend=epoll", "--backend=auto"));

}  // namespace
}  // namespace evnet_testing
