// Tests of the load generator: it must report a faulty server. Each test runs the binary against a
// small echo server, unless the test states otherwise.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>

#include "gtest/gtest.h"

namespace {

// Returns the reply to received bytes; index counts the receipts from 0.
using Reply = std::function<std::string(const std::string &received, int index)>;

std::string Same(const std::string &received, int) { return received; }

// Serves one client over tcp or udp, until the client closes or the server is destroyed.
class Server {
 public:
  Server(int type, Reply reply) : fd_(socket(AF_INET, type, 0)), type_(type), reply_(reply) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto *generic = reinterpret_cast<sockaddr *>(&address);
    EXPECT_EQ(bind(fd_, generic, size), 0);
    EXPECT_EQ(getsockname(fd_, generic, &size), 0);
    if (type == SOCK_STREAM) {
      EXPECT_EQ(listen(fd_, 16), 0);
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { type_ == SOCK_STREAM ? ServeStream() : ServeDatagrams(); });
  }

  ~Server() {
    // Wakes accept and recvfrom, though shutdown itself reports ENOTCONN for UDP.
    shutdown(fd_, SHUT_RDWR);
    thread_.join();
    close(fd_);
  }

  std::string Address() const {
    return (type_ == SOCK_STREAM ? "tcp://127.0.0.1:" : "udp://127.0.0.1:") + std::to_string(port_);
  }

 private:
  void ServeStream() {
    int client = accept(fd_, nullptr, nullptr);
    if (client < 0) return;
    char buffer[65536];
    for (int i = 0;; i++) {
      ssize_t got = recv(client, buffer, sizeof(buffer), 0);
      if (got <= 0) break;
      std::string reply = reply_(std::string(buffer, static_cast<size_t>(got)), i);
      if (reply.empty()) break;
      if (send(client, reply.data(), reply.size(), MSG_NOSIGNAL) < 0) break;
    }
    close(client);
  }

  void ServeDatagrams() {
    char buffer[65536];
    for (int i = 0;; i++) {
      sockaddr_storage peer = {};
      socklen_t size = sizeof(peer);
      auto *generic = reinterpret_cast<sockaddr *>(&peer);
      ssize_t got = recvfrom(fd_, buffer, sizeof(buffer), 0, generic, &size);
      if (got <= 0) return;
      std::string reply = reply_(std::string(buffer, static_cast<size_t>(got)), i);
      if (!reply.empty()) sendto(fd_, reply.data(), reply.size(), 0, generic, size);
    }
  }

  int fd_;
  int type_;
  Reply reply_;
  int port_ = 0;
  std::thread thread_;
};

struct Outcome {
  int exit_code;
  std::string text;
};

Outcome Load(const std::string &arguments) {
  std::string command = "benchmarks/load/load " + arguments + " 2>&1";
  FILE *pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return {-1, "popen failed"};
  std::string text;
  char piece[256];
  while (fgets(piece, sizeof(piece), pipe) != nullptr) text += piece;
  int status = pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text};
}

Outcome LoadOne(const Server &server, const std::string &arguments = "") {
  return Load("--connections=1 --warmup=0 --requests=100 --seconds=20 " + arguments + " " +
              server.Address());
}

void ExpectFault(const Outcome &outcome, const std::string &words) {
  EXPECT_EQ(outcome.exit_code, 1) << outcome.text;
  EXPECT_NE(outcome.text.find(words), std::string::npos) << outcome.text;
}

TEST(Load, AnHonestServerPasses) {
  Outcome tcp = LoadOne(Server(SOCK_STREAM, Same));
  EXPECT_EQ(tcp.exit_code, 0) << tcp.text;
  EXPECT_EQ(tcp.text.rfind("100 requests in ", 0), 0u) << tcp.text;
  Outcome udp = LoadOne(Server(SOCK_DGRAM, Same), "--depth=4");
  EXPECT_EQ(udp.exit_code, 0) << udp.text;
  for (const char *joined : {"--depth=32", "--depth=3 --payload=30000", "--depth=1"}) {
    Outcome outcome = LoadOne(Server(SOCK_DGRAM, Same), std::string("--joined ") + joined);
    EXPECT_EQ(outcome.exit_code, 0) << joined << outcome.text;
  }
}

