// haproxy writes headers that evnet_proxy_parse reads, and accepts those that evnet_proxy_write writes.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "net/proxy_protocol/proxy_protocol.h"

namespace {

constexpr int kDeadlineMs = 20000;
constexpr char kHaproxy[] = "/usr/sbin/haproxy";

int Listen(uint16_t *port) {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(bind(descriptor, reinterpret_cast<sockaddr *>(&address), size), 0);
  EXPECT_EQ(listen(descriptor, 16), 0);
  EXPECT_EQ(getsockname(descriptor, reinterpret_cast<sockaddr *>(&address), &size), 0);
  *port = ntohs(address.sin_port);
  return descriptor;
}

bool Readable(int descriptor) {
  pollfd waited = {descriptor, POLLIN, 0};
  return poll(&waited, 1, kDeadlineMs) == 1;
}

// Connects from 127.0.0.1 and returns the descriptor; -1 if the connection was refused.
int Connect(uint16_t port) {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (connect(descriptor, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0)
    return descriptor;
  close(descriptor);
  return -1;
}

uint16_t LocalPort(int descriptor) {
  sockaddr_in address = {};
  socklen_t size = sizeof address;
  EXPECT_EQ(getsockname(descriptor, reinterpret_cast<sockaddr *>(&address), &size), 0);
  return ntohs(address.sin_port);
}

// haproxy as a TCP proxy from a port of its own to a listener of the test.
class Haproxy : public ::testing::Test {
 protected:
  void SetUp() override {
    if (access(kHaproxy, X_OK) != 0) GTEST_SKIP() << kHaproxy << " is not installed";
    listener_ = Listen(&server_port_);
    // The port is free when haproxy binds it, unless another process takes it first.
    const int reserved = Listen(&port_);
    close(reserved);
  }
  void TearDown() override {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    if (listener_ >= 0) close(listener_);
  }
  void Start(const std::string &bind_option, const std::string &server_option) {
    const std::string path = std::string(getenv("TEST_TMPDIR")) + "/haproxy.cfg";
    std::ofstream(path) << "defaults\n mode tcp\n timeout connect 20s\n timeout client 20s\n"
                        << " timeout server 20s\nlisten test\n bind 127.0.0.1:" << port_ << " "
                        << bind_option << "\n server upstream 127.0.0.1:" << server_port_ << " "
                        << server_option << "\n";
    pid_ = fork();
    if (pid_ == 0) {
      execl(kHaproxy, kHaproxy, "-db", "-q", "-f", path.c_str(), static_cast<char *>(nullptr));
      _exit(127);
    }
  }
  // Connects to haproxy, which may still be starting.
  int Client() {
    for (int tries = 0; tries < 2000; tries++) {
      const int client = Connect(port_);
      if (client >= 0) return client;
      usleep(10000);
    }
    ADD_FAILURE() << "haproxy does not listen";
    return -1;
  }
  // Accepts the connection of haproxy and reads until `done` returns true.
  template <typename Done>
  std::string Receive(const Done &done) {
    std::string received;
    if (!Readable(listener_)) return "nothing to accept";
    const int accepted = accept(listener_, nullptr, nullptr);
    char bytes[512];
    while (!done(received) && Readable(accepted)) {
      const ssize_t size = read(accepted, bytes, sizeof bytes);
      if (size <= 0) break;
      received.append(bytes, static_cast<size_t>(size));
    }
    close(accepted);
    return received;
  }

  uint16_t port_ = 0;
  uint16_t server_port_ = 0;

 private:
  int listener_ = -1;
  pid_t pid_ = -1;
};

TEST_F(Haproxy, WritesHeadersThatParseReads) {
  for (const char *option :
       {"send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"}) {
    SCOPED_TRACE(option);
    Start("", option);
    const int client = Client();
    ASSERT_GE(client, 0);
    ASSERT_EQ(write(client, "hello", 5), 5);
    evnet_proxy_header header = {};
    ssize_t size = 0;
    const std::string received = Receive([&](const std::string &bytes) {
      size = evnet_proxy_parse(bytes.data(), bytes.size(), &header);
      return size < 0 || (size > 0 && bytes.size() >= static_cast<size_t>(size) + 5);
    });
    ASSERT_GT(size, 0) << received;
    EXPECT_EQ(received.substr(static_cast<size_t>(size)), "hello");
    EXPECT_FALSE(header.is_local);
    EXPECT_EQ(evnet_address_port(&header.source), LocalPort(client));
    EXPECT_EQ(evnet_address_port(&header.destination), port_);
    EXPECT_EQ(header.source.socket.ip4.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    close(client);
    TearDown();
    SetUp();
  }
}

TEST_F(Haproxy, AcceptsTheHeadersThatWriteWrites) {
  // haproxy states the client's address, which it took from our header, in the header that it sends.
  Start("accept-proxy", "send-proxy");
  for (const int version : {1, 2}) {
    for (const char *const source : {"tcp://192.0.2.1:1234", "tcp://[2001:db8::1]:65535"}) {
      SCOPED_TRACE(source);
      evnet_proxy_header header = {};
      header.version = version;
      ASSERT_EQ(evnet_address_parse(source, &header.source, nullptr, 0), 0);
      header.destination = header.source;
      char bytes[EVNET_PROXY_HEADER_BYTES_MAX];
      const ssize_t size = evnet_proxy_write(&header, version == 2, bytes, sizeof bytes);
      ASSERT_GT(size, 0);
      const int client = Client();
      ASSERT_GE(client, 0);
      ASSERT_EQ(write(client, bytes, static_cast<size_t>(size)), size);
      ASSERT_EQ(write(client, "\n", 1), 1);
      const std::string line =
          Receive([](const std::string &all) { return all.find('\n') != std::string::npos; });
      const bool is_ip4 = header.source.socket.any.sa_family == AF_INET;
      EXPECT_EQ(line.substr(0, line.find('\r')),
                is_ip4 ? "PROXY TCP4 192.0.2.1 192.0.2.1 1234 1234"
                       : "PROXY TCP6 2001:db8::1 2001:db8::1 65535 65535");
      close(client);
    }
  }
}

}  // namespace
