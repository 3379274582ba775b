// Tests of the framed example: frames that arrive in pieces of any size.
#include <signal.h>

#include <algorithm>
#include <random>
#include <string>

#include "examples/testing/process.h"
#include "gtest/gtest.h"
#include "net/server/testing/client.h"
#include "net/server/testing/wait.h"

namespace evnet_testing {
namespace {

std::string Frame(const std::string &body) {
  std::string frame(4, '\0');
  for (int i = 0; i < 4; i++)
    frame[static_cast<size_t>(i)] = static_cast<char>(body.size() >> (24 - 8 * i));
  return frame + body;
}

std::string Backwards(std::string body) {
  std::reverse(body.begin(), body.end());
  return body;
}

class Framed : public ::testing::Test {
 protected:
  Framed() : process({"tcp://127.0.0.1:0"}), port(PortOf(process.Line())) {}
  void Stop() {
    process.Signal(SIGTERM);
    EXPECT_EQ(process.ExitCode(), 0);
    EXPECT_EQ(process.RestOfErr(), "");
  }

  Process process;
  uint16_t port;
};

TEST_F(Framed, EachIsAnsweredByItsBodyBackwards) {
  Client client(port);
  std::string requests, answers;
  for (const std::string &body :
       {std::string("hello"), std::string(), std::string("x"), Pattern(65536)}) {
    requests += Frame(body);
    answers += Frame(Backwards(body));
  }
  client.SendAll(requests);
  EXPECT_EQ(client.Receive(answers.size()), answers);
  Stop();
}

TEST_F(Framed, HoweverTheyAreCut) {
  std::mt19937 random(1);
  Client client(port);
  for (int round = 0; round < 20; round++) {
    std::string requests, answers;
    for (int i = 0; i < 20; i++) {
      const std::string body = Pattern(random() % 300, static_cast<uint32_t>(i));
      requests += Frame(body);
      answers += Frame(Backwards(body));
    }
    for (size_t at = 0; at < requests.size();) {
      const size_t part = 1 + random() % 100;
      client.SendAll(requests.substr(at, part));
      at += part;
    }
    ASSERT_EQ(client.Receive(answers.size()), answers);
  }
  Stop();
}

TEST_F(Framed, OneThatIsTooLongClosesItsConnectionAndNoOther) {
  Client good(port), bad(port);
  bad.SendAll(std::string("\x00\x01\x00\x01", 4));
  EXPECT_EQ(bad.ReceiveToEnd(), "");
  good.SendAll(Frame("fine"));
  EXPECT_EQ(good.Receive(8), Frame("enif"));
  Stop();
}

TEST_F(Framed, OneThatNeverEndsIsLeftAloneUntilItsPeerGoes) {
  {
    Client client(port);
    client.SendAll(std::string("\x00\x00\x00\x09half", 8));
    client.ShutdownWrite();
    EXPECT_EQ(client.ReceiveToEnd(), "");
  }
  Stop();
}

TEST_F(Framed, TellsItsNumbers) {
  Client client(port);
  client.SendAll(Frame("abc"));
  EXPECT_EQ(client.Receive(7), Frame("cba"));
  EXPECT_EQ(process.Line().substr(0, 7), "1 open,");
  Stop();
}

}  // namespace
}  // namespace evnet_testing