TEST(Load, TellsAFlippedBit) {
  auto flip = [](std::string data, int index) {
    if (index == 10) data[20] = static_cast<char>(data[20] ^ 1);
    return data;
  };
  ExpectFault(LoadOne(Server(SOCK_STREAM, flip)), "connection 0: byte 660 of the stream is 0x");
  ExpectFault(LoadOne(Server(SOCK_DGRAM, flip)), "connection 0: byte 20 of datagram 11 differs");
}

TEST(Load, TellsALostByte) {
  auto lose = [](const std::string &data, int index) {
    return index == 10 ? data.substr(1) : data;
  };
  ExpectFault(LoadOne(Server(SOCK_STREAM, lose)), "byte 640 of the stream");
  ExpectFault(LoadOne(Server(SOCK_DGRAM, lose)), "sent a datagram of 64 bytes and received 63");
}

TEST(Load, TellsADoubledReply) {
  auto twice = [](const std::string &data, int index) { return index == 10 ? data + data : data; };
  ExpectFault(LoadOne(Server(SOCK_STREAM, twice)), "byte 704 of the stream");
}

TEST(Load, TellsRepliesInTheWrongOrder) {
  auto swap = [](const std::string &data, int) {
    // Swaps the first two payloads of 64 bytes.
    return data.size() < 128 ? data : data.substr(64, 64) + data.substr(0, 64) + data.substr(128);
  };
  ExpectFault(LoadOne(Server(SOCK_STREAM, swap), "--depth=16"), "byte 0 of the stream");
}

TEST(Load, TellsThatTheServerCloses) {
  auto leave = [](const std::string &data, int index) {
    return index == 10 ? std::string() : data;
  };
  ExpectFault(LoadOne(Server(SOCK_STREAM, leave)), "closed by the server after 640 bytes");
}

