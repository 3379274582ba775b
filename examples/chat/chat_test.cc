// Tests of the chat example: which members receive a line, and which are disconnected.
#include <signal.h>

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "examples/testing/process.h"
#include "gtest/gtest.h"
#include "net/server/testing/client.h"
#include "net/server/testing/wait.h"

namespace evnet_testing {
namespace {

class Chat : public ::testing::Test {
 protected:
  Chat() : process({"--reactors=3", "tcp://127.0.0.1:0"}), port(PortOf(process.Line())) {}

  // Returns a member that the hub knows, because it has received its own line.
  std::unique_ptr<Client> Join() {
    auto client = std::make_unique<Client>(port);
    const std::string line = "member " + std::to_string(++joined_) + "\n";
    client->SendAll(line);
    std::string heard;
    while (heard.find(line) == std::string::npos) {
      const std::string byte = client->Receive(1);
      if (byte.empty()) break;
      heard += byte;
    }
    return client;
  }
  // Sends a line and waits until all members have received it, and so every earlier line.
  void Agree(std::vector<std::unique_ptr<Client>> *members) {
    const std::string line = "agreed " + std::to_string(++agreed_) + "\n";
    members->front()->SendAll(line);
    for (auto &member : *members) {
      std::string heard;
      while (heard.size() < line.size() ||
             heard.compare(heard.size() - line.size(), line.size(), line) != 0) {
        const std::string byte = member->Receive(1);
        ASSERT_FALSE(byte.empty());
        heard += byte;
      }
    }
  }
  void Stop() {
    process.Signal(SIGTERM);
    EXPECT_EQ(process.ExitCode(), 0);
    EXPECT_EQ(process.RestOfErr(), "");
  }

  Process process;
  uint16_t port;

 private:
  int joined_ = 0;
  int agreed_ = 0;
};

TEST_F(Chat, ALineGoesToAllOnEveryReactor) {
  std::vector<std::unique_ptr<Client>> members;
  for (int i = 0; i < 12; i++) members.push_back(Join());
  Agree(&members);
  for (auto &speaker : members) {
    speaker->SendAll("hello\n");
    for (auto &member : members) EXPECT_EQ(member->Receive(6), "hello\n");
  }
  Stop();
}

TEST_F(Chat, OfEachSpeakerTheLinesStayInOrder) {
  std::vector<std::unique_ptr<Client>> members;
  for (int i = 0; i < 6; i++) members.push_back(Join());
  Agree(&members);
  constexpr int kLines = 200;
  std::vector<std::thread> speakers;
  for (int s = 0; s < 3; s++) {
    speakers.emplace_back([&, s] {
      std::string lines;
      for (int i = 0; i < kLines; i++) {
        char line[16];
        snprintf(line, sizeof line, "%d %04d\n", s, i);
        lines += line;
      }
      members[static_cast<size_t>(s)]->SendAll(lines);
    });
  }
  for (std::thread &speaker : speakers) speaker.join();
  for (auto &member : members) {
    const std::string heard = member->Receive(3 * kLines * 7);
    int next[3] = {0};
    for (size_t at = 0; at + 7 <= heard.size(); at += 7) {
      const int s = heard[at] - '0';
      ASSERT_TRUE(s >= 0 && s < 3);
      EXPECT_EQ(std::stoi(heard.substr(at + 2, 4)), next[s]++);
    }
    for (int s = 0; s < 3; s++) EXPECT_EQ(next[s], kLines);
  }
  Stop();
}

TEST_F(Chat, WhoDoesNotReadIsDroppedAndSlowsNobody) {
  std::vector<std::unique_ptr<Client>> members;
  for (int i = 0; i < 3; i++) members.push_back(Join());
  ClientOptions small;
  small.receive_buffer_bytes = 4096;
  Client silent(port, small);
  Agree(&members);
  // Send 40 MiB, far more than the kernel's buffers and QUEUED_BYTES_MAX hold. The other members
  // receive every byte.
  const std::string line = std::string(4000, 'x') + "\n";
  for (int i = 0; i < 10000; i++) {
    members[0]->SendAll(line);
    for (auto &member : members) ASSERT_EQ(member->Receive(line.size()).size(), line.size());
  }
  silent.ReceiveToEnd();
  EXPECT_EQ(silent.end(), Client::End::kReset);
  members[0]->SendAll("still here\n");
  for (auto &member : members) EXPECT_EQ(member->Receive(11), "still here\n");
  Stop();
}

TEST_F(Chat, ComingAndGoingLeavesTheOthersAlone) {
  std::vector<std::unique_ptr<Client>> members;
  for (int i = 0; i < 3; i++) members.push_back(Join());
  for (int i = 0; i < 200; i++) {
    Client guest(port);
    guest.SendAll("hi\n");
    if (i % 2 == 0) guest.Reset();
  }
  Agree(&members);
  Stop();
}

TEST_F(Chat, ALineTooLongClosesItsSpeaker) {
  Client client(port);
  client.SendAll(std::string(5000, 'x'));
  client.ReceiveToEnd();
  EXPECT_NE(client.end(), Client::End::kOpen);
  Stop();
}

TEST_F(Chat, ASpeakerThatEndsItsSideHearsItsOwnLines) {
  for (int round = 0; round < 20; round++) {
    Client speaker(port);
    const std::string lines = "first of " + std::to_string(round) + "\nsecond\n";
    speaker.SendAll(lines);
    speaker.ShutdownWrite();
    EXPECT_EQ(speaker.ReceiveToEnd(), lines);
    EXPECT_EQ(speaker.end(), Client::End::kEnd);
  }
  Stop();
}

}  // namespace
}  // namespace evnet_testing