// Answers each request that it receives; the one with this index differently.
Reply Answer(int differing, const std::string &other) {
  return [=](const std::string &, int index) {
    return index == differing ? other : "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  };
}

TEST(Load, HttpCountsResponsesOfStatus200) {
  Outcome outcome = LoadOne(Server(SOCK_STREAM, Answer(-1, "")), "--mode=http --target=/a");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.text;
  EXPECT_EQ(outcome.text.rfind("100 requests in ", 0), 0u) << outcome.text;
}

TEST(Load, HttpTellsAnotherStatus) {
  const std::string other = "HTTP/1.1 404 Not\r\nContent-Length: 4\r\n\r\nnone";
  for (const int index : {0, 10}) {
    ExpectFault(LoadOne(Server(SOCK_STREAM, Answer(index, other)), "--mode=http"),
                "connection 0: a reply does not begin with HTTP/1.1 200");
  }
}

TEST(Load, HttpTellsAResponseWithoutARequest) {
  const std::string good = Answer(-1, "")("", 0);
  ExpectFault(LoadOne(Server(SOCK_STREAM, Answer(10, good + good)), "--mode=http"),
              "a reply without a request");
}

// A server of one key: it answers SET with +OK, and GET with `value`.
Reply Redis(const std::string &value) {
  return [=](const std::string &received, int) {
    const std::string get = "$3\r\nGET";
    const bool gets = received.find(get) != std::string::npos;
    return gets ? "$" + std::to_string(value.size()) + "\r\n" + value + "\r\n" : "+OK\r\n";
  };
}

TEST(Load, RespCountsGetsAndSets) {
  for (const char *mode : {"--mode=get --payload=5", "--mode=set --payload=5"}) {
    Outcome outcome = LoadOne(Server(SOCK_STREAM, Redis("hello")), mode);
    EXPECT_EQ(outcome.exit_code, 0) << mode << outcome.text;
    EXPECT_EQ(outcome.text.rfind("100 requests in ", 0), 0u) << mode << outcome.text;
  }
}

TEST(Load, RespTellsAValueOfAnotherSize) {
  ExpectFault(LoadOne(Server(SOCK_STREAM, Redis("hello")), "--mode=get --payload=6"),
              "connection 0: a reply does not begin with $6");
}

TEST(Load, RespTellsAnError) {
  auto refuse = [](const std::string &, int index) -> std::string {
    return index == 10 ? "-OOM command not allowed\r\n" : "+OK\r\n";
  };
  ExpectFault(LoadOne(Server(SOCK_STREAM, refuse), "--mode=set"),
              "connection 0: a reply does not begin with +OK");
}

TEST(Load, CountsALostDatagramAndGoesOn) {
  auto drop = [](const std::string &data, int index) { return index == 10 ? std::string() : data; };
  Outcome outcome = LoadOne(Server(SOCK_DGRAM, drop));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.text;
  EXPECT_NE(outcome.text.find("lost: 1, late: 0"), std::string::npos) << outcome.text;
}

// Returns the number after `words` in the text.
double NumberAfter(const std::string &text, const std::string &words) {
  const size_t at = text.find(words);
  EXPECT_NE(at, std::string::npos) << text;
  return at == std::string::npos ? -1 : atof(text.c_str() + at + words.size());
}

TEST(Load, SendsAtTheRateThatWasAskedFor) {
  Server server(SOCK_STREAM, Same);
  Outcome outcome =
      Load("--connections=1 --depth=64 --rate=500 --warmup=0 --seconds=1 " + server.Address());
  EXPECT_EQ(outcome.exit_code, 0) << outcome.text;
  EXPECT_NEAR(NumberAfter(outcome.text, ""), 500, 200) << outcome.text;
}

TEST(Load, SendsHttpAtTheRateThatWasAskedFor) {
  Server server(SOCK_STREAM, Answer(-1, ""));
  Outcome outcome =
      Load("--mode=http --connections=1 --depth=1 --rate=500 --warmup=0 --seconds=1 " +
           server.Address());
  EXPECT_EQ(outcome.exit_code, 0) << outcome.text;
  EXPECT_NEAR(NumberAfter(outcome.text, ""), 500, 200) << outcome.text;
}

// In a closed loop the pause would be the latency of one request only.
TEST(Load, CountsTheWaitOfRequestsThatAreDueDuringAPause) {
  auto pause = [](const std::string &data, int index) {
    if (index == 100) std::this_thread::sleep_for(std::chrono::milliseconds(300));
    return data;
  };
  Server server(SOCK_STREAM, pause);
  // The depth holds some of the requests of the pause; the others wait in the generator.
  Outcome outcome =
      Load("--connections=1 --depth=64 --rate=1000 --warmup=0 --seconds=1 " + server.Address());
  EXPECT_EQ(outcome.exit_code, 0) << outcome.text;
  EXPECT_NEAR(NumberAfter(outcome.text, ""), 1000, 400) << outcome.text;
  EXPECT_GT(NumberAfter(outcome.text, "p99 "), 250e3) << outcome.text;
}

TEST(Load, CountsRequestsThatASlowServerNeverGot) {
  auto slow = [](const std::string &data, int) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return data;
  };
  Server server(SOCK_STREAM, slow);
  Outcome outcome =
      Load("--connections=1 --depth=1 --rate=1000 --warmup=0 --seconds=1 " + server.Address());
  EXPECT_EQ(outcome.exit_code, 0) << outcome.text;
  EXPECT_GT(NumberAfter(outcome.text, "were due, "), 500) << outcome.text;
}

TEST(Load, TellsThatNobodyListens) {
  // Port 1 (tcpmux) is below the ephemeral range and practically never in use.
  ExpectFault(Load("tcp://127.0.0.1:1"), "connection 0: connect: Connection refused");
}

TEST(Load, RefusesABadArgument) {
  for (const char *arguments :
       {"", "tcp://localhost:1", "--depth=0 tcp://127.0.0.1:1", "--payload=7 udp://127.0.0.1:1",
        "--mode=churn udp://127.0.0.1:1", "--joined tcp://127.0.0.1:1",
        "--rate=0 tcp://127.0.0.1:1", "--rate=10 udp://127.0.0.1:1",
        "--rate=10 --mode=churn tcp://127.0.0.1:1", "--mode=get udp://127.0.0.1:1"}) {
    EXPECT_EQ(Load(arguments).exit_code, 2) << arguments;
  }
}

}  // namespace
